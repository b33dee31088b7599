// What was chosen, and what redraws when it changes. The server is never asked: everything is already here.

const START = { layer: null, head: null, query: null, pinned: false, pointed: null, direction: "out", opacity: 65,
                scale: "uniform", colors: "viridis", lines: true, original: false, smooth: false };
const WORDS = ["layer", "head", "query", "direction", "opacity", "scale", "colors"];
const SWITCHES = ["lines", "original", "smooth"];
const looks = new WeakMap();

// A patch that is pointed at speaks for itself unless another one is kept.
function queryOf(state) {
  return state.pointed !== null && !state.pinned ? state.first + state.pointed : state.query;
}

// The part of the address after "#" keeps what was chosen; it never travels to the server.
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1)), state = { ...START };
  for (const name of WORDS) if (given.has(name)) state[name] = given.get(name);
  for (const name of SWITCHES) if (given.has(name)) state[name] = given.get(name) === "true";
  for (const name of ["layer", "opacity"]) if (state[name] !== null) state[name] = Number(state[name]);
  return state;
}

function writeAddress(view, state) {
  const words = new URLSearchParams();
  for (const name of [...WORDS, ...SWITCHES]) if (state[name] !== START[name]) words.set(name, state[name]);
  words.set("head", view.columns[state.head]);
  const address = new URL(location.href);
  address.hash = words;
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

// What an address or an earlier model asked for, as far as this model has it.
function fit(view, state) {
  const column = typeof state.head === "number" ? state.head : view.columns.indexOf(state.head);
  const within = (index, count) => Number.isInteger(index) && index >= 0 && index < count;
  state.head = within(column, view.columns.length) ? column : view.columns.indexOf("rollout");
  state.layer = within(state.layer, view.depth) ? state.layer : view.depth - 1;
  const query = state.query === MEAN || state.query === null ? state.query : Number(state.query);
  const isKnown = query === MEAN || within(query, view.tokens);
  state.query = query !== null && isKnown ? query : view.reads === "mean" ? MEAN : 0;
  state.first = view.first;
  state.pinned = state.query !== MEAN && state.query >= view.first;
  if (!(state.colors in view.colors)) state.colors = START.colors;
  if (!["uniform", "absolute", "map"].includes(state.scale)) state.scale = START.scale;
  if (!(state.opacity >= 0 && state.opacity <= 100)) state.opacity = START.opacity;
}

class Look {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { tokens: find("tokens"), picture: find("picture"), ramp: find("ramp"), readout: find("readout"),
                   title: find("title"), flat: find("flat"), tiles: find("tiles"), controls: find("controls"),
                   ticks: [...root.querySelectorAll(".ticks span")] };
    this.state = readAddress();
    this.listen();
  }

  show(bytes) {
    if (this.bytes === bytes) return this.redraw();
    this.bytes = bytes;
    this.view = unpack(bytes);
    this.view.seenImage = loadImage(this.view.seen, () => this.redraw());
    this.view.originalImage = loadImage(this.view.original, () => this.redraw());
    fit(this.view, this.state);
    makeTokens(this.nodes.tokens, this.view, (query) => this.ask(query));
    makeTiles(this.nodes.tiles, this.view, (layer, column) => this.choose(layer, column));
    this.fillControls();
    this.redraw();
  }

  fillControls() {
    const { controls } = this.nodes, colors = controls.querySelector("[name=colors]");
    colors.replaceChildren(...Object.keys(this.view.colors).map((name) => new Option(name)));
    for (const input of controls.querySelectorAll("input, select")) {
      if (input.type === "checkbox") input.checked = this.state[input.name];
      else input.value = this.state[input.name];
    }
  }

  listen() {
    const { picture, controls } = this.nodes;
    controls.oninput = ({ target }) => {
      const value = target.type === "checkbox" ? target.checked : target.value;
      this.set({ [target.name]: target.type === "range" ? Number(value) : value });
    };
    controls.onclick = ({ target }) => { if (target.dataset.direction) this.set({ direction: target.dataset.direction }); };
    picture.onpointermove = (event) => this.point(patchAt(this.view, this.state, picture, event));
    picture.onpointerleave = () => this.point(null);
    picture.onclick = (event) => {
      const patch = patchAt(this.view, this.state, picture, event);
      if (patch === null) return;
      const isKept = this.state.pinned && this.state.query === this.view.first + patch;
      this.ask(isKept ? null : this.view.first + patch);
    };
    picture.onkeydown = (event) => this.press(event);
  }

  press(event) {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    const turn = { "[": [-1, 0], "]": [1, 0], ",": [0, -1], ".": [0, 1] }[event.key];
    if (step) this.move(...step);
    else if (turn) this.choose(this.state.layer + turn[0], this.state.head + turn[1]);
    else if (event.key === "Escape") this.ask(null);
    else return;
    event.preventDefault();
  }

  move(down, right) {
    const { grid, first } = this.view, start = this.state.pinned ? this.state.query - first : null;
    const [row, column] = start === null ? [grid >> 1, grid >> 1] : [Math.floor(start / grid) + down, (start % grid) + right];
    const within = (place) => Math.min(grid - 1, Math.max(0, place));
    this.ask(first + within(row) * grid + within(column));
  }

  // Keep a token; null goes back to what the classifier reads.
  ask(query) {
    this.state.query = query;
    fit(this.view, this.state);
    this.set({ pointed: this.state.pinned ? null : this.state.pointed });
  }

  choose(layer, column) {
    const within = (index, count) => Math.min(count - 1, Math.max(0, index));
    this.set({ layer: within(layer, this.view.depth), head: within(column, this.view.columns.length) });
  }

  point(pointed) {
    if (pointed === this.state.pointed) return;
    this.state.pointed = pointed;
    this.redraw();
  }

  set(change) {
    Object.assign(this.state, change);
    writeAddress(this.view, this.state);
    this.redraw();
  }

  redraw() {
    const { view, state, nodes } = this, query = queryOf(state), began = performance.now();
    const map = mapOf(view, state.layer, state.head, query, state.direction), stats = statsOf(view, map);
    const scale = scaleOf(view, state, state.head, stats);
    drawPicture(view, state, nodes.picture, map, scale);
    drawTiles(view, state, query);
    drawBar(nodes, view, state, scale, stats);
    const words = describe(view, state, map, stats, query), name = nameOf(view, state.layer, state.head);
    nodes.title.textContent = name[0].toUpperCase() + name.slice(1);
    nodes.readout.textContent = words + (state.smooth ? " Interpolated for looks." : "");
    nodes.picture.ariaLabel = `${view.picture}: ${name}. ${words} Arrow keys move the patch.`;
    for (const button of nodes.tokens.children) button.ariaPressed = button.query === query;
    for (const button of nodes.controls.querySelectorAll("button")) button.ariaPressed = button.dataset.direction === state.direction;
    nodes.picture.milliseconds = performance.now() - began;
  }
}

export default function ({ data, parentElement }) {
  if (!looks.has(parentElement)) looks.set(parentElement, new Look(parentElement));
  looks.get(parentElement).show(data);
}
