// A formula's symbols, their shapes and the source lines that compute them: pointing at one lights up the others.

import { make, mounted, nodesOf } from "../shared/viewer/heatmap.js";

/** LaTeX as a table cell can show it: subscripts and superscripts, and Greek letters by their names. */
function symbolOf(latex) {
  const cell = make("td");
  const greek = { alpha: "α", sigma: "σ", ell: "ℓ", theta: "θ", eta: "η", gamma: "γ", beta: "β" };
  const plain = latex
    .replace(/\\(mathrm|mathbf|text|operatorname)\{([^}]*)\}/g, "$2")
    .replace(/\\([a-zA-Z]+)/g, (_, name) => greek[name] ?? name);
  for (const [, mark, braced, single] of plain.matchAll(/([_^]?)(?:\{([^}]*)\}|([^_^{}]))/g)) {
    const text = braced ?? single;
    cell.append(mark === "_" ? make("sub", {}, text) : mark === "^" ? make("sup", {}, text) : text);
  }
  return cell;
}

class Parts {
  constructor(root) {
    this.nodes = nodesOf(root, "rows where source");
    this.formula = () => (root.host ?? root).closest("[class*=st-key-formula-]");
    this.pinned = null;
    const { rows, source } = this.nodes;
    for (const node of [rows, source]) {
      node.onpointerover = (event) => this.light(event.target.closest("[data-part]")?.dataset.part ?? this.pinned);
      node.onpointerleave = () => this.light(this.pinned);
      node.onclick = (event) => this.pin(event.target.closest("[data-part]")?.dataset.part ?? null);
    }
    rows.onfocusin = (event) => this.light(event.target.closest("[data-part]")?.dataset.part);
    rows.onfocusout = () => this.light(this.pinned);
  }

  show(view) {
    this.view = view;
    this.nodes.where.textContent = view.where;
    this.nodes.source.ariaLabel = `Source: ${view.where}`;
    this.nodes.rows.replaceChildren(...view.parts.map((part, place) => this.makeRow(part, place)));
    this.nodes.source.replaceChildren(...view.source.map((line, place) => this.makeLine(line, place)));
    this.follow();
    this.light(this.pinned);
  }

  /** Symbols in the formula answer the pointer, too; Streamlit draws the formula anew whenever it changes. */
  follow() {
    const box = this.formula();
    if (!box || box.dataset.followed) return;
    box.dataset.followed = "yes";
    reach(box);
    new MutationObserver(() => reach(box)).observe(box, { childList: true, subtree: true });
    box.addEventListener("pointerover", (event) => {
      const symbol = event.target.closest?.(".katex [style*=color]");
      if (symbol) this.light(this.placeOf(symbol));
    });
    box.addEventListener("pointerout", (event) => event.target.closest?.(".katex") && this.light(this.pinned));
  }

  placeOf(symbol) {
    const place = this.view.parts.findIndex(({ color }) => colorOf(color) === symbol.style.color);
    return place < 0 ? this.pinned : String(place);
  }

  makeRow(part, place) {
    const what = make("td", {}, part.meaning);
    const letters = part.shape ? [make("code", {}, part.shape)] : [];
    const shape = make("td", {}, ...letters, make(part.shape ? "small" : "span", {}, part.size));
    const row = make("tr", { tabIndex: 0 }, symbolOf(part.symbol), what, shape);
    row.firstChild.style.color = part.color;
    row.dataset.part = place;
    row.style.setProperty("--color", part.color);
    return row;
  }

  makeLine(pieces, place) {
    const line = make("span", { className: "line" });
    line.append(...pieces.map(([kind, text]) => (kind ? make("span", { className: kind }, text) : text)));
    const part = this.view.parts.findIndex(({ lines }) => lines.includes(place));
    if (part >= 0) {
      line.dataset.part = part;
      line.style.setProperty("--color", this.view.parts[part].color);
    }
    return line;
  }

  pin(place) {
    this.pinned = place === this.pinned ? null : place;
    this.light(place ?? null);
  }

  light(place) {
    const { rows, source } = this.nodes;
    for (const node of [...rows.children, ...source.children]) {
      node.classList.toggle("lit", place != null && node.dataset.part === String(place));
    }
    for (const symbol of this.formula()?.querySelectorAll(".katex-html [style*=color]") ?? []) {
      const isLit = place != null && this.placeOf(symbol) === String(place);
      symbol.style.outline = isLit ? "2px solid currentColor" : "";
      symbol.style.outlineOffset = isLit ? "2px" : "";
      symbol.style.borderRadius = isLit ? "3px" : "";
    }
    source.querySelector(".lit")?.scrollIntoView({ block: "nearest" });
  }
}

/** Let the keyboard scroll the formulas in a box, for a narrow screen. @param {Element} box */
function reach(box) {
  for (const wide of box.querySelectorAll(".katex-display:not([tabindex])")) wide.tabIndex = 0;
}

/** A color as a browser writes it. @param {string} color */
function colorOf(color) {
  const probe = make("i");
  probe.style.color = color;
  return probe.style.color;
}

export default mounted(Parts);
