// One query, its scores with all keys, the softmax of them, and the weighted sum of the values.

import * as heat from "../shared/viewer/heatmap.js";
import { told } from "./filters.js";
import * as tensors from "./tensors.js";

const FEW = 5; // keys in the table
const STRIPS = ["query", "chosen", "products", "value", "mixed"];

class Attention {
  constructor(root) {
    const texts =
      "prefix lock degrees imageName scaled keys rest readout queryLabel keyLabel valueLabel number headsName heads";
    this.nodes = heat.nodesOf(root, `layer head temperature image ramp ${STRIPS.join(" ")} ${texts}`);
    const { nodes } = this;
    const grid = () => ({ columns: this.view.grid, count: this.view.grid ** 2, place: this.placeOnImage() });
    tensors.choosable(nodes.image, grid, (patch) => this.ask(patch + this.view.prefix.length));
    for (const name of STRIPS) {
      const strip = () => ({ columns: this.view.width, count: this.view.width, place: this.number });
      tensors.choosable(nodes[name], strip, (number) => this.set({ number }));
      nodes[name].onpointermove = nodes[name].onclick;
    }
    nodes.layer.onchange = () => this.changeLayer(Number(nodes.layer.value));
    nodes.head.onchange = () => this.set({ head: Number(nodes.head.value), key: null });
    nodes.temperature.oninput = () => this.set({ warmth: Number(nodes.temperature.value) });
  }

  show(view, setStateValue) {
    const isNew = this.view?.own !== view.own;
    Object.assign(this, { view, setStateValue });
    if (isNew) this.begin();
    this.unpack();
    if (!view.answered) this.warmth = 0;
    this.makeChoices();
    this.draw();
  }

  /** Another model or image. */
  begin() {
    const { view } = this;
    this.photo = heat.loadImage(view.photo, () => this.draw());
    const query = view.prefix.length + heat.middleOf(view.grid);
    Object.assign(this, { layer: view.layer, head: 0, query, key: null, number: 0, warmth: 0, layers: {} });
    heat.drawRamp(this.nodes, view.scale);
  }

  unpack() {
    for (const [layer, packed] of Object.entries(this.view.tensors)) {
      this.layers[layer] ??= packed.map(tensors.floats); // queries, keys, values
    }
  }

  /** A layer that this figure doesn't have yet comes from the server. */
  changeLayer(layer) {
    if (!this.layers[layer]) this.setStateValue("layer", layer);
    this.set({ layer, key: null });
  }

  get tokens() {
    return this.view.prefix.length + this.view.grid ** 2;
  }

  get temperature() {
    return 10 ** this.warmth;
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  ask(query) {
    this.set({ query, key: null });
  }

  nameOf(token) {
    const { prefix, grid } = this.view;
    return token < prefix.length ? prefix[token] : heat.patchName(token - prefix.length, grid);
  }

  placeOnImage() {
    const patch = this.query - this.view.prefix.length;
    return patch >= 0 ? patch : heat.middleOf(this.view.grid);
  }

  /** The numbers of a token in a head. @param {number} part 0 is its query, 1 its key, 2 its value */
  vector(part, head, token) {
    const { width } = this.view;
    const start = (head * this.tokens + token) * width;
    return Float64Array.from(this.layers[this.layer][part].subarray(start, start + width));
  }

  /** Products, scores and weights of the query with all keys in a head. */
  attend(head) {
    const query = this.vector(0, head, this.query);
    const products = Array.from({ length: this.tokens }, (_, token) => dot(query, this.vector(1, head, token)));
    const scores = products.map((product) => product / Math.sqrt(this.view.width));
    return { products, scores, ...softmax(scores, this.temperature) };
  }

  makeChoices() {
    const { nodes, view } = this;
    const options = (count) => Array.from({ length: count }, (_, place) => new Option(String(place), String(place)));
    nodes.layer.replaceChildren(...options(view.depth));
    nodes.head.replaceChildren(...options(view.heads));
    nodes.prefix.replaceChildren(
      ...view.prefix.map((textContent, token) => {
        const button = heat.make("button", { type: "button", textContent });
        button.onclick = () => this.ask(token);
        return button;
      }),
    );
    nodes.heads.replaceChildren(...Array.from({ length: view.heads }, (_, head) => this.makeHead(head)));
    nodes.temperature.disabled = !view.answered;
    nodes.lock.textContent = view.answered ? "" : "Answer the question to change the temperature.";
  }

  makeHead(head) {
    const canvas = heat.make("canvas", { width: 160, height: 160, ariaHidden: "true" });
    const button = heat.make("button", { type: "button" }, canvas, `head ${head}`);
    button.onclick = () => this.set({ head, key: null });
    return button;
  }

  draw() {
    const { nodes, view } = this;
    Object.assign(nodes.layer, { value: String(this.layer) });
    Object.assign(nodes.head, { value: String(this.head) });
    nodes.temperature.value = this.warmth;
    nodes.degrees.textContent = this.warmth ? this.temperature.toPrecision(2) : "1, as the model";
    nodes.temperature.ariaValueText = nodes.degrees.textContent;
    if (!this.layers[this.layer]) return;
    const found = this.attend(this.head);
    const order = [...found.weights.keys()].sort(
      (one, other) => found.weights[other] - found.weights[one] || found.scores[other] - found.scores[one],
    );
    const top = order.slice(0, FEW);
    this.key ??= top[0];
    [...nodes.prefix.children].forEach((button, token) => {
      button.ariaPressed = String(token === this.query);
    });
    this.drawImage(found);
    this.drawTable(found, top);
    this.drawStrips(found);
    this.drawHeads();
    nodes.readout.textContent = this.describe(found, top);
    nodes.headsName.textContent = `The same query in all ${view.heads} heads of layer ${this.layer}`;
  }

  mapOf(weights) {
    return weights.slice(this.view.prefix.length);
  }

  drawImage({ weights }) {
    const { nodes, view, query } = this;
    const first = view.prefix.length;
    heat.drawHeatmap(nodes.image, this.photo, this.mapOf(weights), view.scale, { grid: true });
    if (this.key >= first) heat.drawFrame(nodes.image, view.grid, this.key - first, "#fff", 3);
    if (query >= first) heat.drawFrame(nodes.image, view.grid, query - first, "#2dd4c1");
    nodes.imageName.textContent = `What ${this.inWords(this.query)} reads`;
    nodes.image.ariaLabel = `${nodes.imageName.textContent}, as colors over the image. Arrow keys choose another patch.`;
  }

  /** A token in a sentence. @param {number} token */
  inWords(token) {
    const { prefix } = this.view;
    if (token >= prefix.length) return `the patch in ${this.nameOf(token)}`;
    return prefix[token].replace("Class", "the class").replace("Register", "register");
  }

  drawTable(found, top) {
    const { nodes, view } = this;
    nodes.scaled.textContent = `s = q·k / √${view.width}${this.warmth ? " / T" : ""}`;
    nodes.keys.replaceChildren(...top.map((token) => this.makeRow(found, token)));
    const shown = top.reduce((sum, token) => sum + found.weights[token], 0);
    const left = this.tokens - top.length;
    const rows = [["", "", "", told(found.sum, 4), "1"]];
    if (left) rows.unshift([`the other ${left}`, "", "", told(found.sum * (1 - shown), 4), told(1 - shown, 4)]);
    rows.at(-1)[0] = `all ${this.tokens}`;
    nodes.rest.replaceChildren(
      ...rows.map((row) => heat.make("tr", {}, ...row.map((text) => heat.make("td", {}, text)))),
    );
  }

  makeRow({ products, scores, exps, weights }, token) {
    const score = scores[token] / this.temperature;
    const numbers = [told(products[token], 3), told(score, 4), told(exps[token], 4), told(weights[token], 4)];
    const button = heat.make("button", { type: "button", textContent: this.nameOf(token) });
    button.ariaPressed = String(token === this.key);
    const cells = [button, ...numbers].map((content) => heat.make("td", {}, content));
    const row = heat.make("tr", { className: token === this.key ? "lit" : "" }, ...cells);
    row.onclick = () => this.choose(token);
    return row;
  }

  choose(key) {
    this.set({ key });
    this.nodes.keys.querySelector("[aria-pressed=true]")?.focus();
  }

  drawStrips({ weights }) {
    const { nodes, view, head, key, number } = this;
    const [query, chosen, value] = [
      this.vector(0, head, this.query),
      this.vector(1, head, key),
      this.vector(2, head, key),
    ];
    const products = query.map((part, place) => part * chosen[place]);
    const mixed = this.mix(weights);
    const rows = { query, chosen, products, value, mixed };
    for (const name of STRIPS) tensors.drawStrip(nodes[name], rows[name], number);
    nodes.queryLabel.textContent = "q, the query's numbers";
    nodes.keyLabel.textContent = `k of ${this.inWords(key)}`;
    nodes.valueLabel.textContent = `v of ${this.inWords(key)}`;
    const at = (numbers) => told(numbers[number], 4);
    nodes.number.textContent =
      `Number ${number} of ${view.width}: q × k is ${at(query)} × ${at(chosen)} = ${at(products)}. ` +
      `The value has ${at(value)} there, times the weight ${told(weights[key], 4)}; ` +
      `summed over all ${this.tokens} tokens this gives ${at(mixed)}.`;
    nodes.query.ariaLabel = `${nodes.number.textContent} Arrow keys choose another number.`;
  }

  /** The values of the head, weighted and summed. */
  mix(weights) {
    const mixed = new Float64Array(this.view.width);
    weights.forEach((weight, token) => {
      const value = this.vector(2, this.head, token);
      for (let place = 0; place < mixed.length; place++) mixed[place] += weight * value[place];
    });
    return mixed;
  }

  drawHeads() {
    const { nodes, view } = this;
    [...nodes.heads.children].forEach((button, head) => {
      heat.drawHeatmap(button.firstChild, this.photo, this.mapOf(this.attend(head).weights), view.scale);
      button.ariaPressed = String(head === this.head);
    });
  }

  describe({ weights }, top) {
    const { view } = this;
    const share = (value) => `${(100 * value).toFixed(1)}\u00a0%`;
    const first = `In head ${this.head} of layer ${this.layer}, ${this.inWords(this.query)} reads ${this.inWords(top[0])} most: ${share(weights[top[0]])}`;
    const prefix = weights.slice(0, view.prefix.length).reduce((sum, weight) => sum + weight, 0);
    const outside = view.prefix.length ? ` Tokens without a place get ${share(prefix)} together.` : "";
    return `${first}. If all scores were equal, each key would get ${share(1 / this.tokens)}.${outside}`;
  }
}

const dot = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);

/** Softmax of scores at a temperature: exponentials relative to the largest one, their sum, and the weights.
 * @param {number[]} scores @param {number} temperature */
function softmax(scores, temperature) {
  const most = Math.max(...scores);
  const exps = scores.map((score) => Math.exp((score - most) / temperature));
  const sum = exps.reduce((total, value) => total + value, 0);
  return { exps, sum, weights: exps.map((value) => value / sum) };
}

export default heat.mounted(Attention);
