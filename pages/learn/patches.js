// An image is cut into patches, and the patches are laid side by side as a sequence.

import * as heat from "../shared/viewer/heatmap.js";
import { animate, ink } from "./figure.js";

const SIDE = 560; // of the image on the canvas
const ZOOM = { x: 660, y: 0, side: 380 };
const STRIP = { x: 660, y: 420, width: 1100, height: 56 };
const SEQUENCE = { y: 640, width: 1800, most: 180 };
const ACCENT = "#19b5a5";
const READABLE = 12; // pixels of the screen that a label is high

class Patches {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "play sizes lock stage readout");
    const { stage, play } = this.nodes;
    stage.onpointermove = (event) => this.point(this.under(event));
    stage.onkeydown = (event) => {
      const patch = heat.patchAfter(this.patch, event.key, this.grid);
      if (patch !== null) event.preventDefault();
      this.point(patch);
    };
    play.onclick = () => this.play();
  }

  get grid() {
    return this.view.side / this.size;
  }

  show(view, setStateValue) {
    const isNew = this.view?.photo !== view.photo;
    const isStart = this.view?.own !== view.own || isNew;
    Object.assign(this, { view, setStateValue });
    if (isNew) this.photo = heat.loadImage(view.photo, () => this.read());
    if (isStart) Object.assign(this, { size: view.size, cut: 1 });
    if (isStart) this.patch = heat.middleOf(this.grid);
    this.makeSizes();
    this.draw();
  }

  /** The numbers of all pixels, once the image is there. */
  read() {
    const { side } = this.view;
    const copy = heat.make("canvas", { width: side, height: side });
    const pen = copy.getContext("2d");
    pen.drawImage(this.photo, 0, 0, side, side);
    this.pixels = pen.getImageData(0, 0, side, side).data;
    this.draw();
  }

  makeSizes() {
    const { sizes, lock } = this.nodes;
    const { view } = this;
    sizes.replaceChildren(
      ...view.sizes.map((size) => {
        const textContent = `${size} × ${size}`;
        const button = heat.make("button", { type: "button", textContent, disabled: !view.answered });
        button.ariaPressed = String(size === this.size);
        button.onclick = () => this.resize(size);
        return button;
      }),
    );
    lock.textContent = view.answered ? "" : "Answer the question to change the patch size.";
  }

  resize(size) {
    this.size = size;
    this.patch = heat.middleOf(this.grid);
    this.setStateValue("size", size);
    this.makeSizes();
    this.play();
  }

  play() {
    animate(2200, (share) => {
      this.cut = share;
      this.draw();
    });
  }

  point(patch) {
    if (patch === null || patch === this.patch) return;
    this.patch = patch;
    this.draw();
  }

  /** The patch under the pointer, in the image or in the sequence. */
  under(event) {
    const { stage } = this.nodes;
    const bounds = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top].map(
      (at) => (at * stage.width) / bounds.width,
    );
    if (y < SIDE) return heat.patchAt({ left: 0, top: 0, width: SIDE, height: SIDE }, x, y, this.grid);
    const { step, columns } = this.layout();
    const place = Math.floor((y - SEQUENCE.y) / step) * columns + Math.floor(x / step);
    return y >= SEQUENCE.y && place < this.grid ** 2 ? place : null;
  }

  /** How the sequence is broken into lines that fit. */
  layout() {
    const count = this.grid ** 2;
    let lines = 1;
    while ((SEQUENCE.width / Math.ceil(count / lines)) * lines < Math.min(360, 40 + 20 * lines * 2) && lines < count)
      lines++;
    const columns = Math.ceil(count / lines);
    return { columns, lines, step: Math.min(SEQUENCE.most, SEQUENCE.width / columns, 360 / lines) };
  }

  draw() {
    if (!this.pixels) return;
    const { stage, readout } = this.nodes;
    const pen = stage.getContext("2d");
    pen.clearRect(0, 0, stage.width, stage.height);
    pen.imageSmoothingEnabled = false;
    pen.globalAlpha = 0.35;
    pen.drawImage(this.photo, 0, 0, SIDE, SIDE);
    pen.globalAlpha = 1;
    const count = this.grid ** 2;
    for (let patch = 0; patch < count; patch++) this.drawTile(pen, patch, this.flown(patch, count));
    this.drawChosen(pen);
    readout.textContent = this.describe();
    stage.ariaLabel = `${readout.textContent} Arrow keys choose another patch.`;
  }

  /** How far a patch has flown: the first ones go first. */
  flown(patch, count) {
    const start = 0.6 * (patch / count);
    const share = Math.min(1, Math.max(0, (this.cut - start) / 0.4));
    return share * share * (3 - 2 * share);
  }

  placeOf(patch, flown) {
    const [own, { columns, step }] = [SIDE / this.grid, this.layout()];
    const from = [(patch % this.grid) * own, Math.floor(patch / this.grid) * own, own];
    const gap = step * 0.1;
    const to = [
      (patch % columns) * step + gap / 2,
      SEQUENCE.y + Math.floor(patch / columns) * step + gap / 2,
      step - gap,
    ];
    return from.map((value, part) => value + (to[part] - value) * flown);
  }

  drawTile(pen, patch, flown) {
    const [row, column] = [Math.floor(patch / this.grid), patch % this.grid];
    const cut = (x, y, side) =>
      pen.drawImage(this.photo, column * this.size, row * this.size, this.size, this.size, x, y, side, side);
    cut(...this.placeOf(patch, 0).map((value, part) => (part < 2 ? value + 1 : value - 2)));
    if (flown > 0) cut(...this.placeOf(patch, flown));
  }

  drawChosen(pen) {
    const { patch, size, grid } = this;
    const { stage } = this.nodes;
    pen.lineWidth = 5;
    pen.strokeStyle = ACCENT;
    for (const flown of [0, this.flown(patch, grid ** 2)]) {
      const [x, y, side] = this.placeOf(patch, flown);
      pen.strokeRect(x, y, side, side);
    }
    const [row, column] = [Math.floor(patch / grid), patch % grid];
    pen.drawImage(this.photo, column * size, row * size, size, size, ZOOM.x, ZOOM.y, ZOOM.side, ZOOM.side);
    pen.strokeRect(ZOOM.x, ZOOM.y, ZOOM.side, ZOOM.side);
    const values = this.values();
    const width = STRIP.width / values.length;
    values.forEach((value, place) => {
      pen.fillStyle = `rgb(${value}, ${value}, ${value})`;
      pen.fillRect(STRIP.x + place * width, STRIP.y, width + 0.5, STRIP.height);
    });
    pen.lineWidth = 1;
    pen.strokeStyle = ink(stage);
    pen.strokeRect(STRIP.x, STRIP.y, STRIP.width, STRIP.height);
    const high = Math.max(30, (READABLE * stage.width) / Math.max(1, stage.clientWidth)); // on a narrow screen, too
    pen.fillStyle = ink(stage);
    pen.font = `600 ${high}px system-ui, sans-serif`;
    pen.fillText(`Patch ${patch}, enlarged`, ZOOM.x + ZOOM.side + 30, high);
    pen.fillText(`${size} × ${size} × ${this.view.channels} colors`, ZOOM.x + ZOOM.side + 30, 2.4 * high);
    pen.fillText(`As a vector of ${values.length} numbers`, STRIP.x, STRIP.y + STRIP.height + high + 12);
    pen.fillText(`The sequence of ${grid ** 2} patches`, 0, SEQUENCE.y - 16);
  }

  /** The numbers of the chosen patch in the order of the projection's weights: channel, row, column. */
  values() {
    const { patch, size, grid, view } = this;
    const [top, left] = [Math.floor(patch / grid) * size, (patch % grid) * size];
    const found = [];
    for (let channel = 0; channel < view.channels; channel++) {
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) found.push(this.pixels[4 * ((top + y) * view.side + left + x) + channel]);
      }
    }
    return found;
  }

  describe() {
    const values = this.values();
    const first = values.slice(0, 6).join(", ");
    return `Patch ${this.patch} of ${this.grid ** 2}: ${heat.patchName(this.patch, this.grid)}. Its ${values.length} pixel values begin ${first}.`;
  }
}

export default heat.mounted(Patches);
