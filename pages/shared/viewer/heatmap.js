// What every canvas shares: values to colors, patches under a pointer or a key, and the part of the address after "#".

import { TABLES } from "./colormaps.js";

/**
 * @typedef {{low: number, high: number, factor: number, unit: string, clips: boolean, rest: number}} Scale
 * @typedef {{colors?: string, style?: string, opacity?: number}} Look
 */

export const SEQUENTIAL = "inferno";
export const SIGNED = "RdBu_r";
export const STRONGEST = 0.85; // opacity of the strongest patch in an overlay
const GAMMA = 0.75; // how fast opacity rises
const PIXELATED = 128; // images up to this side show their pixels as squares

const decoded = {};

/** A color map's 256 colors from low to high, each [red, green, blue].
 * @param {string} colors @returns {number[][]} */
export function tableOf(colors) {
  decoded[colors] ??= TABLES[colors]
    .match(/.{6}/g)
    .map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
  return decoded[colors];
}

/** Where a value lies on a scale, 0 to 1. @param {Scale} scale @param {number} value */
export const shareOf = (scale, value) => Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)));

/** A value for people, without its unit. @param {Scale} scale @param {number} value */
export const numberOf = (scale, value) => String(Number((value * scale.factor).toPrecision(3)));

/** How strongly a share of a scale colors the image below it, 0 to 1.
 * @param {number} share @param {string} colors @param {number} rest the share that leaves the image as it is */
function strengthOf(share, colors, rest) {
  const distance = (share - rest) / (1 - rest);
  return (colors === SIGNED ? Math.abs(distance) : Math.max(0, distance)) ** GAMMA;
}

/** Red, green, blue and alpha for 256 places of a scale, 0 to 255 each.
 *
 * Styles: "overlay" (the opacity follows the value), "light" (what gets little lies in the dark) and "colors" (the plain
 * color map). @param {Scale} scale @param {Look} look @returns {number[][]} */
export function tintsOf(scale, { colors = SEQUENTIAL, style = "overlay", opacity = STRONGEST } = {}) {
  const rest = shareOf(scale, scale.rest);
  return tableOf(colors).map((color, place) => {
    const share = place / 255;
    const alphas = { overlay: () => strengthOf(share, colors, rest), light: () => 1 - share, colors: () => 1 };
    return [...(style === "light" ? [0, 0, 0] : color), Math.round(255 * opacity * alphas[style]())];
  });
}

/** The place of a value among 256 colors. @param {Scale} scale @param {number} value */
export const placeOf = (scale, value) => Math.round(255 * shareOf(scale, value));

/** Draw a map on a small canvas, one pixel a patch.
 * @param {ArrayLike<number>} map @param {Scale} scale @param {Look} look @param {HTMLCanvasElement} canvas to use again */
export function heatOf(map, scale, look, canvas = document.createElement("canvas")) {
  const grid = Math.round(Math.sqrt(map.length));
  const tints = tintsOf(scale, look);
  const pixels = new ImageData(grid, grid);
  for (let patch = 0; patch < map.length; patch++) pixels.data.set(tints[placeOf(scale, map[patch])], 4 * patch);
  Object.assign(canvas, { width: grid, height: grid }).getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** An image as large as the canvas under its map.
 * @param {HTMLCanvasElement} canvas @param {HTMLImageElement | null} image @param {ArrayLike<number>} map
 * @param {Scale} scale @param {Look & {grid?: boolean}} look */
export function drawHeatmap(canvas, image, map, scale, look = {}) {
  const pen = canvas.getContext("2d");
  drawImage(canvas, image, look.style === "colors");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(heatOf(map, scale, look), 0, 0, canvas.width, canvas.height);
  if (look.grid) drawGrid(canvas, Math.round(Math.sqrt(map.length)));
}

/** An image as large as the canvas, in gray where a color seen has to be a color of a scale.
 * @param {HTMLCanvasElement} canvas @param {HTMLImageElement | null} image @param {boolean} isGray */
export function drawImage(canvas, image, isGray = false) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!image?.complete || !image.naturalWidth) return;
  pen.imageSmoothingEnabled = image.naturalWidth > PIXELATED;
  pen.filter = isGray ? "grayscale(1)" : "none";
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  pen.filter = "none";
}

/** A patch in one color. @param {HTMLCanvasElement} canvas @param {number} grid @param {number} patch
 * @param {string} color */
export function drawPatch(canvas, grid, patch, color) {
  const pen = canvas.getContext("2d");
  const step = canvas.width / grid;
  pen.fillStyle = color;
  pen.fillRect((patch % grid) * step, Math.floor(patch / grid) * step, step, step);
}

/** Thin lines between the tokens. @param {HTMLCanvasElement} canvas @param {number} grid */
export function drawGrid(canvas, grid) {
  const pen = canvas.getContext("2d");
  pen.fillStyle = "rgba(255, 255, 255, 0.35)";
  for (let line = 1; line < grid; line++) {
    pen.fillRect(Math.round((line * canvas.width) / grid), 0, 1, canvas.height);
    pen.fillRect(0, Math.round((line * canvas.height) / grid), canvas.width, 1);
  }
}

/** A patch's border, dark outside and colored inside, so that it shows on any image.
 * @param {HTMLCanvasElement} canvas @param {number} grid @param {number} patch @param {string} color */
export function drawFrame(canvas, grid, patch, color, width = 4) {
  const pen = canvas.getContext("2d");
  const step = canvas.width / grid;
  const [x, y] = [(patch % grid) * step, Math.floor(patch / grid) * step];
  for (const [line, style] of [
    [width + 2, "#000"],
    [width, color],
  ]) {
    pen.lineWidth = line;
    pen.strokeStyle = style;
    pen.strokeRect(x + width / 2 + 1, y + width / 2 + 1, step - width - 2, step - width - 2);
  }
}

/** The colors of a scale from low to high, and below them both ends and the middle with the unit.
 * @param {{ramp: HTMLCanvasElement, ticks: HTMLElement[]}} nodes @param {Scale} scale @param {Look} look */
export function drawRamp({ ramp, ticks }, scale, look = {}) {
  const pixels = new ImageData(256, 1);
  pixels.data.set(tintsOf(scale, look).flat());
  ramp.getContext("2d").putImageData(pixels, 0, 0);
  const texts = ticksOf(scale);
  ticks.forEach((tick, place) => {
    tick.textContent = texts[place];
  });
  ramp.ariaLabel = `Colors from ${texts[0]} to ${texts[2]}`;
}

/** Both ends of a scale and its middle in words, the last one with the unit. @param {Scale} scale */
export function ticksOf(scale) {
  const texts = [scale.low, (scale.low + scale.high) / 2, scale.high].map((value) => numberOf(scale, value));
  return [texts[0], texts[1], texts[2] + scale.unit + (scale.clips ? " or more" : "")];
}

/** Lowest, highest and mean value, where the highest is, and whether there is no pattern to see.
 * @param {ArrayLike<number>} map @param {number} flat share of the mean that values have to differ by */
export function statsOf(map, flat) {
  const values = Array.from(map);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / values.length;
  return { low, high, sum, mean, top: values.indexOf(high), isFlat: high - low <= flat * Math.abs(mean) };
}

/** How a patch is called. Rows and columns are counted from 0, as layers and heads are.
 * @param {number} patch @param {number} grid */
export const patchName = (patch, grid) => `row ${Math.floor(patch / grid)}, column ${patch % grid}`;

/** The patch at a point of a square with a grid of patches, or null outside of it.
 * @param {{left: number, top: number, width: number, height: number}} bounds @param {number} x @param {number} y
 * @param {number} grid @returns {number | null} */
export function patchAt(bounds, x, y, grid) {
  const column = Math.floor(((x - bounds.left) / bounds.width) * grid);
  const row = Math.floor(((y - bounds.top) / bounds.height) * grid);
  return row >= 0 && column >= 0 && row < grid && column < grid ? row * grid + column : null;
}

/** The patch under a pointer, or null. @param {HTMLElement} node @param {MouseEvent} event @param {number} grid */
export const patchUnder = (node, event, grid) =>
  patchAt(node.getBoundingClientRect(), event.clientX, event.clientY, grid);

/** The patch that an arrow key leads to, or null for another key; the border stops it.
 * @param {number} patch @param {string} key @param {number} grid @returns {number | null} */
export function patchAfter(patch, key, grid) {
  const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[key];
  if (!move) return null;
  const within = (place) => Math.min(grid - 1, Math.max(0, place));
  return within(Math.floor(patch / grid) + move[0]) * grid + within((patch % grid) + move[1]);
}

/** The patch that the keyboard starts from. @param {number} grid */
export const middleOf = (grid) => (grid >> 1) * (grid + 1);

/** @param {string} source @param {() => void} redraw once it is there */
export function loadImage(source, redraw) {
  return Object.assign(new Image(), { onload: redraw, src: source });
}

/** An element with properties and children. @param {string} tag @param {object} properties */
export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** The elements with these classes, and as ``ticks`` the numbers below a ramp.
 * @param {HTMLElement} root @param {string} names with spaces between them */
export function nodesOf(root, names) {
  const nodes = Object.fromEntries(names.split(" ").map((name) => [name, root.querySelector(`.${name}`)]));
  return { ...nodes, ticks: [...root.querySelectorAll(".ticks span")] };
}

/** What Streamlit calls at every change of data or theme: each place has one view, which shows the data.
 * @param {new (root: HTMLElement) => {show: Function}} View */
export function mounted(View) {
  const views = new WeakMap();
  return ({ data, parentElement, setStateValue }) => {
    if (!views.has(parentElement)) views.set(parentElement, new View(parentElement));
    views.get(parentElement).show(data, setStateValue);
  };
}

/** What is chosen in a browser: the part of the address after "#", which never travels to the server. */
export const readHash = () => new URLSearchParams(location.hash.slice(1));

/** Set some of its entries and leave the others, which belong to other tabs; null takes one out.
 * @param {Record<string, string | number | boolean | null>} changes */
export function writeHash(changes) {
  const entries = readHash();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) entries.delete(name);
    else entries.set(name, String(value));
  }
  const address = new URL(location.href);
  address.hash = entries.toString();
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
