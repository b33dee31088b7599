// Training in slow motion: the four parts of one step, and a slider through all steps.

import * as heat from "../shared/viewer/heatmap.js";

const PHASES = ["Predict", "Loss", "Gradient", "Update"];
const MILLISECONDS = 450; // for one part of a step
const LAST = PHASES.length - 1;
const MARGIN = 6; // of a curve, in its own units

class Training {
  constructor(root) {
    const names = "play slider count phases tiles right loss losses guess norm norms rate rates moved then readout";
    this.nodes = heat.nodesOf(root, names);
    this.nodes.panels = [...root.querySelectorAll(".panel")];
    Object.assign(this, { step: 0, phase: LAST, timer: 0 });
    const { play, slider, phases } = this.nodes;
    play.onclick = () => this.toggle();
    slider.oninput = () => this.choose({ step: Number(slider.value), phase: LAST });
    const makePhase = (name, phase) => {
      const onclick = () => this.choose({ phase });
      return heat.make("button", { type: "button", textContent: `${phase + 1} ${name}`, onclick });
    };
    phases.replaceChildren(...PHASES.map(makePhase));
  }

  show(view) {
    const isNew = this.view?.sprite !== view.sprite;
    this.view = view;
    this.nodes.slider.max = view.steps.length - 1;
    if (isNew) this.sprite = heat.loadImage(view.sprite, () => this.draw());
    this.draw();
  }

  toggle() {
    if (this.timer) return this.stop();
    const isOver = this.step === this.view.steps.length - 1 && this.phase === LAST;
    this.go(isOver || (this.step === 0 && this.phase === LAST) ? { step: 0, phase: 0 } : {});
    this.nodes.play.textContent = "Pause";
    this.nodes.readout.ariaLive = "off"; // it would talk without end
    this.timer = setInterval(() => this.next(), MILLISECONDS);
  }

  next() {
    if (this.phase < LAST) return this.go({ phase: this.phase + 1 });
    if (this.step === this.view.steps.length - 1 || !this.nodes.play.isConnected) return this.stop();
    this.go({ step: this.step + 1, phase: 0 });
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.nodes.play.textContent = "Play";
    this.nodes.readout.ariaLive = "polite";
  }

  /** What a person chooses ends the playing. */
  choose(changes) {
    this.stop();
    this.go(changes);
  }

  go(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  draw() {
    const { nodes, view, step, phase } = this;
    const now = view.steps[step];
    nodes.slider.value = step;
    nodes.count.textContent = `Step ${step + 1} of ${view.steps.length}`;
    for (const [place, panel] of nodes.panels.entries()) {
      panel.classList.toggle("now", place === phase);
      panel.classList.toggle("later", place > phase);
    }
    for (const [place, button] of [...nodes.phases.children].entries()) button.ariaPressed = String(place === phase);
    this.drawBatch(now);
    this.drawLoss(now);
    this.drawGradient(now);
    this.drawUpdate(now);
    nodes.readout.textContent = this.describe(now);
  }

  drawBatch(now) {
    const { view, nodes, step } = this;
    const right = now.before.filter((shares, image) => largest(shares) === now.labels[image]).length;
    nodes.right.textContent = `${right} of ${now.labels.length} right`;
    if (nodes.tiles.children.length !== now.labels.length) nodes.tiles.replaceChildren(...now.labels.map(makeTile));
    for (const [image, tile] of [...nodes.tiles.children].entries()) {
      const [canvas, name, share, bar] = tile.children;
      const pen = canvas.getContext("2d");
      pen.imageSmoothingEnabled = false;
      if (this.sprite.complete)
        pen.drawImage(
          this.sprite,
          image * view.side,
          step * view.side,
          view.side,
          view.side,
          0,
          0,
          canvas.width,
          canvas.width,
        );
      const [label, guess] = [now.labels[image], largest(now.before[image])];
      name.firstChild.textContent = view.classes[label];
      name.lastChild.textContent = guess === label ? "✓" : `✗ ${view.classes[guess]}`;
      const [before, after] = [now.before[image][label], this.after(now)?.[image][label]];
      share.textContent = percent(before) + (after === undefined ? "" : ` → ${percent(after)}`);
      bar.firstChild.style.width = `${100 * before}%`;
      bar.lastChild.style.width = `${100 * (after ?? before)}%`;
    }
  }

  /** What the batch gets after the step, once that may be shown. */
  after(now) {
    return this.phase === LAST ? now.after : undefined;
  }

  drawLoss(now) {
    const { view, nodes, step } = this;
    const losses = view.steps.map(({ loss }) => loss);
    const high = Math.max(...losses, view.chance);
    const y = drawCurve(nodes.losses, losses, high, step);
    const line = nodes.losses.querySelector("line");
    for (const end of ["y1", "y2"]) line.setAttribute(end, y(view.chance));
    nodes.loss.textContent = now.loss.toFixed(3);
    nodes.guess.textContent = `Dashed: ${view.chance.toFixed(2)}, what guessing gives`;
  }

  drawGradient(now) {
    const { view, nodes } = this;
    const isClipped = view.clip > 0 && now.norm > view.clip;
    nodes.norm.textContent = `${short(now.norm)}${isClipped ? ` → ${short(view.clip)}` : ""}`;
    const most = Math.max(...view.steps.flatMap(({ norms }) => norms));
    const rows = now.norms.flatMap((norm, part) => {
      const bar = heat.make("b");
      bar.style.width = `${100 * Math.sqrt(norm / most)}%`;
      return [heat.make("span", {}, view.parts[part]), heat.make("i", {}, bar), heat.make("span", {}, short(norm))];
    });
    nodes.norms.replaceChildren(...rows);
  }

  drawUpdate(now) {
    const { view, nodes, step } = this;
    const rates = view.steps.map(({ lr }) => lr);
    drawCurve(nodes.rates, rates, Math.max(...rates), step);
    nodes.rate.textContent = `lr ${now.lr.toPrecision(3)}`;
    const moves = now.moved.map((share, part) => `${view.parts[part]} ${(100 * share).toPrecision(2)}%`);
    nodes.moved.textContent = `Weights move by ${moves.join(", ")} of their length`;
    nodes.then.textContent =
      now.lossAfter === null ? "" : `This batch: ${now.loss.toFixed(3)} → ${now.lossAfter.toFixed(3)}`;
  }

  describe(now) {
    const { view, step, phase } = this;
    const epoch = Math.floor(step / view.stepsPerEpoch) + 1;
    const start = `Step ${step + 1}. `;
    if (phase === 0) {
      const count = now.labels.length;
      return `${start}The model gets ${count} images, for the ${ordinal(epoch)} time, as augmentation has shifted and mirrored them. For each it gives ${view.classes.length} probabilities; the bar is that of the true class.`;
    }
    if (phase === 1)
      return `${start}The loss is the mean of −ln p over the batch, where p is the probability of the true class: ${now.loss.toFixed(3)}.`;
    if (phase === 2) {
      const clipped =
        now.norm > view.clip
          ? `longer than ${view.clip}, so it is scaled down to that`
          : `not longer than ${view.clip}, so it stays`;
      return `${start}The gradient says for each weight how the loss grows with it. Its length is ${short(now.norm)}, ${clipped}.`;
    }
    const way =
      step < view.warmup
        ? "The learning rate still rises: this is the warm-up."
        : "The learning rate falls from here to the end.";
    const effect =
      now.lossAfter === null
        ? "Answer the question to see what the same batch gets after the step."
        : `For the same batch the loss is now ${now.lossAfter.toFixed(3)}.`;
    return `${start}All weights move a little against the gradient. ${way} ${effect}`;
  }
}

function makeTile() {
  const name = heat.make("div", { className: "name" }, heat.make("span"), heat.make("em"));
  const bar = heat.make("i", {}, heat.make("b"), heat.make("u"));
  return heat.make(
    "div",
    { className: "tile" },
    heat.make("canvas", { width: 128, height: 128 }),
    name,
    heat.make("div", { className: "share" }),
    bar,
  );
}

/** A curve in its box, with a dot at one place; returns what turns a value into a height.
 * @param {SVGElement} node @param {number[]} values @param {number} high @param {number} place */
function drawCurve(node, values, high, place) {
  const { width, height } = node.viewBox.baseVal;
  const x = (at) => MARGIN + (at * (width - 2 * MARGIN)) / (values.length - 1);
  const y = (value) => height - MARGIN - (value / high) * (height - 2 * MARGIN);
  node.querySelector("polyline").setAttribute("points", values.map((value, at) => `${x(at)},${y(value)}`).join(" "));
  const dot = node.querySelector("circle");
  dot.setAttribute("cx", x(place));
  dot.setAttribute("cy", y(values[place]));
  return y;
}

const largest = (shares) => shares.indexOf(Math.max(...shares));
const percent = (share) => `${Math.round(100 * share)}%`;
const short = (value) => String(Number(value.toPrecision(3)));
const ordinal = (count) => `${count}${{ 1: "st", 2: "nd", 3: "rd" }[count] ?? "th"}`;

export default heat.mounted(Training);
