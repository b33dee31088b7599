// What redraws when something is chosen. The server is never asked: everything is already here.

const looks = new WeakMap();

// A patch that is pointed at speaks for itself unless another one is kept.
function queryOf(state) {
  return state.pointed !== null && !state.pinned ? state.first + state.pointed : state.query;
}

class Look {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { tokens: find("tokens"), picture: find("picture"), ramp: find("ramp"), readout: find("readout"),
                   title: find("title"), flat: find("flat"), tiles: find("tiles"), controls: find("controls"),
                   ticks: [...root.querySelectorAll(".ticks span")] };
    this.state = readAddress();
    this.hasChosen = location.hash.length > 1;
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
    // another picture or class has its own address, which Streamlit writes about now and without our part
    setTimeout(() => { if (this.hasChosen && this.nodes.picture.isConnected) writeAddress(this.view, this.state); }, 400);
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
    this.hasChosen = true;
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
