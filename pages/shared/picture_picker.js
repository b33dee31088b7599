// A row of pictures, one of which is chosen: a radio group that works with the mouse and with the arrow keys.

function choose(buttons, index, setStateValue) {
  const button = buttons[(index + buttons.length) % buttons.length];
  button.focus();
  setStateValue("chosen", button.dataset.id);
}

function makeButton(picture, selected) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = picture.id;
  button.title = picture.label;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", picture.id === selected);
  button.tabIndex = picture.id === selected || !selected ? 0 : -1;
  const image = document.createElement("img");
  image.src = picture.source;
  image.alt = picture.label;
  button.append(image);
  return button;
}

export default function ({ data, parentElement, setStateValue }) {
  const row = parentElement.querySelector(".row");
  const focused = row.contains(row.getRootNode().activeElement);
  const buttons = data.pictures.map((picture) => makeButton(picture, data.selected));
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
