// The viewer: everything that can be seen is already here, so the server is never asked.

import * as heat from "./heatmap.js";
import { MEAN, mapOf, unpack } from "./payload.js";
import { describe, nameOf, times } from "./words.js";

const START = { layer: null, head: null, query: null, direction: "out", scale: "uniform", opacity: 85 };
Object.assign(START, { style: "overlay", image: "photo" });
const CHOICES = { direction: ["out", "in"], scale: ["uniform", "map"], style: ["overlay", "light", "colors"] };
CHOICES.image = ["photo", "input"];

/** What the address asks for. */
function readAddress() {
  const given = heat.readHash();
  const state = { ...START, pointed: null, kept: false };
  for (const name of Object.keys(START)) if (given.has(name)) state[name] = given.get(name);
  return state;
}

/** Keep what differs from the start in the address. */
function writeAddress(view, state) {
  const differs = (name) => (state[name] === START[name] ? null : state[name]);
  const entries = Object.fromEntries(Object.keys(START).map((name) => [name, differs(name)]));
  if (view.isSmall)
    for (const name of ["layer", "head"]) delete entries[name]; // there is one map to see
  else entries.head = view.columns[state.head];
  heat.writeHash(entries);
}

/** Bring what an address or an earlier model asked for to what this model has. */
function fit(view, state) {
  const within = (index, count) => Number.isInteger(index) && index >= 0 && index < count;
  const column = typeof state.head === "number" ? state.head : view.columns.indexOf(state.head);
  state.head = within(column, view.columns.length) ? column : view.columns.indexOf("rollout");
  const layer = state.layer === null ? -1 : Number(state.layer);
  state.layer = within(layer, view.layers) ? layer : view.layers - 1;
  const query = state.query === null || state.query === MEAN ? state.query : Number(state.query);
  const isKnown = query === MEAN || within(query, view.tokens);
  state.query = query !== null && isKnown ? query : view.reads === "mean" ? MEAN : 0;
  state.kept = state.query !== MEAN && state.query >= view.first;
  for (const [name, values] of Object.entries(CHOICES)) if (!values.includes(state[name])) state[name] = START[name];
  const opacity = Number(state.opacity);
  state.opacity = opacity >= 0 && opacity <= 100 ? opacity : START.opacity;
}

class Viewer {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "viewer tokens image ramp readout title flat tiles");
    this.nodes.choices = [...root.querySelectorAll(".choice button")];
    this.nodes.opacity = root.querySelector("[name=opacity]");
    this.state = readAddress();
    this.hasChosen = location.hash.length > 1;
    this.listen();
  }

  show(bytes) {
    if (this.bytes === bytes) return this.redraw();
    this.bytes = bytes;
    this.view = unpack(bytes);
    const load = (source) => heat.loadImage(source, () => this.redraw());
    this.images = { photo: load(this.view.photo), input: load(this.view.input) };
    fit(this.view, this.state);
    this.nodes.viewer.classList.toggle("is-small", this.view.isSmall);
    this.makeTokens();
    this.makeTiles();
    this.nodes.opacity.value = this.state.opacity;
    this.redraw();
    // another image or class has its own address, which Streamlit writes about now and without our part
    setTimeout(() => this.hasChosen && this.nodes.image.isConnected && writeAddress(this.view, this.state), 400);
  }

  listen() {
    const { viewer, image, opacity } = this.nodes;
    viewer.onclick = ({ target }) => {
      const { name } = target.closest(".choice")?.dataset ?? {};
      if (name && target.dataset.value) this.set({ [name]: target.dataset.value });
    };
    opacity.oninput = () => this.set({ opacity: Number(opacity.value) });
    image.onpointermove = (event) => this.point(heat.patchUnder(image, event, this.view.grid));
    image.onpointerleave = () => this.point(null);
    image.onclick = (event) => this.keep(heat.patchUnder(image, event, this.view.grid));
    image.onkeydown = (event) => this.press(event);
  }

  press(event) {
    const { state, view } = this;
    const start = state.kept ? state.query - view.first : null;
    const patch = heat.patchAfter(start ?? heat.middleOf(view.grid), event.key, view.grid);
    const turn = { "[": [-1, 0], "]": [1, 0], ",": [0, -1], ".": [0, 1] }[event.key];
    if (patch !== null) this.ask(view.first + (start === null ? heat.middleOf(view.grid) : patch));
    else if (turn) this.choose(state.layer + turn[0], state.head + turn[1]);
    else if (event.key === "Escape") this.ask(null);
    else return;
    event.preventDefault();
  }

  /** A click keeps a patch, and a second one lets it go. */
  keep(patch) {
    if (patch === null) return;
    const query = this.view.first + patch;
    this.ask(this.state.kept && this.state.query === query ? null : query);
  }

  /** Show a token's attention; null goes back to what the classifier reads. */
  ask(query) {
    this.state.query = query;
    fit(this.view, this.state);
    this.set({ pointed: this.state.kept ? null : this.state.pointed });
  }

  choose(layer, column) {
    const within = (index, count) => Math.min(count - 1, Math.max(0, index));
    this.set({ layer: within(layer, this.view.layers), head: within(column, this.view.columns.length) });
  }

  point(pointed) {
    if (pointed === this.state.pointed) return;
    this.state.pointed = pointed;
    this.redraw();
  }

  set(change) {
    Object.assign(this.state, change);
    this.hasChosen = true;
    writeAddress(this.view, this.state);
    this.redraw();
  }

  /** Whose attention is shown: a patch that is pointed at speaks for itself unless another one is kept. */
  query() {
    const { state, view } = this;
    return state.pointed !== null && !state.kept ? view.first + state.pointed : state.query;
  }

  /** What the colors of a map mean; a flat map isn't stretched but gets one middle color. */
  scaleOf(stats) {
    if (this.state.scale === "uniform") return this.view.scale;
    const [low, high] = stats.isFlat ? [0, 2 * stats.mean || 1] : [stats.low, stats.high];
    return { ...this.view.scale, low, high, clips: false, rest: stats.mean };
  }

  redraw() {
    const { view, state, nodes } = this;
    const began = performance.now();
    const query = this.query();
    const map = mapOf(view, state.layer, state.head, query, state.direction);
    const stats = heat.statsOf(map, view.flat);
    const scale = this.scaleOf(stats);
    const look = { style: state.style, opacity: state.opacity / 100, grid: state.image === "input" };
    heat.drawHeatmap(nodes.image, this.images[state.image], map, scale, look);
    heat.drawRamp(nodes, scale, look);
    this.drawFrames(query);
    this.drawTiles(query);
    this.say(describe(view, state, map, stats, query), stats);
    for (const button of nodes.tokens.children) button.ariaPressed = button.query === query;
    for (const button of nodes.choices) {
      button.ariaPressed = button.dataset.value === state[button.parentElement.dataset.name];
    }
    nodes.image.milliseconds = performance.now() - began;
  }

  say(words, stats) {
    const { view, state, nodes } = this;
    const name = nameOf(view, state.layer, state.head);
    nodes.title.textContent = name[0].toUpperCase() + name.slice(1);
    nodes.flat.textContent = stats.isFlat ? `flat: ${times(view, stats.mean)} everywhere` : "";
    nodes.readout.textContent = words;
    nodes.image.ariaLabel = `${view.name}: ${name}. ${words} Arrow keys move the patch.`;
  }

  drawFrames(query) {
    const { view, state, nodes } = this;
    if (state.pointed !== null && state.kept) heat.drawFrame(nodes.image, view.grid, state.pointed, "#fff", 2);
    if (query !== MEAN && query >= view.first) heat.drawFrame(nodes.image, view.grid, query - view.first, "#19b5a5");
  }

  makeTokens() {
    const { view, nodes } = this;
    const queries = [...view.prefix.map((name, token) => [name, token]), ["Mean of patches", MEAN]];
    nodes.tokens.replaceChildren(
      ...queries.map(([textContent, query]) =>
        heat.make("button", { type: "button", textContent, query, onclick: () => this.ask(query) }),
      ),
    );
  }

  /** One small map per layer and head. The chosen one is the tab stop; arrows go to its neighbors. */
  makeTiles() {
    const { view, nodes } = this;
    const label = (textContent, className = "") => heat.make("span", { textContent, className, ariaHidden: "true" });
    nodes.tiles.style.gridTemplateColumns = `auto repeat(${view.columns.length}, minmax(24px, 58px))`;
    nodes.tiles.replaceChildren(label("head", "row"), ...view.columns.map((name) => label(name)));
    this.tiles = [];
    for (let layer = 0; layer < view.layers; layer++) {
      const row = view.columns.map((_, column) => this.makeTile(layer, column));
      nodes.tiles.append(label(`layer ${view.firstLayer + layer}`, "row"), ...row);
      this.tiles.push(...row);
    }
  }

  makeTile(layer, column) {
    const button = heat.make("button", { type: "button", layer, column, role: "radio" }, heat.make("canvas"));
    button.onclick = () => this.choose(layer, column);
    button.onkeydown = (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      this.choose(layer + step[0], column + step[1]);
      this.tiles.find((tile) => tile.tabIndex === 0)?.focus();
    };
    return button;
  }

  drawTiles(query) {
    const { view, state } = this;
    if (view.isSmall) return;
    for (const tile of this.tiles) {
      const map = mapOf(view, tile.layer, tile.column, query, state.direction);
      const stats = heat.statsOf(map, view.flat);
      const isChosen = tile.layer === state.layer && tile.column === state.head;
      heat.heatOf(map, this.scaleOf(stats), { style: "colors", opacity: 1 }, tile.firstChild);
      tile.classList.toggle("is-flat", stats.isFlat);
      tile.ariaChecked = isChosen;
      tile.tabIndex = isChosen ? 0 : -1;
      tile.ariaLabel = `${nameOf(view, tile.layer, tile.column)}${stats.isFlat ? ", flat" : ""}`;
    }
  }
}

export default heat.mounted(Viewer);
