// Switches for heads, blocks and patches. A switch turns at once; the server answers with new probabilities.

import * as heat from "../shared/viewer/heatmap.js";
import { fitSwitches, has, isUntouched, readSwitches, toggled, writeSwitches } from "./switches.js";

class Panel {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "patches heads legend bars verdict share");
    for (const name of ["edit", "how", "percent"]) this.nodes[name] = root.querySelector(`[name=${name}]`);
    this.cursor = 0;
    root.querySelector(".ablation").onclick = ({ target }) => this.click(target.dataset);
    const { edit, how, percent, share } = this.nodes;
    edit.onchange = () => this.change({ edit: edit.value });
    how.onchange = () => this.change({ how: how.value });
    percent.oninput = () => {
      share.textContent = `${percent.value}%`;
    };
    percent.onchange = () => this.change({ percent: Number(percent.value) });
    this.listenToPatches();
  }

  show(data, setStateValue) {
    const send = (off) => setStateValue("off", off);
    const isFirst = !this.data;
    const before = this.data?.grid ?? data.grid;
    if (this.data?.image !== data.image) this.image = heat.loadImage(data.image, () => this.drawPatches());
    Object.assign(this, { send, data });
    this.off = fitSwitches(this.off ?? readSwitches(), data, before);
    if (isFirst && !isUntouched(this.off)) send(this.off); // a link, or a tab that was left and is open again
    this.fill();
    this.draw();
  }

  change(changes) {
    this.off = { ...this.off, ...changes };
    this.draw();
    writeSwitches(this.off);
    this.send(this.off);
  }

  click({ do: name, list, layer, index }) {
    const everything = Array.from({ length: this.data.grid ** 2 }, (_, patch) => patch);
    if (name === "all") this.change({ patches: everything });
    if (name === "none") this.change({ patches: [] });
    if (name === "reset") this.change({ heads: [], branches: [], patches: [] });
    if (list) this.change({ [list]: toggled(this.off[list], Number(layer), Number(index)) });
  }

  /** A drag marks patches one by one and is sent as a whole. */
  listenToPatches() {
    const { patches } = this.nodes;
    const under = (event) => heat.patchUnder(patches, event, this.data.grid);
    patches.onpointerdown = (event) => {
      patches.setPointerCapture(event.pointerId);
      this.painting = !this.off.patches.includes(under(event));
      this.mark(under(event), this.painting);
    };
    patches.onpointermove = (event) => this.painting !== undefined && this.mark(under(event), this.painting);
    patches.onpointerup = () => {
      this.painting = undefined;
      this.change({});
    };
    patches.onkeydown = (event) => this.press(event);
    patches.onfocus = () => this.drawPatches();
    patches.onblur = () => this.drawPatches();
  }

  press(event) {
    const next = heat.patchAfter(this.cursor, event.key, this.data.grid);
    if (next !== null) this.cursor = next;
    else if (event.key === " " || event.key === "Enter") {
      this.mark(this.cursor, !this.off.patches.includes(this.cursor));
      this.change({});
    } else return;
    event.preventDefault();
    this.drawPatches();
  }

  mark(patch, isChosen) {
    if (patch === null) return;
    const others = this.off.patches.filter((other) => other !== patch);
    this.off = { ...this.off, patches: isChosen ? [...others, patch] : others };
    this.drawPatches();
  }

  /** Make the controls that this model has, and keep the focus where it was. */
  fill() {
    const { heads, edit, how, percent, legend } = this.nodes;
    const { data } = this;
    const focused = heads.getRootNode().activeElement?.dataset;
    this.offer(edit, data.edits);
    this.offer(how, data.hows);
    percent.max = data.most;
    legend.textContent = data.legend;
    heads.style.gridTemplateColumns = `auto repeat(${data.heads}, minmax(26px, 60px)) repeat(2, minmax(36px, 48px))`;
    const headings = ["head", ...Array.from({ length: data.heads }, (_, head) => head), "attn", "MLP"];
    const names = headings.map((textContent, place) =>
      heat.make("span", { textContent, className: place ? "" : "row" }),
    );
    heads.replaceChildren(...names, ...data.tints.flatMap((row, layer) => this.makeRow(row, layer)));
    if (!focused?.list) return;
    const { list, layer, index } = focused;
    heads.querySelector(`[data-list="${list}"][data-layer="${layer}"][data-index="${index}"]`)?.focus();
  }

  offer(select, texts) {
    if (select.length === Object.keys(texts).length) return;
    select.replaceChildren(...Object.entries(texts).map(([value, text]) => new Option(text, value)));
  }

  makeRow(tints, layer) {
    const name = heat.make("span", { textContent: `layer ${layer}`, className: "row" });
    const heads = tints.map((tint, head) => {
      const ariaLabel = `Switch off layer ${layer}, head ${head}: ${tint.text} points alone`;
      return this.makeSwitch({ list: "heads", layer, index: head }, { textContent: tint.text, ariaLabel, tint });
    });
    const blocks = ["attention", "MLP"].map((branch, index) => {
      const ariaLabel = `Switch off the ${branch} of layer ${layer}`;
      return this.makeSwitch({ list: "branches", layer, index }, { className: "block", ariaLabel });
    });
    return [name, ...heads, ...blocks];
  }

  makeSwitch(dataset, properties) {
    const button = heat.make("button", { type: "button", title: properties.ariaLabel, ...properties });
    Object.assign(button.dataset, dataset);
    return button;
  }

  draw() {
    const { heads, edit, how, percent, share } = this.nodes;
    const { off } = this;
    const isScaled = off.how === "scaled";
    edit.value = off.edit;
    how.value = off.how;
    Object.assign(percent, { value: off.percent, hidden: !isScaled });
    Object.assign(share, { textContent: `${off.percent}%`, hidden: !isScaled });
    for (const button of heads.querySelectorAll("button")) this.drawSwitch(button);
    this.drawBars();
    this.drawPatches();
  }

  drawSwitch(button) {
    const { list, layer, index } = button.dataset;
    const isOff = has(this.off[list], Number(layer), Number(index));
    button.ariaPressed = isOff;
    if (list === "branches") button.textContent = isOff ? "off" : "on";
    button.style.background = isOff ? "" : (button.tint?.color ?? "");
    button.style.color = isOff ? "" : (button.tint?.ink ?? "");
  }

  drawBars() {
    const track = (tag, share) => heat.make(tag, { style: `width: ${100 * share}%` });
    const rows = this.data.bars.map(({ name, text, before, now, asked }) => {
      const head = heat.make("div", {}, name, heat.make("span", { textContent: text }));
      const bar = heat.make("i", {}, track("u", before), track("b", now));
      bar.lastChild.style.opacity = 0.85;
      return heat.make("div", { className: asked ? "bar is-asked" : "bar" }, head, bar);
    });
    this.nodes.bars.replaceChildren(...rows);
    this.nodes.verdict.textContent = this.data.verdict;
  }

  drawPatches() {
    const { patches } = this.nodes;
    const { data, off } = this;
    heat.drawImage(patches, this.image);
    if (off.edit === "drop")
      for (const patch of off.patches) heat.drawPatch(patches, data.grid, patch, "rgb(20 20 20 / 0.82)");
    heat.drawGrid(patches, data.grid);
    for (const patch of off.patches) heat.drawFrame(patches, data.grid, patch, "#19b5a5", 2);
    if (patches.getRootNode().activeElement === patches) heat.drawFrame(patches, data.grid, this.cursor, "#fff", 2);
    patches.ariaLabel =
      `Patches: ${off.patches.length} of ${data.grid ** 2} chosen. Arrow keys move, space chooses ` +
      `${heat.patchName(this.cursor, data.grid)}.`;
  }
}

export default heat.mounted(Panel);
