// Scrubbing: every frame is already here.

const FRAME_MS = 350;
const films = new WeakMap();

class Film {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { picture: find("picture"), ramp: find("ramp"), now: find("now"), ribbon: find("ribbon"), scrub: find("scrub"),
                   legend: find("legend"), strip: find("strip"), heads: find("heads"), play: find("play"),
                   ticks: [...root.querySelectorAll(".ticks span")] };
    this.selects = Object.fromEntries([...root.querySelectorAll("select")].map((select) => [select.name, select]));
    this.nodes.scrub.oninput = () => this.go(Number(this.nodes.scrub.value));
    this.nodes.ribbon.onpointermove = (event) => this.go(this.frameAt(event));
    this.nodes.play.onclick = () => this.play();
    for (const select of Object.values(this.selects)) select.onchange = () => this.redraw();
  }

  show(view) {
    const count = this.view?.epochs.length, isLast = this.frame === undefined || this.frame === count - 1;
    this.view = view;
    this.frame = isLast ? view.epochs.length - 1 : Math.min(this.frame, view.epochs.length - 1);
    if (this.source !== view.seen) {
      this.source = view.seen;
      this.image = Object.assign(new Image(), { onload: () => this.redraw(), src: view.seen });
    }
    this.nodes.scrub.max = view.epochs.length - 1;
    this.fill(this.selects.map, Object.keys(view.maps));
    this.fill(this.selects.statistic, Object.keys(view.statistics));
    this.fill(this.selects.other, ["nothing", ...view.epochs.map((epoch) => `epoch ${epoch.toFixed(1)}`)]);
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
    legend.replaceChildren(...this.view.classes.map((one, place) => {
      const entry = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = colorOf(legend, this.view, place);
      entry.append(mark, one.name);
      return entry;
    }));
  }

  frameAt(event) {
    const bounds = this.nodes.ribbon.getBoundingClientRect(), last = this.view.epochs.length - 1;
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
    const { view, nodes, frame, selects } = this, name = Object.keys(view.maps)[selects.map.value];
    const { frames, scale } = view.maps[name], other = selects.other.selectedIndex - 1;
    const map = other < 0 ? frames[frame] : frames[frame].map((value, p) => value - frames[other][p]);
    const shown = other < 0 ? scale : this.differenceScale(map, scale), colors = other < 0 ? "viridis" : view.diverging;
    drawSeen(nodes.picture, this.image, heatmap(view, map, shown, colors), view.grid);
    drawRamp(nodes, view, shown, colors);
    drawRibbon(nodes.ribbon, view, frame);
    this.drawStrip(frames, scale);
    const statistic = Object.keys(view.statistics)[selects.statistic.value];
    drawHeads(nodes.heads, view.statistics[statistic], frame, statistic);
    nodes.scrub.value = frame;
    this.say(name, map, other);
  }

  differenceScale(map, scale) {
    const most = Math.max(...map.map(Math.abs)) || scale.high;
    return { ...scale, low: -most, high: most, clips: false };
  }

  drawStrip(frames, scale) {
    const { strip } = this.nodes, { view } = this;
    strip.replaceChildren(...frames.map((map, place) => {
      const button = Object.assign(document.createElement("button"), { type: "button", ariaPressed: place === this.frame });
      button.ariaLabel = `epoch ${view.epochs[place].toFixed(1)}`;
      button.append(heatmap(view, map, scale, "viridis"));
      button.onclick = () => { this.go(place); strip.children[place].focus(); };
      return button;
    }));
  }

  say(name, map, other) {
    const { view, nodes, frame } = this, stats = statsOf(view, map);
    const shares = view.classes.filter((one) => one.name !== "others").map((one) => one.shares[frame]), top = shares.indexOf(Math.max(...shares));
    const accuracy = view.accuracies[frame] === null ? "" : ` · val accuracy ${(100 * view.accuracies[frame]).toFixed(1)} %`;
    const said = `${view.classes[top].name} ${(100 * shares[top]).toFixed(0)} %`;
    nodes.now.textContent = `Epoch ${view.epochs[frame].toFixed(1)}, step ${view.steps[frame].toLocaleString("en")}: ${said}${accuracy}`;
    const against = other < 0 ? "" : `, minus epoch ${view.epochs[other].toFixed(1)}`;
    const where = stats.isFlat && other < 0 ? "flat, the same everywhere" : `highest at ${patchName(stats.top, view.grid)}`;
    nodes.picture.ariaLabel = `Attention (${name})${against} at epoch ${view.epochs[frame].toFixed(1)}: ${where}`;
    nodes.ribbon.ariaLabel = `Probabilities over the epochs; at the end ${view.classes[0].name} `
      + `${(100 * view.classes[0].shares.at(-1)).toFixed(0)} %`;
  }
}

export default function ({ data, parentElement }) {
  if (!films.has(parentElement)) films.set(parentElement, new Film(parentElement));
  films.get(parentElement).show(data);
}
