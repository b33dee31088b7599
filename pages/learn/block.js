// One token on its way through a block: a strip of colors for each stage, and what the parts add to the answer.

import * as heat from "../shared/viewer/heatmap.js";
import { halfOf } from "../shared/viewer/payload.js";
import { animate } from "./figure.js";

const ACCENT = "#19b5a5";
const MILLISECONDS = 4900; // for all stages
const RAILS = [
  [0, 3],
  [3, 6],
]; // stages that a residual connection leaves from and arrives at
const CUTS = [
  { label: "Whole model", off: [], rails: false },
  { label: "Attention off", off: [1, 2], rails: false },
  { label: "MLP off", off: [4, 5], rails: false },
  { label: "Residuals cut", off: [], rails: true },
];
const COLORS = { up: "#1f9e89", down: "#c9504b" };

class BlockFigure {
  constructor(root) {
    this.nodes = heat.nodesOf(
      root,
      "play layer prefix stage ramp rows rails numbers readout title bars damage lock answers",
    );
    const { play, layer, stage, rows } = this.nodes;
    play.onclick = () => this.play();
    layer.onchange = () => this.go({ layer: Number(layer.value) });
    stage.onpointerdown = (event) => this.point(heat.patchUnder(stage, event, this.view.grid));
    stage.onkeydown = (event) => {
      const patch = heat.patchAfter(this.token - this.first, event.key, this.view.grid);
      if (patch === null) return;
      event.preventDefault();
      this.point(patch);
    };
    rows.onkeydown = (event) => this.key(event);
  }

  get first() {
    return this.view.prefix.length;
  }

  get tokens() {
    return this.first + this.view.grid ** 2;
  }

  show(view) {
    const isNew = this.view?.numbers !== view.numbers;
    const hadSize = this.view && this.view.grid === view.grid && this.first === view.prefix.length;
    this.view = view;
    if (isNew) this.read();
    if (!hadSize) this.token = this.first + heat.middleOf(view.grid);
    if (isNew) Object.assign(this, { layer: Math.min(this.layer ?? 0, view.depth - 1), at: 6, filled: 1 });
    if (!view.cuts) this.cut = 0;
    this.cut ??= 0;
    this.makeControls();
    this.draw();
  }

  read() {
    const bytes = Uint8Array.from(atob(this.view.numbers), (letter) => letter.charCodeAt(0));
    this.numbers = Float32Array.from(new Uint16Array(bytes.buffer), halfOf);
    this.photo = heat.loadImage(this.view.photo, () => this.drawImage());
  }

  makeControls() {
    const { layer, prefix, damage, lock } = this.nodes;
    const { view } = this;
    const option = (_, number) =>
      heat.make("option", { value: number, textContent: `${number} of 0–${view.depth - 1}` });
    layer.replaceChildren(...Array.from({ length: view.depth }, option));
    prefix.replaceChildren(...view.prefix.map((name, token) => this.makeButton(name, () => this.go({ token }))));
    damage.replaceChildren(...CUTS.map(({ label }, cut) => this.makeButton(label, () => this.go({ cut }))));
    for (const button of damage.children) button.disabled = !view.cuts;
    lock.textContent = view.cuts ? "" : "Answer the question to cut something in a block.";
  }

  makeButton(textContent, onclick) {
    return heat.make("button", { type: "button", textContent, onclick });
  }

  go(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  point(patch) {
    if (patch !== null) this.go({ token: this.first + patch });
  }

  key(event) {
    const last = this.view.stages.length - 1;
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (!moves) return;
    event.preventDefault();
    const at = Math.min(last, Math.max(0, this.at + moves[0]));
    const layer = Math.min(this.view.depth - 1, Math.max(0, this.layer + moves[1]));
    this.go({ at, layer, filled: 1 });
  }

  play() {
    const count = this.view.stages.length;
    animate(MILLISECONDS, (share) => {
      const at = Math.min(count - 1, Math.floor(share * count));
      this.go({ at, filled: Math.min(1, 2 * (share * count - at)) });
    });
  }

  /** Where a stage of the chosen token lies among the lengths. */
  placeOf(stage) {
    return (this.layer * this.view.stages.length + stage) * this.tokens + this.token;
  }

  valuesOf(stage) {
    const start = this.placeOf(stage) * this.view.shown;
    return this.numbers.subarray(start, start + this.view.shown);
  }

  /** One scale for all stages; the most extreme fiftieth of the numbers is cut off. */
  scale() {
    const all = this.view.stages.flatMap((_, stage) => Array.from(this.valuesOf(stage), Math.abs));
    const high = all.sort((a, b) => a - b)[Math.floor(0.98 * (all.length - 1))] || 1;
    return { low: -high, high, factor: 1, unit: "", clips: true, rest: 0 };
  }

  draw() {
    const { nodes, view } = this;
    const scale = this.scale();
    const look = { colors: heat.SIGNED, style: "colors", opacity: 1 };
    nodes.layer.value = this.layer;
    for (const [token, button] of [...nodes.prefix.children].entries())
      button.ariaPressed = String(token === this.token);
    for (const [cut, button] of [...nodes.damage.children].entries()) button.ariaPressed = String(cut === this.cut);
    nodes.numbers.textContent =
      view.shown < view.dim ? `first ${view.shown} of ${view.dim} numbers` : `${view.dim} numbers`;
    heat.drawRamp(nodes, scale, look);
    this.drawImage();
    this.drawRows(scale);
    this.drawRails();
    this.drawAdds();
    this.drawAnswers();
    nodes.readout.textContent = this.describe();
  }

  drawImage() {
    const { stage } = this.nodes;
    heat.drawImage(stage, this.photo);
    const patch = this.token - this.first;
    if (patch >= 0) heat.drawFrame(stage, this.view.grid, patch, ACCENT, 6);
    stage.ariaLabel = `${this.tokenName()}. Arrow keys choose another patch.`;
  }

  drawRows(scale) {
    const { rows } = this.nodes;
    const { off } = CUTS[this.cut];
    if (rows.children.length !== this.view.stages.length) this.makeRows();
    for (const [stage, row] of [...rows.children].entries()) {
      const [name, strip, length, cosine] = row.children;
      name.textContent = this.view.stages[stage][0];
      this.drawStrip(strip, this.valuesOf(stage), scale, stage === this.at ? this.filled : 1);
      length.textContent = this.lengthOf(stage);
      cosine.textContent = stage ? this.cosineOf(stage) : "";
      row.ariaSelected = String(stage === this.at);
      row.classList.toggle("later", stage > this.at);
      row.classList.toggle("off", off.includes(stage));
    }
    rows.setAttribute("aria-activedescendant", `stage-${this.at}`);
  }

  makeRows() {
    const makeRow = (_, stage) => {
      const parts = [heat.make("span", { className: "name" }), heat.make("canvas", { height: 1 })];
      const values = [0, 1].map(() => heat.make("span", { className: "value" }));
      const row = heat.make("div", { className: "step", id: `stage-${stage}`, role: "option" }, ...parts, ...values);
      row.onclick = () => this.go({ at: stage, filled: 1 });
      return row;
    };
    this.nodes.rows.replaceChildren(...this.view.stages.map(makeRow));
  }

  drawStrip(canvas, values, scale, share) {
    const table = heat.tableOf(heat.SIGNED);
    const pixels = new ImageData(values.length, 1);
    const count = Math.round(share * values.length);
    for (let place = 0; place < count; place++)
      pixels.data.set([...table[heat.placeOf(scale, values[place])], 255], 4 * place);
    canvas.width = values.length;
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  drawRails() {
    const count = this.view.stages.length;
    const makeRail = ([from, to]) => {
      const rail = heat.make("div", { className: `rail ${CUTS[this.cut].rails ? "cut" : ""}` });
      rail.style.top = `${(100 * (from + 0.55)) / count}%`;
      rail.style.height = `${(100 * (to - from - 0.05)) / count}%`;
      return rail;
    };
    this.nodes.rails.replaceChildren(...RAILS.map(makeRail));
  }

  /** What each part adds to the logit of the predicted class, as bars to both sides. */
  drawAdds() {
    const { view, nodes } = this;
    nodes.title.textContent = `What each part adds to the logit of ${view.class}`;
    const names = ["Before block 0"];
    for (let layer = 0; layer < view.depth; layer++) names.push(`Attention ${layer}`, `MLP ${layer}`);
    names.push("Biases");
    const most = Math.max(...view.adds.map(Math.abs), 1e-9);
    const rows = names.flatMap((name, place) =>
      this.makeBar(name, view.adds[place], most, (place - 1) >> 1 === this.layer),
    );
    const sum = ["Logit", "", view.logit.toFixed(2).replace("-", "−")].map((textContent, column) =>
      heat.make("span", { className: column === 2 ? "sum value" : "sum", textContent }),
    );
    nodes.bars.replaceChildren(...rows, heat.make("hr"), ...sum);
  }

  makeBar(name, value, most, isOwn) {
    const bar = heat.make("b");
    const width = (50 * Math.abs(value)) / most;
    Object.assign(bar.style, { left: `${value < 0 ? 50 - width : 50}%`, width: `${width}%` });
    bar.style.background = value < 0 ? COLORS.down : COLORS.up;
    const number = Math.abs(value) < 0.005 ? "0.00" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
    const label = heat.make("span", { textContent: name, className: isOwn ? "own" : "" });
    return [label, heat.make("i", {}, bar), heat.make("span", { className: "value", textContent: number })];
  }

  answer() {
    return this.cut ? this.view.cuts[this.layer][this.cut - 1] : this.view.whole;
  }

  drawAnswers() {
    const rows = this.answer().flatMap(([name, share]) => {
      const bar = heat.make("b");
      bar.style.width = `${100 * share}%`;
      const number = `${(100 * share).toFixed(1)}%`;
      return [
        heat.make("span", { textContent: name }),
        heat.make("i", {}, bar),
        heat.make("span", { textContent: number }),
      ];
    });
    this.nodes.answers.replaceChildren(...rows);
  }

  lengthOf(stage) {
    return Number(this.view.lengths[this.placeOf(stage)].toPrecision(3)).toString();
  }

  cosineOf(stage) {
    return this.view.cosines[this.placeOf(stage)].toFixed(2).replace("-", "−");
  }

  tokenName() {
    const patch = this.token - this.first;
    return patch < 0 ? this.view.prefix[this.token] : `Patch ${heat.patchName(patch, this.view.grid)}`;
  }

  describe() {
    const { view, at, cut } = this;
    const [name, what] = view.stages[at];
    const cosine = at ? `, cosine ${this.cosineOf(at)} to ${at < 4 ? "x" : "x′, the token after attention"}` : "";
    const [top, share] = this.answer()[0];
    const damage = cut
      ? ` ${CUTS[cut].label} in block ${this.layer}: the answer is ${top}, ${(100 * share).toFixed(1)}%.`
      : "";
    return `${this.tokenName()}, block ${this.layer}. ${name}: ${what} Length ${this.lengthOf(at)}${cosine}.${damage}`;
  }
}

export default heat.mounted(BlockFigure);
