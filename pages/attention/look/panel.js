// Everything around the large picture: tokens, tiles, colour bar, words.

function makeTokens(node, view, choose) {
  const queries = [...view.prefix.map((name, token) => [name, token]), ["Mean of patches", MEAN]];
  node.replaceChildren(...queries.map(([name, query]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.onclick = () => choose(query);
    button.query = query;
    return button;
  }));
}

// One small map per layer and head. The one that is chosen is the tab stop; arrows go to its neighbours.
function makeTiles(node, view, choose) {
  node.replaceChildren();
  node.style.gridTemplateColumns = `auto repeat(${view.columns.length}, minmax(20px, 58px))`;
  node.append(label("head", "row"), ...view.columns.map((name) => label(name, "")));
  view.tiles = [];
  for (let layer = 0; layer < view.depth; layer++) {
    node.append(label(`layer ${layer}`, "row"));
    view.columns.forEach((_, column) => view.tiles.push(makeTile(view, layer, column, choose)));
    node.append(...view.tiles.slice(-view.columns.length));
  }
}

function label(text, className) {
  return Object.assign(document.createElement("span"), { textContent: text, className, ariaHidden: "true" });
}

function makeTile(view, layer, column, choose) {
  const button = Object.assign(document.createElement("button"), { type: "button", layer, column });
  button.setAttribute("role", "radio");
  button.append(Object.assign(document.createElement("canvas"), { width: view.grid, height: view.grid }));
  button.onclick = () => choose(layer, column);
  button.onkeydown = (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(layer + step[0], column + step[1]);
    view.tiles.find((tile) => tile.tabIndex === 0)?.focus();
  };
  return button;
}

function drawTiles(view, state, query) {
  for (const tile of view.tiles) {
    const map = mapOf(view, tile.layer, tile.column, query, state.direction), stats = statsOf(view, map);
    const pen = tile.firstChild.getContext("2d"), scale = scaleOf(view, state, tile.column, stats);
    tile.image ??= pen.createImageData(view.grid, view.grid);
    pen.putImageData(colored(tile.image, view, state, map, scale), 0, 0);
    const isChosen = tile.layer === state.layer && tile.column === state.head;
    tile.classList.toggle("is-flat", stats.isFlat);
    tile.setAttribute("aria-checked", isChosen);
    tile.tabIndex = isChosen ? 0 : -1;
    tile.ariaLabel = `${nameOf(view, tile.layer, tile.column)}${stats.isFlat ? ", flat" : ""}`;
  }
}

function nameOf(view, layer, column) {
  const name = view.columns[column];
  if (name === "rollout") return `rollout up to layer ${layer}`;
  return `layer ${layer}, ${name === "mean" ? "mean of its heads" : `head ${name}`}`;
}

function drawBar(nodes, view, state, scale, stats) {
  const pen = nodes.ramp.getContext("2d"), image = pen.createImageData(256, 1);
  view.colors[state.colors].forEach((color, place) => image.data.set([...color, 255], 4 * place));
  pen.putImageData(image, 0, 0);
  const numbers = [scale.low, (scale.low + scale.high) / 2, scale.high].map((value) => numberOf(scale, value));
  numbers[2] += scale.unit + (scale.clips ? " or more" : "");
  nodes.ticks.forEach((tick, place) => { tick.textContent = numbers[place]; });
  nodes.ramp.ariaLabel = `Colours from ${numbers[0]} to ${numbers[2]}`;
  nodes.flat.textContent = stats.isFlat ? `flat: ${times(view, stats.mean)} everywhere` : "";
}

const times = (view, value) => `${Number((value * view.tokens).toPrecision(2))}x uniform`;
const amount = (view, value) => `${Number((100 * value).toPrecision(2))} % (${times(view, value)})`;

function whose(view, query) {
  if (query === MEAN) return "the mean of the patches";
  return query < view.first ? `the ${view.names[query].toLowerCase()}` : `patch ${view.names[query]}`;
}

// The map in words: for the line below the picture, and for those who can't see it.
function describe(view, state, map, stats, query) {
  const doer = whose(view, query), start = doer[0].toUpperCase() + doer.slice(1);
  const verb = state.direction === "out" ? "reads" : "is read by";
  if (state.pointed !== null && state.pinned) {
    return `${start} ${verb} patch ${patchName(state.pointed, view.grid)}: ${amount(view, map[state.pointed])}.`;
  }
  if (stats.isFlat) return `${start} ${verb} all patches alike: ${amount(view, stats.mean)} each.`;
  const whole = state.direction === "out" ? ` All patches together: ${amount(view, stats.sum).replace(/ \(.*/, "")}.` : "";
  return `${start} ${verb} patch ${patchName(stats.top, view.grid)} most: ${amount(view, stats.high)}.${whole}`;
}
