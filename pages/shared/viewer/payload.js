// From bytes to maps: which numbers belong to a layer, a head and a token.

import { patchName } from "./heatmap.js";

export const MEAN = "mean"; // the query that stands for the average over all patches

/**
 * @typedef {object} View what pages/shared/viewer/viewer.py packs, unpacked
 * @property {Float32Array} numbers for each layer and column, what each token takes in from each other one
 * @property {string[]} columns heads, "mean" and "rollout"
 * @property {number} firstLayer of those that are sent
 * @property {number} layers
 * @property {number} tokens
 * @property {number} grid
 * @property {number} patches
 * @property {number} first token that stands for a patch
 * @property {string[]} names of the tokens
 */

/** One number of 16 bits as JavaScript's own, for browsers without Float16Array. @param {number} bits */
export function halfOf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers of 16 bits that travel as text. @param {string} text base64 @returns {Float32Array} */
export function halves(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), halfOf);
}

/** @param {Uint8Array} bytes @returns {View} */
export function unpack(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const numbers = Float32Array.from(new Uint16Array(bytes.slice(4 + size).buffer), halfOf);
  const patches = head.grid ** 2;
  const names = [...head.prefix, ...Array.from({ length: patches }, (_, patch) => patchName(patch, head.grid))];
  return { ...head, numbers, patches, first: head.prefix.length, names };
}

/** What a token takes in from each patch ("out"), or what each patch takes in from it ("in").
 * @param {View} view @param {number} layer @param {number} column @param {number | string} query
 * @param {string} direction @returns {Float32Array} one number per patch */
export function mapOf(view, layer, column, query, direction) {
  const { tokens, patches, first, numbers } = view;
  const base = (layer * view.columns.length + column) * tokens * tokens;
  const map = new Float32Array(patches);
  const queries = query === MEAN ? Array.from({ length: patches }, (_, patch) => first + patch) : [Number(query)];
  for (const token of queries) {
    for (let patch = 0; patch < patches; patch++) {
      const at = direction === "out" ? token * tokens + first + patch : (first + patch) * tokens + token;
      map[patch] += numbers[base + at] / queries.length;
    }
  }
  return map;
}
