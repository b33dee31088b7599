// Switches for heads, blocks and patches. A switch turns at once; the server answers with new probabilities.

const panels = new WeakMap();
const BRANCHES = ["attention", "MLP"];
const has = (pairs, layer, index) => pairs.some(([a, b]) => a === layer && b === index);

class Panel {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { patches: find("patches"), heads: find("heads"), legend: find("legend"), bars: find("bars"),
                   verdict: find("verdict"), edit: root.querySelector("[name=edit]"), how: root.querySelector("[name=how]"),
                   percent: root.querySelector("[name=percent]"), share: find("share") };
    this.cursor = 0;
    this.listen(root);
  }

  show(data, send) {
    const isFirst = !this.data, before = this.data?.grid ?? data.grid;
    this.send = send;
    this.data = data;
    this.off = fitSwitches(this.off ?? readSwitches(), data, before);
    if (isFirst && !isUntouched(this.off)) send(this.off); // a link, or a tab that was left and is open again
    if (this.source !== data.seen) this.load(data.seen);
    this.fill();
    this.draw();
  }

  load(source) {
    this.source = source;
    this.image = new Image();
    this.image.onload = () => this.drawPatches();
    this.image.src = source;
  }

  change(changes) {
    this.off = { ...this.off, ...changes };
    this.draw();
    writeSwitches(this.off);
    this.send(this.off);
  }

  toggle(name, layer, index) {
    const pairs = this.off[name], isOff = has(pairs, layer, index);
    this.change({ [name]: isOff ? pairs.filter(([a, b]) => a !== layer || b !== index) : [...pairs, [layer, index]] });
  }

  listen(root) {
    const { patches, edit, how, percent, share } = this.nodes;
    root.querySelector(".surgery").onclick = ({ target }) => {
      const all = Array.from({ length: this.data.grid ** 2 }, (_, p) => p);
      if (target.dataset.do === "all") this.change({ patches: all });
      if (target.dataset.do === "none") this.change({ patches: [] });
      if (target.dataset.do === "reset") this.change({ heads: [], branches: [], patches: [] });
      if (target.dataset.list) this.toggle(target.dataset.list, Number(target.dataset.layer), Number(target.dataset.index));
    };
    edit.onchange = () => this.change({ edit: edit.value });
    how.onchange = () => this.change({ how: how.value });
    percent.oninput = () => { share.textContent = `${percent.value} %`; };
    percent.onchange = () => this.change({ percent: Number(percent.value) });
    patches.onpointerdown = (event) => {
      patches.setPointerCapture(event.pointerId);
      const patch = this.at(event);
      this.painting = !this.off.patches.includes(patch);
      this.mark(patch, this.painting);
    };
    patches.onpointermove = (event) => { if (this.painting !== undefined) this.mark(this.at(event), this.painting); };
    patches.onpointerup = () => { this.painting = undefined; this.change({}); };
    patches.onkeydown = (event) => this.press(event);
    patches.onfocus = patches.onblur = () => this.drawPatches();
  }

  press(event) {
    const { grid } = this.data, step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid, ArrowUp: -grid }[event.key];
    if (step) this.cursor = (this.cursor + step + grid ** 2) % grid ** 2;
    else if (event.key === " " || event.key === "Enter") {
      this.mark(this.cursor, !this.off.patches.includes(this.cursor));
      this.change({});
    } else return;
    event.preventDefault();
    this.drawPatches();
  }

  // A drag marks patches one by one and is sent as a whole.
  mark(patch, isChosen) {
    const others = this.off.patches.filter((other) => other !== patch);
    this.off = { ...this.off, patches: isChosen ? [...others, patch] : others };
    this.drawPatches();
  }

  at(event) {
    const bounds = this.nodes.patches.getBoundingClientRect(), { grid } = this.data;
    const place = (value, length) => Math.min(grid - 1, Math.max(0, Math.floor((value / length) * grid)));
    return place(event.clientY - bounds.top, bounds.height) * grid + place(event.clientX - bounds.left, bounds.width);
  }
}
