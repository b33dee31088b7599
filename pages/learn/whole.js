// One image through the whole model: a line of stages, and for the chosen one its map, shape, parameters and answer.

import * as heat from "../shared/viewer/heatmap.js";
import { animate } from "./figure.js";

const MILLISECONDS = 750; // for one stage
const KINDS = { shares: "Class in each token", norms: "Length of each token" };

class Whole {
  constructor(root) {
    this.nodes = heat.nodesOf(
      root,
      "play slider kinds line stage ends ramp title shape readout count share says answers",
    );
    this.at = 0;
    this.kind = "shares";
    const { play, slider, line } = this.nodes;
    play.onclick = () => this.play();
    slider.oninput = () => this.go({ at: Number(slider.value) });
    line.onkeydown = (event) => {
      const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      this.go({ at: Math.min(this.last, Math.max(0, this.at + move)) });
      line.children[this.at].firstChild.focus();
    };
  }

  get last() {
    return this.view.cards.length - 1;
  }

  show(view) {
    const isNew = this.view?.photo !== view.photo;
    const isOther = this.view?.cards.length !== view.cards.length;
    this.view = view;
    if (isNew) this.photo = heat.loadImage(view.photo, () => this.drawMap());
    if (isOther) this.at = view.cards.findLastIndex(({ shares }) => shares);
    this.nodes.slider.max = this.last;
    this.makeLine();
    this.makeKinds();
    this.draw();
  }

  makeLine() {
    const { cards, parameters } = this.view;
    const makeCard = ({ name, shape, top }, place) => {
      const own = top?.find(([label]) => label === this.view.class)?.[1] ?? 0;
      const bar = heat.make("b");
      bar.style.width = `${100 * own}%`;
      const size = parameters?.[place] ? compact(parameters[place]) : "";
      const says = top ? `${top[0][0]} ${percent(top[0][1], 0)}` : "";
      const parts = [
        heat.make("strong", {}, name),
        heat.make("small", {}, shape),
        heat.make("small", {}, says || "\u00a0"),
      ];
      if (parameters) parts.push(heat.make("small", { className: "parameters" }, size || "\u00a0"));
      const button = heat.make("button", { type: "button" }, ...parts, ...(top ? [heat.make("i", {}, bar)] : []));
      button.onclick = () => this.go({ at: place });
      return heat.make("li", {}, button);
    };
    this.nodes.line.replaceChildren(...cards.map(makeCard));
  }

  makeKinds() {
    const makeKind = ([kind, label]) => {
      const textContent = label.replace("Class", `${this.view.class}`);
      const button = heat.make("button", { type: "button", textContent, onclick: () => this.go({ kind }) });
      button.dataset.kind = kind;
      return button;
    };
    this.nodes.kinds.replaceChildren(...Object.entries(KINDS).map(makeKind));
  }

  go(changes) {
    const from = this.map();
    Object.assign(this, changes);
    this.draw();
    this.morph(from);
  }

  play() {
    const count = this.last + 1;
    this.at = -1;
    animate(MILLISECONDS * count, (share) => {
      const at = Math.min(this.last, Math.floor(share * count));
      if (at === this.at) return;
      this.at = at;
      this.draw();
    });
  }

  /** What the map shows at the chosen stage: of the wanted kind, or else of the other one; null where there is none. */
  map() {
    const card = this.view.cards[this.at];
    const kind = card?.[this.kind] ? this.kind : card?.norms ? "norms" : null;
    if (!kind) return null;
    const values = card[kind];
    const high = kind === "shares" ? 1 : Math.max(...values) || 1;
    const unit = kind === "shares" ? "%" : "";
    return { kind, values, scale: { low: 0, high, factor: kind === "shares" ? 100 : 1, unit, clips: false, rest: 0 } };
  }

  /** From the map of another stage to this one, if both show the same kind. */
  morph(from) {
    const to = this.map();
    if (!from || !to || from.kind !== to.kind || from.values === to.values) return;
    animate(300, (share) => {
      const mixed = to.values.map((value, patch) => from.values[patch] + (value - from.values[patch]) * share);
      const high = from.scale.high + (to.scale.high - from.scale.high) * share;
      this.paint(mixed, { ...to.scale, high });
    });
  }

  draw() {
    const { nodes, view, at } = this;
    const card = view.cards[at];
    nodes.slider.value = at;
    nodes.slider.ariaValueText = card.name;
    for (const [place, item] of [...nodes.line.children].entries()) {
      item.classList.toggle("passed", place <= at);
      item.firstChild.ariaCurrent = String(place === at);
    }
    this.scrollTo(nodes.line.children[at]);
    nodes.title.textContent = card.name;
    nodes.shape.textContent = card.shape;
    this.drawMap();
    this.drawParameters();
    this.drawAnswer(card);
  }

  /** Bring a card into view within its line, without moving the page. */
  scrollTo(item) {
    const { line } = this.nodes;
    if (line.scrollWidth > line.clientWidth)
      line.scrollLeft = item.offsetLeft - line.offsetLeft - (line.clientWidth - item.clientWidth) / 2;
  }

  drawMap() {
    const { nodes, view } = this;
    const card = view.cards[this.at];
    const map = this.map();
    for (const button of nodes.kinds.children) {
      button.ariaPressed = String(map?.kind === button.dataset.kind);
      button.disabled = !card[button.dataset.kind];
    }
    nodes.ends.style.visibility = map ? "visible" : "hidden";
    if (map) this.paint(map.values, map.scale);
    else heat.drawImage(nodes.stage, this.photo);
    nodes.readout.textContent = `${card.what} ${this.describe(map)}`;
    nodes.stage.ariaLabel = map ? `${card.name}. ${this.describe(map)}` : "The image as the model sees it";
  }

  paint(values, scale) {
    heat.drawHeatmap(this.nodes.stage, this.photo, values, scale, {});
    heat.drawRamp(this.nodes, scale, {});
  }

  describe(map) {
    if (!map) return "";
    const { high, top, mean } = heat.statsOf(map.values, 0);
    const number = (value) => `${heat.numberOf(map.scale, value)}${map.scale.unit}`;
    const what = map.kind === "shares" ? `Read alone, tokens give ${this.view.class}` : "Tokens have a length of";
    return `${what} ${number(mean)} on average, at most ${number(high)} (${heat.patchName(top, this.view.grid)}).`;
  }

  drawParameters() {
    const { nodes, view, at } = this;
    const bar = nodes.share.firstChild;
    if (!view.parameters) {
      nodes.count.textContent = "Answer the question to see the parameters of each part.";
      bar.style.width = "0";
      return;
    }
    const total = view.parameters.reduce((sum, count) => sum + count, 0);
    const count = view.parameters[at];
    bar.style.width = `${(100 * count) / total}%`;
    nodes.count.textContent = count
      ? `${count.toLocaleString("en")} parameters, ${percent(count / total, 1)} of all ${total.toLocaleString("en")}`
      : "No parameters";
  }

  drawAnswer(card) {
    const { says, answers } = this.nodes;
    const isLast = card === this.view.cards[this.last];
    says.textContent = card.top ? (isLast ? "The answer" : "What the head would say here") : "";
    const rows = (card.top ?? []).flatMap(([name, share]) => {
      const bar = heat.make("b");
      bar.style.width = `${100 * share}%`;
      const number = heat.make("span", {}, percent(share, 1));
      return [heat.make("span", {}, name), heat.make("i", {}, bar), number];
    });
    answers.replaceChildren(...rows);
  }
}

const percent = (share, digits) => `${(100 * share).toFixed(digits)}%`;

/** 132K, 1.2M. @param {number} count */
function compact(count) {
  const [factor, letter] = count >= 999_500 ? [1e6, "M"] : count >= 1000 ? [1e3, "K"] : [1, ""];
  return `${Number((count / factor).toPrecision(3))}${letter}`;
}

export default heat.mounted(Whole);
