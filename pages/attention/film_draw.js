// The curves of the film.

import { make } from "../shared/viewer/heatmap.js";

const themeOf = (node, name) => getComputedStyle(node).getPropertyValue(`--st-${name}`).trim();
const paletteOf = (node) => themeOf(node, "chart-categorical-colors").split(",");

/** The color of a class. @param {HTMLElement} node in the theme @param {object} view @param {number} place */
export function colorOf(node, view, place) {
  return view.classes[place].name === "others" ? themeOf(node, "border-color") : paletteOf(node)[place % 7];
}

/** Stacked probabilities over the epochs, with a line at the frame that is shown.
 * @param {HTMLCanvasElement} node @param {object} view @param {number} frame */
export function drawRibbon(node, view, frame) {
  const pen = node.getContext("2d");
  const { width, height } = node;
  const x = (place) => (place / (view.epochs.length - 1)) * width;
  let floor = view.epochs.map(() => 0);
  view.classes.forEach((one, place) => {
    const top = floor.map((value, i) => value + one.shares[i]);
    const upper = top.map((value, i) => [x(i), height * (1 - value)]);
    const lower = floor.map((value, i) => [x(i), height * (1 - value)]);
    pen.fillStyle = colorOf(node, view, place);
    pen.beginPath();
    for (const point of [...upper, ...lower.reverse()]) pen.lineTo(...point);
    pen.fill();
    floor = top;
  });
  pen.fillStyle = themeOf(node, "text-color");
  pen.fillRect(Math.min(width - 3, Math.max(0, x(frame) - 1)), 0, 3, height);
}

/** A line per layer and head over the epochs, all on one scale, with the number of the frame that is shown.
 * @param {HTMLElement} node @param {number[][][]} lines (L, h, frames) @param {number} frame @param {string} name
 * @returns {[number, number]} the scale's ends */
export function drawHeads(node, lines, frame, name) {
  const all = lines.flat(2);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const heads = lines[0].length;
  node.style.gridTemplateColumns = `auto repeat(${heads}, minmax(48px, 150px))`;
  if (node.childElementCount !== (heads + 1) * (lines.length + 1)) node.replaceChildren(...cellsOf(lines));
  for (const cell of node.querySelectorAll("div")) {
    const line = lines[cell.layer][cell.head];
    drawLine(cell.firstChild, line, frame, (value) => (value - low) / (high - low || 1));
    cell.firstChild.ariaLabel = `layer ${cell.layer}, head ${cell.head}: ${name} from ${line[0]} to ${line.at(-1)}`;
    cell.lastChild.textContent = `${Number(line[frame].toPrecision(3))}`;
  }
  return [low, high];
}

function cellsOf(lines) {
  const label = (textContent) => make("span", { textContent });
  const cell = (layer, head) => make("div", { layer, head }, canvas(), make("span"));
  const canvas = () => make("canvas", { width: 160, height: 68, role: "img" });
  const rows = lines.flatMap((row, layer) => [label(`layer ${layer}`), ...row.map((_, head) => cell(layer, head))]);
  return [label(""), ...lines[0].map((_, head) => label(`head ${head}`)), ...rows];
}

function drawLine(canvas, line, frame, heightOf) {
  const pen = canvas.getContext("2d");
  const x = (i) => 4 + (i / (line.length - 1)) * (canvas.width - 8);
  const y = (value) => canvas.height - 6 - heightOf(value) * (canvas.height - 12);
  const [color] = paletteOf(canvas);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = color;
  pen.fillStyle = color;
  pen.lineWidth = 3;
  pen.beginPath();
  for (const [i, value] of line.entries()) pen.lineTo(x(i), y(value));
  pen.stroke();
  pen.fillRect(x(frame) - 3, y(line[frame]) - 8, 6, 16);
}
