// How the panel looks.

Object.assign(Panel.prototype, {
  fill() {
    const { heads, edit, how, percent, legend } = this.nodes, { data } = this;
    this.offer(edit, data.edits);
    this.offer(how, data.hows);
    percent.max = data.most;
    legend.textContent = data.legend;
    const focused = heads.getRootNode().activeElement?.dataset;
    heads.style.gridTemplateColumns = `auto repeat(${data.heads}, minmax(26px, 44px)) auto auto`;
    const titles = ["head", ...Array.from({ length: data.heads }, (_, head) => head), "attn", "MLP"];
    heads.replaceChildren(...titles.map((title, place) => this.label(title, place ? "" : "row")));
    data.tints.forEach((row, layer) => {
      heads.append(this.label(`layer ${layer}`, "row"));
      row.forEach((tint, head) => heads.append(this.makeHead(tint, layer, head)));
      BRANCHES.forEach((name, branch) => heads.append(this.makeBranch(name, layer, branch)));
    });
    if (focused?.list) heads.querySelector(
      `[data-list="${focused.list}"][data-layer="${focused.layer}"][data-index="${focused.index}"]`)?.focus();
  },

  offer(select, texts) {
    if (select.length === Object.keys(texts).length) return;
    select.replaceChildren(...Object.entries(texts).map(([value, text]) => new Option(text, value)));
  },

  label(text, className) {
    return Object.assign(document.createElement("span"), { textContent: text, className });
  },

  makeSwitch(list, layer, index, text) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    Object.assign(button.dataset, { list, layer, index });
    return button;
  },

  makeHead(tint, layer, head) {
    const button = this.makeSwitch("heads", layer, head, tint.text);
    button.ariaLabel = `Switch off layer ${layer}, head ${head}: ${tint.text} points alone`;
    button.tint = tint;
    return button;
  },

  makeBranch(name, layer, branch) {
    const button = this.makeSwitch("branches", layer, branch, "on");
    button.className = "block";
    button.ariaLabel = `Switch off the ${name} of layer ${layer}`;
    return button;
  },

  draw() {
    const { edit, how, percent, share } = this.nodes, { off } = this;
    Object.assign(edit, { value: off.edit });
    Object.assign(how, { value: off.how });
    Object.assign(percent, { value: off.percent, hidden: off.how !== "scaled" });
    Object.assign(share, { textContent: `${off.percent} %`, hidden: off.how !== "scaled" });
    for (const button of this.nodes.heads.querySelectorAll("button")) {
      const { list, layer, index } = button.dataset, isOff = has(this.off[list], Number(layer), Number(index));
      button.ariaPressed = isOff;
      if (list === "branches") button.textContent = isOff ? "off" : "on";
      Object.assign(button.style, { background: isOff ? "" : button.tint?.color, color: isOff ? "" : button.tint?.ink });
    }
    this.drawBars();
    this.drawPatches();
  },

  drawBars() {
    const { data } = this;
    this.nodes.bars.replaceChildren(...data.bars.map((bar) => {
      const node = Object.assign(document.createElement("div"), { className: bar.asked ? "bar is-asked" : "bar" });
      const head = document.createElement("div"), track = document.createElement("i");
      head.append(bar.name, Object.assign(document.createElement("span"), { textContent: bar.text }));
      for (const [tag, share] of [["u", bar.before], ["b", bar.now]]) {
        track.append(Object.assign(document.createElement(tag), { style: `width: ${100 * share}%` }));
      }
      track.lastChild.style.opacity = 0.85;
      node.append(head, track);
      return node;
    }));
    this.nodes.verdict.textContent = data.verdict;
  },

  drawPatches() {
    const { patches } = this.nodes, { data, off } = this, pen = patches.getContext("2d"), step = patches.width / data.grid;
    const isFocused = patches.getRootNode().activeElement === patches;
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, patches.width, patches.height);
    if (this.image.complete && this.image.naturalWidth) pen.drawImage(this.image, 0, 0, patches.width, patches.height);
    for (let patch = 0; patch < data.grid ** 2; patch++) {
      const x = (patch % data.grid) * step, y = Math.floor(patch / data.grid) * step, isChosen = off.patches.includes(patch);
      if (isChosen && off.edit === "drop") {
        pen.fillStyle = "rgba(20, 20, 20, 0.82)";
        pen.fillRect(x, y, step, step);
      }
      pen.lineWidth = isChosen ? 3 : 1;
      pen.strokeStyle = isChosen ? "#ff7a1a" : "rgba(255, 255, 255, 0.35)";
      pen.strokeRect(x + pen.lineWidth / 2, y + pen.lineWidth / 2, step - pen.lineWidth, step - pen.lineWidth);
      if (isFocused && patch === this.cursor) {
        pen.strokeStyle = "#fff";
        pen.strokeRect(x + 5, y + 5, step - 10, step - 10);
      }
    }
    const count = off.patches.length;
    patches.ariaLabel = `Patches: ${count} of ${data.grid ** 2} chosen. Arrow keys move, space chooses row `
      + `${Math.floor(this.cursor / data.grid) + 1}, column ${(this.cursor % data.grid) + 1}.`;
  },
});

export default function ({ data, parentElement, setStateValue }) {
  if (!panels.has(parentElement)) panels.set(parentElement, new Panel(parentElement));
  panels.get(parentElement).show(data, (off) => setStateValue("off", off));
}
