// A row of images, one of which is chosen: a radio group that works with the mouse and with the arrow keys.

function choose(buttons, index, setStateValue) {
  const button = buttons[(index + buttons.length) % buttons.length];
  button.focus();
  setStateValue("chosen", button.dataset.id);
}

function makeButton(choice, selected) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = choice.id;
  button.title = choice.label;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", choice.id === selected);
  button.tabIndex = choice.id === selected || !selected ? 0 : -1;
  const image = document.createElement("img");
  image.src = choice.source;
  image.alt = choice.label;
  button.append(image);
  return button;
}

export default function ({ data, parentElement, setStateValue }) {
  const row = parentElement.querySelector(".row");
  const focused = row.contains(row.getRootNode().activeElement);
  const buttons = data.images.map((choice) => makeButton(choice, data.selected));
  row.setAttribute("aria-label", data.label);
  row.replaceChildren(...buttons);
  row.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) choose(buttons, buttons.indexOf(button), setStateValue);
  };
  row.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(buttons, buttons.indexOf(event.target.closest("button")) + step, setStateValue);
  };
  if (focused) row.querySelector("[aria-checked=true]")?.focus();
}
