// The logit lens: point at a patch and read what it would answer after every layer.

const lenses = new WeakMap();
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(2);

class Lens {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { readout: find("readout"), layers: find("layers"), ramp: find("ramp"), title: find("title"), unit: find("unit"),
                   parts: find("parts"), ticks: [...root.querySelectorAll(".ticks span")] };
    this.nodes.layers.onkeydown = (event) => this.press(event);
    this.nodes.layers.onpointerleave = () => this.point(null, this.layer);
  }

  show(view) {
    if (this.view === view) return;
    this.view = view;
    this.patch = null;
    this.layer = view.patches.length - 1;
    this.image = Object.assign(new Image(), { onload: () => this.draw(), src: view.seen });
    this.makeLayers();
    this.makeParts();
    drawRamp(this.nodes, view, view.scale, "viridis");
    this.nodes.unit.textContent = `Probability of ${view.asked}, patch by patch`;
    this.nodes.layers.ariaLabel = `Probability of ${view.asked} after each layer. Arrow keys move the patch, [ and ] the layer.`;
    this.draw();
  }

  nameOf(layer) {
    return layer === 0 ? "before layer 0" : `after layer ${layer - 1}`;
  }

  makeLayers() {
    const { view } = this;
    this.nodes.layers.replaceChildren(...view.patches.map((said, layer) => {
      const figure = document.createElement("figure"), text = document.createElement("figcaption");
      const canvas = Object.assign(document.createElement("canvas"), { width: 192, height: 192 });
      canvas.setAttribute("role", "img");
      canvas.ariaLabel = this.describe(layer);
      canvas.onpointermove = canvas.onclick = (event) => this.point(this.at(canvas, event), layer);
      const whole = view.whole[layer], answer = Object.assign(document.createElement("b"), {
        textContent: `${view.classes[whole.tops[0]]} ${percent(whole.topShares[0])}` });
      text.append(this.nameOf(layer), answer);
      figure.append(canvas, text);
      return figure;
    }));
  }

  describe(layer) {
    const { view } = this, { shares } = view.patches[layer], most = shares.indexOf(Math.max(...shares));
    const whole = view.whole[layer];
    return `The whole, ${this.nameOf(layer)}, says ${view.classes[whole.tops[0]]} ${percent(whole.topShares[0])}; `
      + `${view.asked} is likeliest at ${patchName(most, view.grid)}, ${percent(shares[most])}`;
  }

  at(canvas, event) {
    const bounds = canvas.getBoundingClientRect(), { grid } = this.view;
    const place = (value, length) => Math.min(grid - 1, Math.max(0, Math.floor((value / length) * grid)));
    return place(event.clientY - bounds.top, bounds.height) * grid + place(event.clientX - bounds.left, bounds.width);
  }

  press(event) {
    const { grid, patches } = this.view;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid, ArrowUp: -grid }[event.key];
    const turn = { "[": -1, "]": 1 }[event.key];
    if (!step && !turn && event.key !== "Escape") return;
    event.preventDefault();
    if (event.key === "Escape") return this.point(null, this.layer);
    const start = this.patch ?? (grid >> 1) * (grid + 1), layer = this.layer + (turn ?? 0);
    const patch = this.patch === null ? start : start + (step ?? 0);
    this.point(Math.min(grid ** 2 - 1, Math.max(0, patch)), Math.min(patches.length - 1, Math.max(0, layer)));
  }

  point(patch, layer) {
    if (patch === this.patch && layer === this.layer) return;
    Object.assign(this, { patch, layer });
    this.draw();
  }

  draw() {
    const { view, patch, layer, nodes } = this;
    nodes.layers.childNodes.forEach((figure, place) => {
      const canvas = figure.firstChild, pen = canvas.getContext("2d"), step = canvas.width / view.grid;
      drawSeen(canvas, this.image, heatmap(view, view.patches[place].shares, view.scale, "viridis"), view.grid);
      if (patch === null) return;
      pen.globalAlpha = 1;
      pen.lineWidth = place === layer ? 5 : 3;
      pen.strokeStyle = "#ff7a1a";
      pen.strokeRect((patch % view.grid) * step + 2, Math.floor(patch / view.grid) * step + 2, step - 4, step - 4);
    });
    nodes.readout.textContent = patch === null ? view.summary : this.read();
  }

  read() {
    const { view, patch, layer } = this, { shares, tops, topShares } = view.patches[layer];
    const own = `${view.asked} ${percent(shares[patch])}`, top = `${view.classes[tops[patch]]} ${percent(topShares[patch])}`;
    return `Patch ${patchName(patch, view.grid)}, ${this.nameOf(layer)}, says ${top}` + (top === own ? "." : `; ${own}.`);
  }

  makeParts() {
    const { view, nodes } = this, { rows, total } = view.parts, widest = Math.max(...rows.map((row) => row.parts.length));
    const most = Math.max(...rows.flatMap((row) => row.parts.map(([, value]) => Math.abs(value)))) || 1;
    nodes.title.textContent = `Who wrote it? The logit of ${view.asked} is ${total}, the sum of these parts`;
    nodes.parts.ariaLabel = nodes.title.textContent;
    nodes.parts.style.gridTemplateColumns = `auto repeat(${widest}, minmax(52px, 1fr))`;
    nodes.parts.replaceChildren(...this.heading(rows, widest), ...rows.flatMap((row) => {
      const name = Object.assign(document.createElement("span"), { textContent: row.name, ariaHidden: "true" });
      const cells = row.parts.map((part) => this.makePart(row.name, part, most));
      const rest = Object.assign(document.createElement("span"), { ariaHidden: "true" }); // so that all bars are as wide
      rest.style.gridColumn = `${cells.length + 2} / -1`;
      return cells.length < widest ? [name, ...cells, rest] : [name, ...cells];
    }));
  }

  heading(rows, widest) {
    const names = ["", ...(rows.find((row) => row.parts.length === widest)?.parts ?? []).map(([name]) => name)];
    return names.map((textContent) => Object.assign(document.createElement("span"), { textContent, className: "head", ariaHidden: "true" }));
  }

  makePart(row, [name, value], most) {
    const cell = Object.assign(document.createElement("div"), { className: "part", title: `${row}, ${name}: ${signed(value)} logits` });
    cell.setAttribute("role", "listitem");
    cell.ariaLabel = cell.title;
    const bar = document.createElement("i"), width = (50 * Math.abs(value)) / most;
    Object.assign(bar.style, { width: `${width}%`, left: `${value < 0 ? 50 - width : 50}%`,
                               background: value < 0 ? this.view.parts.against : this.view.parts.for });
    cell.append(Object.assign(document.createElement("span"), { textContent: signed(value) }), bar);
    return cell;
  }
}

export default function ({ data, parentElement }) {
  if (!lenses.has(parentElement)) lenses.set(parentElement, new Lens(parentElement));
  lenses.get(parentElement).show(data);
}
