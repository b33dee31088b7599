// From text to tensors, and from numbers to colored cells.

import { placeOf, SIGNED, tableOf } from "../shared/viewer/heatmap.js";

/** The bytes that pages/learn/tensors.py packed. @param {string} text */
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;

/** @param {string} text */
export const floats = (text) => new Float32Array(bytesOf(text));

/** @param {string} text */
export const doubles = (text) => new Float64Array(bytesOf(text));

/** The largest absolute value, or 1 where all are zero. @param {ArrayLike<number>} values */
export const mostOf = (values) => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

/** The color of a number: blue below zero, red above. @param {number} value @param {number} most */
export function signed(value, most) {
  const [red, green, blue] = tableOf(SIGNED)[placeOf({ low: -most, high: most }, value)];
  return `rgb(${red}, ${green}, ${blue})`;
}

/** Numbers as colored cells, row by row, over a whole canvas.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} columns
 * @param {number} most the absolute value of the strongest color @param {number} rows */
export function drawCells(canvas, values, columns, most = mostOf(values), rows = Math.ceil(values.length / columns)) {
  const pen = canvas.getContext("2d");
  const [width, height] = [canvas.width / columns, canvas.height / rows];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (let place = 0; place < values.length; place++) {
    const [x, y] = [place % columns, Math.floor(place / columns)];
    pen.fillStyle = signed(values[place], most);
    pen.fillRect(Math.floor(x * width), Math.floor(y * height), Math.ceil(width), Math.ceil(height));
  }
}

/** A cell's border, dark outside and colored inside, so that it shows on any color.
 * @param {HTMLCanvasElement} canvas @param {number[]} box x, y, width and height */
export function drawBox(canvas, [x, y, width, height]) {
  const pen = canvas.getContext("2d");
  for (const [line, style] of [
    [6, "#000"],
    [3, "#2dd4c1"],
  ]) {
    pen.lineWidth = line;
    pen.strokeStyle = style;
    pen.strokeRect(x + 2, y + 2, Math.max(1, width - 4), Math.max(1, height - 4));
  }
}

/** A vector as one row of cells, with a border around one of them.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} chosen */
export function drawStrip(canvas, values, chosen) {
  drawCells(canvas, values, values.length);
  const width = canvas.width / values.length;
  drawBox(canvas, [Math.min(chosen * width, canvas.width - 8), 0, Math.max(8, width), canvas.height]);
}

/** The cell under a pointer, or null. @param {HTMLCanvasElement} canvas @param {MouseEvent} event
 * @param {number} columns @param {number} count */
export function cellUnder(canvas, event, columns, count) {
  const bounds = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - bounds.left) / bounds.width) * columns);
  const row = Math.floor(((event.clientY - bounds.top) / bounds.height) * Math.ceil(count / columns));
  const place = row * columns + column;
  return column >= 0 && column < columns && row >= 0 && place < count ? place : null;
}

/** The cell that an arrow key leads to, or null for another key. @param {number} place @param {string} key
 * @param {number} columns @param {number} count */
export function cellAfter(place, key, columns, count) {
  const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
  if (move === undefined) return null;
  const next = place + move;
  return next >= 0 && next < count ? next : place;
}

/** Let a pointer's click and the arrow keys choose a cell of a canvas.
 * @param {HTMLCanvasElement} canvas @param {() => {columns: number, count: number, place: number}} layout
 * @param {(place: number) => void} choose */
export function choosable(canvas, layout, choose) {
  canvas.onclick = (event) => {
    const { columns, count } = layout();
    const place = cellUnder(canvas, event, columns, count);
    if (place !== null) choose(place);
  };
  canvas.onkeydown = (event) => {
    const { columns, count, place } = layout();
    const next = cellAfter(place, event.key, columns, count);
    if (next === null) return;
    event.preventDefault();
    choose(next);
  };
}
