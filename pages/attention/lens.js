// The logit lens: point at a patch and read what it would answer after every layer.

import * as heat from "../shared/viewer/heatmap.js";

const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
const signed = (value) => {
  const rounded = Number(value.toFixed(2)) || 0; // not -0
  return (rounded > 0 ? "+" : "") + rounded.toFixed(2);
};
const nameOf = (layer) => (layer === 0 ? "before layer 0" : `after layer ${layer - 1}`);

class Lens {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "readout layers ramp title unit parts");
    this.nodes.layers.onkeydown = (event) => this.press(event);
    this.nodes.layers.onpointerleave = () => this.point(null, this.layer);
  }

  show(view) {
    if (this.view === view) return;
    this.view = view;
    this.patch = null;
    this.layer = view.patches.length - 1;
    this.image = heat.loadImage(view.photo, () => this.draw());
    this.makeLayers();
    this.makeParts();
    heat.drawRamp(this.nodes, view.scale);
    this.nodes.unit.textContent = `Probability of ${view.asked}, patch by patch`;
    this.nodes.layers.ariaLabel = `Probability of ${view.asked} after each layer. Arrow keys move the patch, [ and ] the layer.`;
    this.draw();
  }

  makeLayers() {
    const { view } = this;
    this.nodes.layers.replaceChildren(
      ...view.patches.map((_, layer) => {
        const canvas = heat.make("canvas", { width: 192, height: 192, role: "img", ariaLabel: this.describe(layer) });
        canvas.onpointermove = (event) => this.point(heat.patchUnder(canvas, event, view.grid), layer);
        canvas.onclick = canvas.onpointermove;
        const answer = heat.make("b", { textContent: this.answer(view.whole[layer], 0) });
        return heat.make("figure", {}, canvas, heat.make("figcaption", {}, nameOf(layer), answer));
      }),
    );
  }

  /** The likeliest class of a token, with its probability. */
  answer({ tops, topShares }, token) {
    return `${this.view.classes[tops[token]]} ${percent(topShares[token])}`;
  }

  describe(layer) {
    const { patches, whole, asked, grid } = this.view;
    const { shares } = patches[layer];
    const most = shares.indexOf(Math.max(...shares));
    const where = `${asked} is likeliest at ${heat.patchName(most, grid)}, ${percent(shares[most])}`;
    return `The whole, ${nameOf(layer)}, says ${this.answer(whole[layer], 0)}; ${where}`;
  }

  press(event) {
    const { grid, patches } = this.view;
    const start = this.patch ?? heat.middleOf(grid);
    const moved = heat.patchAfter(start, event.key, grid);
    const turn = { "[": -1, "]": 1 }[event.key] ?? 0;
    if (event.key === "Escape") this.point(null, this.layer);
    else if (moved === null && !turn) return;
    else {
      const patch = this.patch === null ? start : (moved ?? start);
      this.point(patch, Math.min(patches.length - 1, Math.max(0, this.layer + turn)));
    }
    event.preventDefault();
  }

  point(patch, layer) {
    if (patch === this.patch && layer === this.layer) return;
    Object.assign(this, { patch, layer });
    this.draw();
  }

  draw() {
    const { view, patch, layer, nodes } = this;
    nodes.layers.childNodes.forEach((figure, place) => {
      heat.drawHeatmap(figure.firstChild, this.image, view.patches[place].shares, view.scale);
      if (patch !== null) heat.drawFrame(figure.firstChild, view.grid, patch, "#19b5a5", place === layer ? 5 : 2);
    });
    nodes.readout.textContent = patch === null ? view.summary : this.read();
  }

  read() {
    const { view, patch, layer } = this;
    const own = `${view.asked} ${percent(view.patches[layer].shares[patch])}`;
    const top = this.answer(view.patches[layer], patch);
    const start = `Patch ${heat.patchName(patch, view.grid)}, ${nameOf(layer)}, says ${top}`;
    return start + (top === own ? "." : `; ${own}.`);
  }

  /** A table of bars: a row per layer; what lies before and after all layers has a column of its own. */
  makeParts() {
    const { view, nodes } = this;
    const { columns, layers, embedding, end, total } = view.parts;
    const most = Math.max(...[...layers.flat(), embedding, end].map(Math.abs)) || 1;
    const label = (textContent, className = "") => heat.make("span", { textContent, className, ariaHidden: "true" });
    const heading = ["", ...columns, "outside"].map((name) => label(name, "head"));
    const rows = layers.flatMap((values, layer) => [
      label(`layer ${layer}`, "layer"),
      ...values.map((value, column) => this.makePart(`layer ${layer}, ${columns[column]}`, value, most)),
    ]);
    const outside = (name, value) => [label(name, "outside"), this.makePart(name, value, most)];
    const before = outside("before layer 0: embedding", embedding);
    const after = outside("at the end: biases of the last norm and the classifier", end);
    nodes.title.textContent = `Direct logit attribution: the logit of ${view.asked} is ${total}, the sum of these parts`;
    nodes.parts.ariaLabel = nodes.title.textContent;
    nodes.parts.style.gridTemplateColumns = `auto repeat(${columns.length + 1}, minmax(52px, 1fr))`;
    nodes.parts.replaceChildren(...heading, ...before, ...rows, ...after);
  }

  makePart(name, value, most) {
    const title = `${name}: ${signed(value)} logits`;
    const width = (50 * Math.abs(value)) / most;
    const bar = heat.make("i");
    const background = value < 0 ? this.view.colors.opposes : this.view.colors.supports;
    Object.assign(bar.style, { width: `${width}%`, left: `${value < 0 ? 50 - width : 50}%`, background });
    const number = heat.make("span", { textContent: signed(value) });
    return heat.make("div", { className: "part", title, role: "listitem", ariaLabel: title }, number, bar);
  }
}

export default heat.mounted(Lens);
