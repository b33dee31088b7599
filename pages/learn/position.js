// The tokens of an image change places, and the answers follow or not; and which places have similar embeddings.

import * as heat from "../shared/viewer/heatmap.js";
import { animate } from "./figure.js";
import { floats } from "./tensors.js";

const LOOK = { style: "colors", opacity: 1 };
const MOST_LOW = 0.99; // lowest similarity that a map's darkest color may stand for, where all places are alike
const ROUNDING = 1e-9; // of a probability in float64; far above sums in another order, far below what can be seen
const TOP = 3;
const DIGITS = 10; // of a percentage

class Position {
  constructor(root) {
    const lists = "answers given givenName givenChange without withoutChange";
    this.nodes = heat.nodesOf(
      root,
      `shuffle restore lock image ${lists} said own ownPart ownRange fixed fixedRange likeness`,
    );
    const { nodes } = this;
    nodes.shuffle.onclick = () => this.turn((this.order % (this.view.orders.length - 1)) + 1);
    nodes.restore.onclick = () => this.turn(0);
    for (const canvas of [nodes.own, nodes.fixed]) {
      canvas.onpointermove = (event) => this.point(heat.patchUnder(canvas, event, this.view.grid));
      canvas.onclick = canvas.onpointermove;
      canvas.onkeydown = (event) => {
        const place = heat.patchAfter(this.place, event.key, this.view.grid);
        if (place !== null) event.preventDefault();
        this.point(place);
      };
    }
  }

  show(view) {
    const isNew = this.view?.key !== view.key;
    this.view = view;
    if (isNew) this.begin();
    this.draw();
    this.drawMaps();
  }

  /** Another model or image. */
  begin() {
    const { view, nodes } = this;
    this.photo = heat.loadImage(view.photo, () => this.draw());
    this.directions = { own: view.own && floats(view.own), fixed: floats(view.fixed) };
    Object.assign(this, { order: 0, before: 0, flown: 1, place: heat.middleOf(view.grid) });
    nodes.ownPart.hidden = !view.own;
  }

  /** Let the tokens fly into another order. */
  turn(order) {
    Object.assign(this, { before: this.order, order });
    this.tell();
    animate(900, (share) => {
      this.flown = share * share * (3 - 2 * share);
      this.drawTokens();
    });
  }

  draw() {
    this.drawTokens();
    this.tell();
  }

  drawTokens() {
    const { view, nodes, flown } = this;
    const pen = nodes.image.getContext("2d");
    pen.clearRect(0, 0, nodes.image.width, nodes.image.height);
    if (!this.photo.complete || !this.photo.naturalWidth) return;
    pen.imageSmoothingEnabled = false;
    const [step, cut] = [nodes.image.width / view.grid, this.photo.naturalWidth / view.grid];
    const at = (place) => [(place % view.grid) * step, Math.floor(place / view.grid) * step];
    const [old, now] = [this.before, this.order].map((order) => placesOf(view.orders[order]));
    now.forEach((place, patch) => {
      const [from, to] = [at(old[patch]), at(place)];
      const [x, y] = from.map((value, part) => value + (to[part] - value) * flown);
      const [row, column] = [Math.floor(patch / view.grid), patch % view.grid];
      pen.drawImage(this.photo, column * cut, row * cut, cut, cut, x + 1, y + 1, step - 2, step - 2);
    });
    const state = this.order ? `in shuffled order ${this.order}` : "in their own order";
    nodes.image.ariaLabel = `The image's ${view.grid ** 2} patches, standing for their tokens, ${state}`;
  }

  tell() {
    const { view, nodes, order } = this;
    nodes.restore.disabled = order === 0;
    nodes.lock.textContent = view.answered ? "" : "Answer the question to see the answers without positions.";
    nodes.givenName.textContent = view.hasPositions ? "With positions" : "This model has no positions";
    this.list(nodes.given, nodes.givenChange, view.hasPositions ? view.given : null);
    this.list(nodes.without, nodes.withoutChange, view.answered ? view.without : null);
    nodes.said.textContent = this.describe();
  }

  list(list, change, answers) {
    const { order, view } = this;
    list.replaceChildren(
      ...(answers ? topOf(answers[order]) : []).map((place) => row(view.classes[place], answers[order][place])),
    );
    change.textContent = answers && order ? `Largest change of a class: ${points(this.most(answers))}.` : "";
  }

  /** The largest difference of a probability from the one in the tokens' own order. */
  most(answers) {
    return Math.max(...answers[this.order].map((value, place) => Math.abs(value - answers[0][place])));
  }

  describe() {
    const { view, order } = this;
    if (order === 0) return "The tokens are in their own order.";
    const best = (answers, which) => view.classes[topOf(answers[which])[0]];
    const [was, now] = [best(view.given, 0), best(view.given, order)];
    const given = was === now ? `still answers ${now}` : `answers ${now} instead of ${was}`;
    const told = view.hasPositions ? ` With positions the model ${given}.` : "";
    const without = view.answered
      ? ` Without them it answers ${best(view.without, order)}, as in their own order.`
      : "";
    return `The tokens are in shuffled order ${order} of ${view.orders.length - 1}.${told}${without}`;
  }

  point(place) {
    if (place === null || place === this.place) return;
    this.place = place;
    this.drawMaps();
  }

  /** Cosine similarity of the chosen place to all. @param {Float32Array} directions of length 1 */
  similarity(directions) {
    const count = this.view.grid ** 2;
    const width = directions.length / count;
    const own = directions.subarray(this.place * width, (this.place + 1) * width);
    return Array.from({ length: count }, (_, other) =>
      own.reduce((sum, value, part) => sum + value * directions[other * width + part], 0),
    );
  }

  drawMaps() {
    const { view, nodes, place } = this;
    const name = heat.patchName(place, view.grid);
    const told = [];
    for (const [which, words] of [
      ["own", "this model"],
      ["fixed", "sine-cosine"],
    ]) {
      if (!this.directions[which]) continue;
      const values = this.similarity(this.directions[which]);
      const low = Math.min(MOST_LOW, ...values);
      heat.drawHeatmap(nodes[which], null, values, { low, high: 1, rest: low }, LOOK);
      nodes[`${which}Range`].textContent = `dark: ${low.toFixed(2)}, bright: 1.00`;
      heat.drawFrame(nodes[which], view.grid, place, "#19b5a5");
      told.push(`${words}: ${this.nearest(values)}`);
      nodes[which].ariaLabel = `Similarity to ${name} in ${words}. Arrow keys choose another place.`;
    }
    nodes.likeness.textContent = `Most like ${name}, in ${told.join("; in ")}.`;
  }

  nearest(values) {
    const others = [...values.keys()].filter((place) => place !== this.place);
    if (!others.length) return "there is no other place";
    const best = others.reduce((found, place) => (values[place] > values[found] ? place : found));
    return `${heat.patchName(best, this.view.grid)} (${values[best].toFixed(2)})`;
  }
}

/** At which place each patch is. @param {number[]} order */
function placesOf(order) {
  const places = [];
  order.forEach((patch, place) => {
    places[patch] = place;
  });
  return places;
}

/** The likeliest classes, likeliest first. @param {number[]} shares */
const topOf = (shares) => [...shares.keys()].sort((one, other) => shares[other] - shares[one]).slice(0, TOP);

/** A difference of probabilities in words. @param {number} share */
const points = (share) =>
  share < ROUNDING
    ? `${(100 * share).toExponential(0)} percentage points, which is rounding`
    : `${(100 * share).toPrecision(3)} percentage points`;

/** A class with its probability as a number and as a bar. @param {string} name @param {number} share */
function row(name, share) {
  const bar = heat.make("span", { className: "bar", ariaHidden: "true" }, heat.make("i"));
  bar.firstChild.style.width = `${100 * share}%`;
  const number = heat.make("code", {}, `${(100 * share).toFixed(DIGITS)} %`);
  return heat.make("li", {}, heat.make("div", {}, heat.make("span", { title: name }, name), number), bar);
}

export default heat.mounted(Position);
