// Positions that were learned on one grid, interpolated to another: a model for images of another size.

import * as heat from "../shared/viewer/heatmap.js";
import { halves } from "../shared/viewer/payload.js";

const LOOK = { colors: heat.SIGNED, style: "colors", opacity: 1 };
const ACCENT = "#19b5a5";

class FineTuning {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "name size image imageTitle map ramp readout");
    const { image, map, size } = this.nodes;
    for (const canvas of [image, map]) {
      canvas.onpointermove = (event) => this.point(heat.patchUnder(canvas, event, this.grid));
      canvas.onkeydown = (event) => {
        const patch = heat.patchAfter(this.patch, event.key, this.grid);
        if (patch !== null) event.preventDefault();
        this.point(patch);
      };
    }
    size.oninput = () => this.resize(Number(size.value));
  }

  get grid() {
    return this.view.grids[this.place];
  }

  show(view) {
    const isNew = this.view?.own !== view.own;
    this.view = view;
    this.nodes.size.max = view.grids.length - 1;
    this.nodes.size.disabled = !view.answered;
    heat.drawRamp(this.nodes, view.scale, LOOK);
    if (isNew) {
      this.maps = view.maps.map(halves);
      this.photo = heat.loadImage(view.photo, () => this.draw());
      this.nodes.size.value = view.grids.indexOf(view.grid);
      this.resize(view.grids.indexOf(view.grid));
    }
    this.draw();
  }

  /** The same spot of the image, on another grid. */
  resize(place) {
    const share = this.place === undefined ? [0.5, 0.5] : this.spot();
    this.place = place;
    const [row, column] = share.map((at) => Math.min(this.grid - 1, Math.floor(at * this.grid)));
    this.patch = row * this.grid + column;
    this.draw();
  }

  spot() {
    return [Math.floor(this.patch / this.grid), this.patch % this.grid].map((at) => (at + 0.5) / this.grid);
  }

  point(patch) {
    if (patch === null || patch === this.patch) return;
    this.patch = patch;
    this.draw();
  }

  draw() {
    const { nodes, view, grid, patch } = this;
    const side = grid * view.patch;
    nodes.name.textContent = `Image size ${side}`;
    nodes.size.setAttribute("aria-valuetext", `${side} pixels, ${grid} by ${grid} patches`);
    nodes.imageTitle.textContent = `${side} × ${side} pixels are ${grid} × ${grid} patches`;
    heat.drawImage(nodes.image, this.photo);
    heat.drawGrid(nodes.image, grid);
    heat.drawFrame(nodes.image, grid, patch, ACCENT, grid > 12 ? 2 : 4);
    const count = grid ** 2;
    const map = this.maps[this.place].subarray(patch * count, (patch + 1) * count);
    heat.drawHeatmap(nodes.map, null, map, view.scale, LOOK);
    heat.drawFrame(nodes.map, grid, patch, ACCENT, grid > 12 ? 2 : 4);
    const own = grid === view.grid ? "as the model has learned them" : `interpolated from ${view.grid} × ${view.grid}`;
    const lock = view.answered ? "" : " Answer the question to change the image size.";
    nodes.readout.textContent = `${count} positions, ${own}. Marked: ${heat.patchName(patch, grid)}.${lock}`;
    nodes.image.ariaLabel = `${nodes.imageTitle.textContent}. Arrow keys choose another position.`;
    nodes.map.ariaLabel = `${nodes.readout.textContent} Arrow keys choose another position.`;
  }
}

export default heat.mounted(FineTuning);
