// Similarity of positions: point at a place and see which places the model takes for its neighbours.

const views = new WeakMap();

class Positions {
  constructor(root) {
    const find = (name) => root.querySelector(`.${name}`);
    this.nodes = { places: find("places"), readout: find("readout"), ramp: find("ramp"),
                   ticks: [...root.querySelectorAll(".ticks span")] };
    this.chosen = null;
    const { places } = this.nodes;
    places.onpointermove = (event) => this.point(this.at(event));
    places.onkeydown = (event) => this.press(event);
  }

  show(view) {
    if (this.view?.stamp === view.stamp) return this.draw();
    this.view = view;
    this.chosen = Math.floor(view.grid / 2) * (view.grid + 1);
    this.draw();
  }

  at(event) {
    const bounds = this.nodes.places.getBoundingClientRect(), { grid } = this.view;
    const place = (value, length) => Math.min(grid - 1, Math.max(0, Math.floor((value / length) * grid)));
    return place(event.clientY - bounds.top, bounds.height) * grid + place(event.clientX - bounds.left, bounds.width);
  }

  press(event) {
    const { grid } = this.view, step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid, ArrowUp: -grid }[event.key];
    if (!step) return;
    event.preventDefault();
    this.point(Math.min(grid ** 2 - 1, Math.max(0, this.chosen + step)));
  }

  point(place) {
    if (place === this.chosen) return;
    this.chosen = place;
    this.draw();
  }

  draw() {
    const { view, nodes, chosen } = this, row = view.similarity[chosen], { places } = nodes;
    const pen = places.getContext("2d"), step = places.width / view.grid;
    const small = Object.assign(document.createElement("canvas"), { width: view.grid, height: view.grid });
    const ink = small.getContext("2d");
    ink.putImageData(colored(ink.createImageData(view.grid, view.grid), view, { colors: "diverging" }, row, view.scale), 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, places.width, places.height);
    pen.strokeStyle = "#000";
    pen.lineWidth = 3;
    pen.strokeRect((chosen % view.grid) * step + 2, Math.floor(chosen / view.grid) * step + 2, step - 4, step - 4);
    this.bar();
    const nearest = row.map((value, place) => [value, place]).filter(([, place]) => place !== chosen).sort((a, b) => b[0] - a[0]);
    const words = nearest.length ? `most like ${patchName(nearest[0][1], view.grid)} (${nearest[0][0].toFixed(2)})` : "alone";
    nodes.readout.textContent = `Position ${patchName(chosen, view.grid)} is ${words}.`;
    places.ariaLabel = `${nodes.readout.textContent} Arrow keys choose another position.`;
  }

  bar() {
    const pen = this.nodes.ramp.getContext("2d"), image = pen.createImageData(256, 1);
    this.view.colors.diverging.forEach((color, place) => image.data.set([...color, 255], 4 * place));
    pen.putImageData(image, 0, 0);
    this.nodes.ramp.ariaLabel = "Colours from -1 to 1";
  }
}

export default function ({ data, parentElement }) {
  if (!views.has(parentElement)) views.set(parentElement, new Positions(parentElement));
  views.get(parentElement).show(data);
}
