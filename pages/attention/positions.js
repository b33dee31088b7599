// Similarity of positions: point at a place and see which places the model takes for its neighbors.

import * as heat from "../shared/viewer/heatmap.js";

const LOOK = { colors: heat.SIGNED, style: "colors", opacity: 1 };

class Positions {
  constructor(root) {
    this.nodes = heat.nodesOf(root, "places readout ramp");
    const { places } = this.nodes;
    places.onpointermove = (event) => this.point(heat.patchUnder(places, event, this.view.grid));
    places.onkeydown = (event) => {
      const place = heat.patchAfter(this.chosen, event.key, this.view.grid);
      if (place !== null) event.preventDefault();
      this.point(place);
    };
  }

  show(view) {
    if (this.view?.stamp !== view.stamp) this.chosen = heat.middleOf(view.grid);
    this.view = view;
    heat.drawRamp(this.nodes, view.scale, LOOK);
    this.draw();
  }

  point(place) {
    if (place === null || place === this.chosen) return;
    this.chosen = place;
    this.draw();
  }

  draw() {
    const { view, nodes, chosen } = this;
    heat.drawHeatmap(nodes.places, null, view.similarity[chosen], view.scale, LOOK);
    heat.drawFrame(nodes.places, view.grid, chosen, "#19b5a5");
    nodes.readout.textContent = `Position ${heat.patchName(chosen, view.grid)} is ${this.nearest()}.`;
    nodes.places.ariaLabel = `${nodes.readout.textContent} Arrow keys choose another position.`;
  }

  nearest() {
    const { view, chosen } = this;
    const others = [...view.similarity[chosen].entries()].filter(([place]) => place !== chosen);
    if (!others.length) return "alone";
    const [place, value] = others.reduce((best, other) => (other[1] > best[1] ? other : best));
    return `most like ${heat.patchName(place, view.grid)} (${value.toFixed(2)})`;
  }
}

export default heat.mounted(Positions);
