// The film of a run: every frame is already here, so scrubbing asks the server nothing.

import * as heat from "../shared/viewer/heatmap.js";
import { colorOf, drawHeads, drawRibbon } from "./film_draw.js";

const FRAME_MS = 350;
const epochName = (epoch) => `epoch ${epoch.toFixed(1)}`;

/** The scale of a difference of two maps. @param {number[]} map @param {heat.Scale} scale of the maps themselves */
function differenceScale(map, scale) {
  const most = Math.max(...map.map(Math.abs)) || scale.high;
  return { ...scale, low: -most, high: most, clips: false, rest: 0 };
}

class Film {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "image ramp now ribbon scrub legend strip heads play signs low high");
    this.nodes.epochs = [...root.querySelectorAll(".epochs span")];
    this.selects = Object.fromEntries([...root.querySelectorAll("select")].map((select) => [select.name, select]));
    this.nodes.scrub.oninput = () => this.go(Number(this.nodes.scrub.value));
    this.nodes.ribbon.onpointermove = (event) => this.go(this.frameAt(event));
    this.nodes.play.onclick = () => this.play();
    for (const select of Object.values(this.selects)) select.onchange = () => this.redraw();
  }

  show(view) {
    const isLast = this.frame === undefined || this.frame === this.view.epochs.length - 1;
    const last = view.epochs.length - 1;
    this.frame = isLast ? last : Math.min(this.frame, last);
    if (this.view?.photo !== view.photo) this.image = heat.loadImage(view.photo, () => this.redraw());
    this.view = view;
    this.nodes.scrub.max = last;
    this.nodes.epochs[0].textContent = view.epochs[0].toFixed(1);
    this.nodes.epochs[2].textContent = view.epochs[last].toFixed(1);
    this.fill(this.selects.map, Object.keys(view.maps));
    this.fill(this.selects.statistic, Object.keys(view.statistics));
    this.fill(this.selects.other, ["nothing", ...view.epochs.map(epochName)]);
    this.makeLegend();
    this.redraw();
  }

  fill(select, texts) {
    const chosen = Math.max(0, select.selectedIndex);
    select.replaceChildren(...texts.map((text, place) => new Option(text, place)));
    select.selectedIndex = Math.min(chosen, texts.length - 1);
  }

  makeLegend() {
    const { legend } = this.nodes;
    const entries = this.view.classes.map(({ name }, place) => {
      const mark = heat.make("i");
      mark.style.background = colorOf(legend, this.view, place);
      return heat.make("span", {}, mark, name);
    });
    legend.replaceChildren(...entries);
  }

  frameAt(event) {
    const bounds = this.nodes.ribbon.getBoundingClientRect();
    const last = this.view.epochs.length - 1;
    return Math.min(last, Math.max(0, Math.round(((event.clientX - bounds.left) / bounds.width) * last)));
  }

  go(frame) {
    if (frame === this.frame) return;
    this.frame = frame;
    this.redraw();
  }

  play() {
    clearInterval(this.timer);
    this.go(0);
    this.timer = setInterval(() => {
      if (this.frame >= this.view.epochs.length - 1 || !this.nodes.play.isConnected) clearInterval(this.timer);
      else this.go(this.frame + 1);
    }, FRAME_MS);
  }

  redraw() {
    const { view, nodes, frame, selects } = this;
    const name = Object.keys(view.maps)[selects.map.value];
    const frames = view.maps[name];
    const other = selects.other.selectedIndex - 1;
    const isAlone = other < 0;
    const map = isAlone ? frames[frame] : frames[frame].map((value, patch) => value - frames[other][patch]);
    const scale = isAlone ? view.scale : differenceScale(map, view.scale);
    const look = { colors: isAlone ? heat.SEQUENTIAL : heat.SIGNED };
    heat.drawHeatmap(nodes.image, this.image, map, scale, look);
    heat.drawRamp(nodes, scale, look);
    nodes.signs.hidden = isAlone;
    nodes.scrub.value = frame;
    drawRibbon(nodes.ribbon, view, frame);
    this.drawStrip(frames);
    this.drawStatistic();
    this.say(name, map, other);
  }

  drawStrip(frames) {
    const { view, nodes } = this;
    const buttons = frames.map((map, place) => {
      const canvas = heat.heatOf(map, view.scale, { style: "colors", opacity: 1 });
      const ariaLabel = epochName(view.epochs[place]);
      const onclick = () => {
        this.go(place);
        nodes.strip.children[place].focus();
      };
      return heat.make("button", { type: "button", ariaPressed: place === this.frame, ariaLabel, onclick }, canvas);
    });
    nodes.strip.replaceChildren(...buttons);
  }

  drawStatistic() {
    const { view, nodes, frame } = this;
    const name = Object.keys(view.statistics)[this.selects.statistic.value];
    const range = drawHeads(nodes.heads, view.statistics[name], frame, name);
    [nodes.low.textContent, nodes.high.textContent] = range.map((value) => Number(value.toPrecision(3)));
  }

  say(name, map, other) {
    const { view, nodes, frame } = this;
    const stats = heat.statsOf(map, view.flat);
    const shares = view.classes.filter((one) => one.name !== "others").map((one) => one.shares[frame]);
    const top = shares.indexOf(Math.max(...shares));
    const accuracy = view.accuracies[frame];
    const reached = accuracy === null ? "" : ` · val accuracy ${(100 * accuracy).toFixed(1)}%`;
    const said = `${view.classes[top].name} ${(100 * shares[top]).toFixed(0)}%`;
    const step = view.steps[frame].toLocaleString("en");
    nodes.now.textContent = `Epoch ${view.epochs[frame].toFixed(1)}, step ${step}: ${said}${reached}`;
    const against = other < 0 ? "" : `, minus ${epochName(view.epochs[other])}`;
    const isFlat = stats.isFlat && other < 0;
    const where = isFlat ? "flat, the same everywhere" : `highest at ${heat.patchName(stats.top, view.grid)}`;
    nodes.image.ariaLabel = `Attention (${name})${against} at ${epochName(view.epochs[frame])}: ${where}`;
    const end = `${view.classes[0].name} ${(100 * view.classes[0].shares.at(-1)).toFixed(0)}%`;
    nodes.ribbon.ariaLabel = `Probabilities over the epochs; at the end ${end}`;
  }
}

export default heat.mounted(Film);
