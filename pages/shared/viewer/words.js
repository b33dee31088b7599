// A map in words: for the line below the image, and for those who can't see it.

import { patchName } from "./heatmap.js";
import { MEAN } from "./payload.js";

/** @import { View } from "./payload.js" */

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** A value in multiples of uniform attention. @param {View} view @param {number} value */
export const times = (view, value) => `${Number((value * view.tokens).toPrecision(2))}x uniform`;

const percent = (value) => `${Number((100 * value).toPrecision(2))}%`;
const amount = (view, value) => `${percent(value)} (${times(view, value)})`;

/** What a layer and a column of the small maps show. @param {View} view @param {number} layer @param {number} column */
export function nameOf(view, layer, column) {
  const [name, number] = [view.columns[column], view.firstLayer + layer];
  if (name === "rollout") return `rollout up to layer ${number}`;
  return `layer ${number}, ${name === "mean" ? "mean of its heads" : `head ${name}`}`;
}

function whose(view, query) {
  if (query === MEAN) return "the mean of the patches";
  return query < view.first ? `the ${view.names[query].toLowerCase()}` : `patch ${view.names[query]}`;
}

/** @param {View} view @param {object} state of the viewer @param {ArrayLike<number>} map @param {object} stats of it
 * @param {number | string} query whose attention it is */
export function describe(view, state, map, stats, query) {
  const start = `${capital(whose(view, query))} ${state.direction === "out" ? "reads" : "is read by"}`;
  if (state.pointed !== null && state.kept) {
    return `${start} patch ${patchName(state.pointed, view.grid)}: ${amount(view, map[state.pointed])}.`;
  }
  if (stats.isFlat) return `${start} all patches alike: ${amount(view, stats.mean)} each.`;
  const together = state.direction === "out" ? ` All patches together: ${percent(stats.sum)}.` : "";
  return `${start} patch ${patchName(stats.top, view.grid)} most: ${amount(view, stats.high)}.${together}`;
}
