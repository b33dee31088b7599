// Which switches there are, and how the address keeps them: heads=0.2_1.3&patches=7_8&edit=blur.

import { readHash, writeHash } from "../shared/viewer/heatmap.js";

/**
 * @typedef {object} Switches what is off, and how
 * @property {number[][]} heads pairs of layer and head
 * @property {number[][]} branches pairs of layer and 0 for its attention or 1 for its MLP
 * @property {string} how what switched parts give
 * @property {number} percent of themselves where they are scaled
 * @property {number[]} patches
 * @property {string} edit what happens to the patches
 */

const ALL_ON = { heads: [], branches: [], how: "zero", percent: 0, patches: [], edit: "drop" };
const PAIRS = ["heads", "branches"];
const CHOICES = ["how", "edit"];

const isPair = (layer, index) => (pair) => pair[0] === layer && pair[1] === index;

/** @param {number[][]} pairs @param {number} layer @param {number} index */
export const has = (pairs, layer, index) => pairs.some(isPair(layer, index));

/** The pairs with one of them turned over. @param {number[][]} pairs @param {number} layer @param {number} index */
export function toggled(pairs, layer, index) {
  const isThis = isPair(layer, index);
  return pairs.some(isThis) ? pairs.filter((pair) => !isThis(pair)) : [...pairs, [layer, index]];
}

/** What the address says. @returns {Switches} */
export function readSwitches() {
  const given = readHash();
  const list = (name) => (given.get(name) ?? "").split("_").filter(Boolean);
  const off = { ...ALL_ON, patches: list("patches").map(Number), percent: Number(given.get("percent") ?? 0) };
  for (const name of PAIRS) off[name] = list(name).map((pair) => pair.split(".").map(Number));
  for (const name of CHOICES) off[name] = given.get(name) ?? off[name];
  return off;
}

/** @param {Switches} off */
export function writeSwitches(off) {
  const entries = { patches: off.patches.join("_") || null, percent: off.percent || null };
  for (const name of PAIRS) entries[name] = off[name].map((pair) => pair.join(".")).join("_") || null;
  for (const name of CHOICES) entries[name] = off[name] === ALL_ON[name] ? null : off[name];
  writeHash(entries);
}

/** The switches that this model has; patches of another grid are other places.
 * @param {Switches} off @param {object} data of the panel @param {number} grid that the patches are of
 * @returns {Switches} */
export function fitSwitches(off, data, grid) {
  const within = (index, count) => Number.isInteger(index) && index >= 0 && index < count;
  const columns = { heads: data.heads, branches: 2 };
  const fitted = { ...off };
  for (const name of PAIRS) {
    fitted[name] = off[name].filter(([layer, index]) => within(layer, data.depth) && within(index, columns[name]));
  }
  fitted.patches = grid === data.grid ? off.patches.filter((patch) => within(patch, grid ** 2)) : [];
  if (!(off.how in data.hows)) fitted.how = ALL_ON.how;
  if (!(off.edit in data.edits)) fitted.edit = ALL_ON.edit;
  if (!within(off.percent, data.most + 1)) fitted.percent = 0;
  return fitted;
}

/** @param {Switches} off */
export const isUntouched = (off) => JSON.stringify(off) === JSON.stringify(ALL_ON);
