// The confusion matrix: a grid whose cells are chosen with the mouse, or with the arrow keys and Enter.

import { make } from "../shared/viewer/heatmap.js";

const WRONG = "217, 119, 6";
const RIGHT = "15, 118, 110";
const STRONGEST = 0.55; // opacity of a cell's color
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/** The largest count on the diagonal, or beside it; at least 1.
 * @param {number[][]} counts @param {boolean} isRight */
export const largest = (counts, isRight) =>
  Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => (i === j) === isRight)));

/** Mistakes in one color, right answers in another, each as strong as its count.
 * @param {number[][]} counts @param {number} i @param {number} j @param {number} most */
export const colorOf = (counts, i, j, most) =>
  `rgba(${i === j ? RIGHT : WRONG}, ${((STRONGEST * counts[i][j]) / most).toFixed(2)})`;

function makeCell({ classes, counts, selected }, i, j, most) {
  const title = `${counts[i][j]} labeled ${classes[i]}, the model says ${classes[j]}`;
  const isSelected = i === selected[0] && j === selected[1];
  const cell = make("td", { role: "gridcell", title, ariaLabel: title, ariaSelected: isSelected }, `${counts[i][j]}`);
  cell.style.background = colorOf(counts, i, j, most);
  cell.tabIndex = isSelected ? 0 : -1;
  return cell;
}

function makeTable(data) {
  const { classes, counts } = data;
  const most = [true, false].map((isRight) => largest(counts, isRight));
  const named = (name, scope) => make("th", { scope, title: name }, name);
  const head = make("tr", {}, make("th", {}, "labeled ↓ says →"), ...classes.map((name) => named(name, "col")));
  const rows = counts.map((row, i) =>
    make("tr", {}, named(classes[i], "row"), ...row.map((_, j) => makeCell(data, i, j, most[i === j ? 0 : 1]))),
  );
  const parts = [make("thead", {}, head), make("tbody", {}, ...rows)];
  return make("table", { role: "grid", ariaLabel: "Confusion matrix" }, ...parts);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".matrix");
  const table = makeTable(data);
  const cellAt = (i, j) => table.tBodies[0].rows[i]?.cells[j + 1];
  const placeOf = (cell) => [cell.parentElement.sectionRowIndex, cell.cellIndex - 1];
  const focused = place.querySelector("td:focus");
  const kept = focused && placeOf(focused); // the arrow keys may have left the selected cell meanwhile
  place.replaceChildren(table);
  const current = () => table.querySelector("td[tabindex='0']") ?? cellAt(0, 0);
  const focus = (cell) => {
    current().tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  };
  const choose = (cell) => {
    focus(cell);
    table.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    cell.setAttribute("aria-selected", "true");
    setTriggerValue("cell", placeOf(cell));
  };
  current().tabIndex = 0;
  table.onclick = (event) => {
    const cell = event.target.closest("td");
    if (cell) choose(cell);
  };
  table.onkeydown = (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") choose(cell);
    const [down, right] = STEPS[event.key] ?? [];
    const [i, j] = placeOf(cell);
    const next = STEPS[event.key] && cellAt(i + down, Math.max(0, j + right));
    if (next) focus(next);
    if (STEPS[event.key] || event.key === "Enter" || event.key === " ") event.preventDefault();
  };
  if (kept) focus(cellAt(...kept) ?? current());
}
