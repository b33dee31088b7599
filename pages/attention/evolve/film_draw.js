// The parts of the film.

const themeOf = (node, name) => getComputedStyle(node).getPropertyValue(`--st-${name}`).trim();
const paletteOf = (node) => themeOf(node, "chart-categorical-colors").split(",");

function colorOf(node, view, place) {
  return view.classes[place].name === "others" ? themeOf(node, "border-color") : paletteOf(node)[place % 7];
}

// Stacked probabilities over the epochs, with a line at the frame that is shown.
function drawRibbon(node, view, frame) {
  const pen = node.getContext("2d"), { width, height } = node, x = (place) => (place / (view.epochs.length - 1)) * width;
  let floor = view.epochs.map(() => 0);
  view.classes.forEach((one, place) => {
    const top = floor.map((value, i) => value + one.shares[i]);
    pen.fillStyle = colorOf(node, view, place);
    pen.beginPath();
    top.forEach((value, i) => pen.lineTo(x(i), height * (1 - value)));
    [...floor].reverse().forEach((value, i) => pen.lineTo(x(floor.length - 1 - i), height * (1 - value)));
    pen.fill();
    floor = top;
  });
  pen.fillStyle = themeOf(node, "text-color");
  pen.fillRect(Math.min(width - 3, Math.max(0, x(frame) - 1)), 0, 3, height);
}

function drawSeen(node, image, heat, grid) {
  const pen = node.getContext("2d"), side = node.width;
  pen.imageSmoothingEnabled = false;
  pen.globalAlpha = 1;
  pen.filter = "none";
  if (image.complete && image.naturalWidth) {
    pen.drawImage(image, 0, 0, side, side);
    pen.globalAlpha = 0.65;
    pen.filter = "grayscale(1)";
    pen.drawImage(image, 0, 0, side, side);
    pen.filter = "none";
  }
  pen.globalAlpha = 0.65;
  pen.drawImage(heat, 0, 0, side, side);
  pen.globalAlpha = 0.35;
  pen.fillStyle = "#fff";
  for (let line = 1; line < grid; line++) {
    pen.fillRect(Math.round((line * side) / grid), 0, 1, side);
    pen.fillRect(0, Math.round((line * side) / grid), side, 1);
  }
}

function heatmap(view, map, scale, colors) {
  const canvas = Object.assign(document.createElement("canvas"), { width: view.grid, height: view.grid });
  const pen = canvas.getContext("2d");
  pen.putImageData(colored(pen.createImageData(view.grid, view.grid), view, { colors }, map, scale), 0, 0);
  return canvas;
}

function drawRamp(nodes, view, scale, colors) {
  const pen = nodes.ramp.getContext("2d"), image = pen.createImageData(256, 1);
  view.colors[colors].forEach((color, place) => image.data.set([...color, 255], 4 * place));
  pen.putImageData(image, 0, 0);
  const numbers = [scale.low, (scale.low + scale.high) / 2, scale.high].map((value) => numberOf(scale, value));
  numbers[2] += scale.unit;
  nodes.ticks.forEach((tick, place) => { tick.textContent = numbers[place]; });
  nodes.ramp.ariaLabel = `Colours from ${numbers[0]} to ${numbers[2]}`;
}

// A line per layer and head over the epochs, all on one scale, with the number of the frame that is shown.
function drawHeads(node, lines, frame, name) {
  const all = lines.flat(2), low = Math.min(...all), high = Math.max(...all), heads = lines[0].length;
  node.style.gridTemplateColumns = `auto repeat(${heads}, minmax(48px, 150px))`;
  if (node.childElementCount !== (heads + 1) * lines.length) {
    node.replaceChildren(...lines.flatMap((row, layer) => [
      Object.assign(document.createElement("span"), { textContent: `layer ${layer}` }),
      ...row.map((_, head) => makeLine(layer, head)),
    ]));
  }
  for (const cell of node.querySelectorAll("div")) {
    const line = lines[cell.layer][cell.head], canvas = cell.firstChild, pen = canvas.getContext("2d");
    const x = (i) => 4 + (i / (line.length - 1)) * (canvas.width - 8);
    const y = (value) => canvas.height - 6 - ((value - low) / (high - low || 1)) * (canvas.height - 12);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = pen.fillStyle = paletteOf(node)[0];
    pen.lineWidth = 3;
    pen.beginPath();
    line.forEach((value, i) => pen.lineTo(x(i), y(value)));
    pen.stroke();
    pen.fillRect(x(frame) - 3, y(line[frame]) - 8, 6, 16);
    canvas.ariaLabel = `layer ${cell.layer}, head ${cell.head}: ${name} from ${line[0]} to ${line.at(-1)}`;
    cell.lastChild.textContent = `${Number(line[frame].toPrecision(3))}`;
  }
}

function makeLine(layer, head) {
  const cell = Object.assign(document.createElement("div"), { layer, head });
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 68, role: "img" });
  cell.append(canvas, document.createElement("span"));
  return cell;
}
