// A patch's numbers times a filter's, summed, beside what the strided convolution gives.

import * as heat from "../shared/viewer/heatmap.js";
import { animate } from "./figure.js";
import { drawTile, nameOfNumber, told } from "./filters.js";
import * as tensors from "./tensors.js";

const DIGITS = 10; // after the point, in double precision
const OWN_DIGITS = 7; // that float32 has
const COLUMNS = 16; // of the sheet of filters
const SAME = 1e-6; // below this a number counts as unchanged

class Embedding {
  constructor(root) {
    const squares = "image patch filter map imageName patchName filterName mapName values weights products";
    const texts = "patchLabel filterLabel number sumName sum bias flat convolved own readout sheetName sheet";
    this.nodes = heat.nodesOf(root, `play channel chosen reverse lock ${squares} ${texts}`);
    const { nodes } = this;
    const grid = () => ({ columns: this.view.grid, count: this.view.grid ** 2, place: this.at });
    for (const square of [nodes.image, nodes.map]) tensors.choosable(square, grid, (at) => this.set({ at }));
    const strip = () => ({ columns: this.view.length, count: this.view.length, place: this.number });
    for (const canvas of [nodes.values, nodes.weights, nodes.products]) {
      tensors.choosable(canvas, strip, (number) => this.set({ number }));
      canvas.onpointermove = canvas.onclick;
    }
    tensors.choosable(
      nodes.sheet,
      () => this.sheet(),
      (place) => this.choose(place),
    );
    nodes.channel.oninput = () => this.set({ channel: Number(nodes.channel.value) });
    nodes.reverse.onclick = () => this.set({ isReversed: !this.isReversed });
    nodes.play.onclick = () => this.play();
  }

  show(view) {
    if (this.view?.own !== view.own) this.begin(view);
    this.view = view;
    this.isReversed &&= view.answered;
    this.draw();
  }

  /** Another model or image. */
  begin(view) {
    this.photo = heat.loadImage(view.photo, () => this.draw());
    for (const name of ["seen", "filters", "bias", "tokens"]) this[name] = tensors.floats(view[name]);
    this.convolved = tensors.doubles(view.convolved);
    Object.assign(this, { at: heat.middleOf(view.grid), channel: 0, number: 0, isReversed: false });
    this.shown = view.grid ** 2;
    this.nodes.channel.max = view.channels - 1;
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  /** The sheet shows the filters; behind a stem they have no colors, and it shows the stem's maps. */
  sheet() {
    const { isStem, maps, channels, side } = this.view;
    const place = isStem ? Math.floor(this.number / side ** 2) : this.channel;
    return { columns: COLUMNS, count: isStem ? maps : channels, place };
  }

  choose(place) {
    this.set(this.view.isStem ? { number: place * this.view.side ** 2 } : { channel: place });
  }

  play() {
    const [count, kept] = [this.view.grid ** 2, this.at];
    animate(3000, (share) => {
      this.isSliding = share < 1;
      this.shown = Math.ceil(share * count);
      this.set({ at: share < 1 ? Math.max(0, this.shown - 1) : kept });
    });
  }

  /** What the projection gets of a patch, in the order of the weights: channel, row, column. */
  valuesOf(patch) {
    const { grid, side, maps, length } = this.view;
    const [wide, found] = [grid * side, new Float64Array(length)];
    const [top, left] = [Math.floor(patch / grid) * side, (patch % grid) * side];
    for (let place = 0; place < length; place++) {
      const [y, x] = [Math.floor(place / side) % side, place % side];
      const map = Math.floor(place / side ** 2);
      found[place] = this.seen[(Math.min(map, maps - 1) * wide + top + y) * wide + left + x];
    }
    return this.isReversed ? found.reverse() : found;
  }

  weightsOf(channel) {
    const { length } = this.view;
    return Float64Array.from(this.filters.subarray(channel * length, (channel + 1) * length));
  }

  /** One number of a token, flattened and projected. */
  project(values, channel) {
    const weights = this.weightsOf(channel);
    return values.reduce((sum, value, place) => sum + value * weights[place], 0) + this.bias[channel];
  }

  draw() {
    const { nodes, view, channel } = this;
    const values = this.valuesOf(this.at);
    const weights = this.weightsOf(channel);
    nodes.channel.value = channel;
    nodes.chosen.textContent = channel;
    nodes.reverse.disabled = !view.answered;
    nodes.reverse.ariaPressed = String(this.isReversed);
    nodes.lock.textContent = view.answered ? "" : "Answer the question to reverse the numbers.";
    this.drawSquares(values, weights);
    this.drawStrips(values, weights);
    this.tell(values);
    this.drawSheet();
  }

  drawSquares(values, weights) {
    const { nodes, view, at, channel } = this;
    heat.drawImage(nodes.image, this.photo);
    heat.drawGrid(nodes.image, view.grid);
    heat.drawFrame(nodes.image, view.grid, at, "#2dd4c1");
    nodes.imageName.textContent = `Patch ${at}: ${heat.patchName(at, view.grid)}`;
    nodes.image.ariaLabel = `The image. ${nodes.imageName.textContent} is chosen. Arrow keys choose another one.`;
    nodes.filter.parentElement.hidden = view.isStem;
    if (view.isStem) this.drawStemMap();
    else this.drawPatch(values, weights);
    const outputs = this.convolved.subarray(channel * view.grid ** 2, (channel + 1) * view.grid ** 2);
    tensors.drawCells(nodes.map, outputs.subarray(0, this.shown), view.grid, tensors.mostOf(outputs), view.grid);
    heat.drawFrame(nodes.map, view.grid, at, "#2dd4c1");
    nodes.mapName.textContent = `= number ${channel} of all tokens`;
  }

  drawPatch(values, weights) {
    const { nodes, view, channel } = this;
    const { side, mean, std } = view;
    const color = (value, map) => 255 * (value * std[map] + mean[map]);
    const most = tensors.mostOf(weights);
    drawTile(nodes.patch.getContext("2d"), [0, 0, 400], values, side, color);
    drawTile(nodes.filter.getContext("2d"), [0, 0, 400], weights, side, (value) => 128 + (127 * value) / most);
    nodes.patchName.textContent = this.isReversed ? "The patch, reversed" : "The patch";
    nodes.filterName.textContent = `× filter ${channel}`;
  }

  drawStemMap() {
    const { nodes, view } = this;
    const [wide, map] = [view.grid * view.side, this.sheet().place];
    tensors.drawCells(nodes.patch, this.seen.subarray(map * wide ** 2, (map + 1) * wide ** 2), wide);
    heat.drawFrame(nodes.patch, view.grid, this.at, "#2dd4c1");
    nodes.patchName.textContent = `Stem map ${map}`;
  }

  drawStrips(values, weights) {
    const { nodes, view, number } = this;
    const products = values.map((value, place) => value * weights[place]);
    tensors.drawStrip(nodes.values, values, number);
    tensors.drawStrip(nodes.weights, weights, number);
    tensors.drawStrip(nodes.products, products, number);
    nodes.patchLabel.textContent = view.isStem ? "stem's numbers here" : "the patch, normalized";
    nodes.filterLabel.textContent = `× weights of filter ${this.channel}`;
    const parts = [values[number], weights[number], products[number]].map((value) => told(value, 6));
    const name = this.isReversed ? "in reverse order" : nameOfNumber(number, view);
    nodes.number.textContent = `Number ${number} of ${view.length} (${name}): ${parts[0]} × ${parts[1]} = ${parts[2]}`;
    nodes.values.ariaLabel = `${nodes.number.textContent}. Arrow keys choose another number.`;
  }

  tell(values) {
    const { nodes, view, at, channel } = this;
    const total = this.project(values, channel);
    const convolved = this.convolved[channel * view.grid ** 2 + at];
    nodes.sumName.textContent = `Sum of the ${view.length} products`;
    nodes.sum.textContent = told(total - this.bias[channel], DIGITS);
    nodes.bias.textContent = told(this.bias[channel], DIGITS);
    nodes.flat.textContent = told(total, DIGITS);
    nodes.convolved.textContent = told(convolved, DIGITS);
    nodes.own.textContent = told(this.tokens[at * view.channels + channel], OWN_DIGITS);
    if (this.isSliding) return; // nobody can listen that fast
    nodes.readout.textContent = this.isReversed ? this.countChanged(values) : this.compare(total, convolved);
  }

  compare(total, convolved) {
    const isSame = told(total, DIGITS) === told(convolved, DIGITS);
    const verdict = isSame ? "the same number, to the last digit shown" : "the same number but for rounding";
    return `Patch ${this.at}, number ${this.channel} of its token: summed by hand and by the convolution it is ${verdict}.`;
  }

  countChanged(values) {
    const { channels, grid, all } = this.view;
    const changed = (channel) =>
      Math.abs(this.project(values, channel) - this.convolved[channel * grid ** 2 + this.at]) > SAME;
    const count = Array.from({ length: channels }, (_, channel) => channel).filter(changed).length;
    return `The same numbers in reverse order: ${count} of the ${channels < all ? "first " : ""}${channels} numbers of the token are other ones now.`;
  }

  drawSheet() {
    const { nodes, view } = this;
    const { columns, count, place } = this.sheet();
    const step = nodes.sheet.width / columns;
    const height = step * Math.ceil(count / columns);
    if (nodes.sheet.height !== height || this.drawn !== view.own) {
      nodes.sheet.height = height;
      this.still = this.sheetOf(count, columns, step, height);
      this.drawn = view.own;
    }
    const pen = nodes.sheet.getContext("2d");
    pen.clearRect(0, 0, nodes.sheet.width, height);
    pen.drawImage(this.still, 0, 0);
    tensors.drawBox(nodes.sheet, [(place % columns) * step, Math.floor(place / columns) * step, step, step]);
    const what = view.isStem ? "feature maps that the stem gives for this image" : "filters";
    const rest = count < view.all ? ` (the first of ${view.all})` : "";
    nodes.sheetName.textContent = `The ${count} ${what}${rest}, each in its own range of colors`;
    nodes.sheet.ariaLabel = `${nodes.sheetName.textContent}. Number ${place} is chosen. Arrow keys choose another one.`;
  }

  /** All filters, or all maps of the stem, as small tiles; drawn once. */
  sheetOf(count, columns, step, height) {
    const { view } = this;
    const sheet = heat.make("canvas", { width: columns * step, height });
    const pen = sheet.getContext("2d");
    for (let place = 0; place < count; place++) {
      const box = [(place % columns) * step + 2, Math.floor(place / columns) * step + 2, step - 4];
      if (view.isStem) this.drawSmallMap(pen, box, place);
      else {
        const weights = this.weightsOf(place);
        const most = tensors.mostOf(weights);
        drawTile(pen, box, weights, view.side, (value) => 128 + (127 * value) / most);
      }
    }
    return sheet;
  }

  drawSmallMap(pen, [x, y, size], map) {
    const wide = this.view.grid * this.view.side;
    const small = heat.make("canvas", { width: wide, height: wide });
    tensors.drawCells(small, this.seen.subarray(map * wide ** 2, (map + 1) * wide ** 2), wide);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, x, y, size, size);
  }
}

export default heat.mounted(Embedding);
