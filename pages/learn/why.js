// What one place of the image can see: a square that grows with every convolution, or everything, by attention.

import * as heat from "../shared/viewer/heatmap.js";
import { halves } from "../shared/viewer/payload.js";

const ACCENT = "#19b5a5";
const START = 2; // convolutions at first

class Why {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "cnn vit cnnName vitName depth layer readout");
    const { cnn, vit, depth, layer } = this.nodes;
    for (const canvas of [cnn, vit]) {
      canvas.onpointermove = (event) => this.point(heat.patchUnder(canvas, event, this.view.grid));
      canvas.onkeydown = (event) => {
        const patch = heat.patchAfter(this.patch, event.key, this.view.grid);
        if (patch !== null) event.preventDefault();
        this.point(patch);
      };
    }
    depth.oninput = () => this.draw();
    layer.oninput = () => this.draw();
  }

  show(view) {
    const isNew = this.view?.photo !== view.photo || this.view?.own !== view.own;
    this.view = view;
    this.numbers = halves(view.attention);
    this.nodes.layer.max = view.layers - 1;
    this.nodes.depth.disabled = !view.answered;
    if (isNew) {
      this.patch = heat.middleOf(view.grid);
      this.nodes.depth.value = START;
      this.nodes.layer.value = 0;
      this.image = heat.loadImage(view.photo, () => this.draw());
    }
    this.draw();
  }

  point(patch) {
    if (patch === null || patch === this.patch) return;
    this.patch = patch;
    this.draw();
  }

  /** What the chosen patch attends to, (P) numbers. */
  row(layer) {
    const count = this.view.grid ** 2;
    const start = (layer * count + this.patch) * count;
    return this.numbers.subarray(start, start + count);
  }

  /** The middle pixel of the chosen patch, and the pixels that so many convolutions see around it. */
  square(depth) {
    const { side, grid } = this.view;
    const size = side / grid;
    const [y, x] = [Math.floor(this.patch / grid), this.patch % grid].map((at) => Math.floor((at + 0.5) * size));
    const ends = [x, y].map((at) => [Math.max(0, at - depth), Math.min(side, at + depth + 1)]);
    return { x, y, left: ends[0][0], right: ends[0][1], top: ends[1][0], bottom: ends[1][1] };
  }

  draw() {
    const { nodes, view } = this;
    const [depth, layer] = [Number(nodes.depth.value), Number(nodes.layer.value)];
    const { left, right, top, bottom, x, y } = this.square(depth);
    heat.drawImage(nodes.cnn, this.image);
    const pen = nodes.cnn.getContext("2d");
    const unit = nodes.cnn.width / view.side;
    pen.fillStyle = "rgba(0, 0, 0, 0.72)";
    pen.beginPath();
    pen.rect(0, 0, nodes.cnn.width, nodes.cnn.height);
    pen.rect(left * unit, top * unit, (right - left) * unit, (bottom - top) * unit);
    pen.fill("evenodd");
    pen.fillStyle = ACCENT;
    pen.fillRect(x * unit, y * unit, unit, unit);
    const row = this.row(layer);
    const most = Math.max(...row);
    heat.drawHeatmap(nodes.vit, this.image, row, { ...view.scale, high: most }, { style: "light" });
    heat.drawFrame(nodes.vit, view.grid, this.patch, ACCENT);
    this.describe(depth, layer, ((right - left) * (bottom - top)) / view.side ** 2, row);
  }

  describe(depth, layer, seen, row) {
    const { nodes, view } = this;
    nodes.cnnName.textContent = `${depth} convolution${depth === 1 ? "" : "s"}`;
    nodes.vitName.textContent = `layer ${layer}`;
    const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
    const width = 2 * depth + 1;
    const lock = view.answered ? "" : " Answer the question to stack more convolutions.";
    const cnn = `After ${nodes.cnnName.textContent} of 3 × 3 the marked pixel depends on ${width} × ${width} pixels, ${percent(seen)} of the image.${lock}`;
    const top = row.indexOf(Math.max(...row));
    const vit = `In layer ${layer} the marked patch attends to all ${row.length} patches; most, ${percent(row[top])}, to ${heat.patchName(top, view.grid)}.`;
    nodes.readout.textContent = `${cnn} ${vit}`;
    nodes.cnn.ariaLabel = `${cnn} Arrow keys choose another place.`;
    nodes.vit.ariaLabel = `${vit} Arrow keys choose another patch.`;
  }
}

export default heat.mounted(Why);
