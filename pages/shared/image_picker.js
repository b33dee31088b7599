// A row of images, one of which is chosen: a radio group that works with the mouse and with the arrow keys.

import { make } from "./viewer/heatmap.js";

function makeButton({ id, label, source }, selected) {
  const properties = { type: "button", title: label, role: "radio", ariaChecked: id === selected };
  const button = make("button", properties, make("img", { src: source, alt: label }));
  button.tabIndex = id === selected || !selected ? 0 : -1;
  button.dataset.id = id;
  return button;
}

export default function ({ data, parentElement, setStateValue }) {
  const row = parentElement.querySelector(".row");
  const focused = row.contains(row.getRootNode().activeElement);
  const buttons = data.images.map((choice) => makeButton(choice, data.selected));
  row.setAttribute("aria-label", data.label);
  row.classList.toggle("sheet", data.isSheet);
  row.replaceChildren(...buttons);
  const choose = (index) => {
    const button = buttons.at(index % buttons.length);
    button.focus();
    setStateValue("chosen", button.dataset.id);
  };
  row.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) choose(buttons.indexOf(button));
  };
  row.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(buttons.indexOf(event.target.closest("button")) + step);
  };
  if (focused) row.querySelector("[aria-checked=true]")?.focus();
}
