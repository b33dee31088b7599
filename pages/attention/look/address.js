// What can be chosen, where it starts, and how the address keeps it.

const START = { layer: null, head: null, query: null, pinned: false, pointed: null, direction: "out", opacity: 65,
                scale: "uniform", colors: "viridis", lines: true, original: false, smooth: false };
const WORDS = ["layer", "head", "query", "direction", "opacity", "scale", "colors"];
const SWITCHES = ["lines", "original", "smooth"];

function readAddress() {
  const given = readWords(), state = { ...START };
  for (const name of WORDS) if (given.has(name)) state[name] = given.get(name);
  for (const name of SWITCHES) if (given.has(name)) state[name] = given.get(name) === "true";
  for (const name of ["layer", "opacity"]) if (state[name] !== null) state[name] = Number(state[name]);
  return state;
}

function writeAddress(view, state) {
  const words = {};
  for (const name of [...WORDS, ...SWITCHES]) words[name] = state[name] !== START[name] ? state[name] : null;
  writeWords({ ...words, head: view.columns[state.head] });
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
