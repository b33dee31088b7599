// The large picture: what the model saw, or the whole picture around it, under the map of one token.

const GRID_STRENGTH = 0.35;

function loadImage(source, redraw) {
  const image = new Image();
  image.onload = redraw;
  image.src = source;
  return image;
}

// Where the square that the model sees lies on the canvas, in its pixels.
function squareOf(view, state, canvas) {
  if (!state.original || !view.originalImage.complete) return { x: 0, y: 0, side: canvas.width };
  const { naturalWidth: width, naturalHeight: height } = view.originalImage;
  const factor = canvas.width / Math.max(width, height);
  const [left, top, right] = view.box;
  const x = (canvas.width - width * factor) / 2 + left * factor;
  const y = (canvas.height - height * factor) / 2 + top * factor;
  return { x, y, side: (right - left) * factor, factor };
}

function drawPicture(view, state, canvas, map, scale) {
  const pen = canvas.getContext("2d"), square = squareOf(view, state, canvas);
  pen.globalAlpha = 1;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = state.original;
  const place = () => placeImage(pen, view, state, canvas, square);
  place();
  pen.save();
  pen.beginPath();
  pen.rect(square.x, square.y, square.side, square.side);
  pen.clip();
  pen.globalAlpha = state.opacity / 100;
  pen.filter = "grayscale(1)"; // so that a colour seen is a colour of the scale
  place();
  pen.filter = "none";
  pen.imageSmoothingEnabled = state.smooth;
  pen.drawImage(heatOf(view, state, map, scale), square.x, square.y, square.side, square.side);
  pen.restore();
  drawMarks(pen, view, state, square);
}

function placeImage(pen, view, state, canvas, square) {
  const image = state.original ? view.originalImage : view.seenImage;
  if (!image.complete || !image.naturalWidth) return;
  if (!state.original) return pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const width = image.naturalWidth * square.factor, height = image.naturalHeight * square.factor;
  pen.drawImage(image, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}

function heatOf(view, state, map, scale) {
  view.heat ??= Object.assign(document.createElement("canvas"), { width: view.grid, height: view.grid });
  const pen = view.heat.getContext("2d");
  pen.putImageData(colored(pen.createImageData(view.grid, view.grid), view, state, map, scale), 0, 0);
  return view.heat;
}

function drawMarks(pen, view, state, square) {
  const step = square.side / view.grid;
  pen.globalAlpha = GRID_STRENGTH;
  pen.fillStyle = "#fff";
  for (let line = 1; state.lines && line < view.grid; line++) {
    pen.fillRect(Math.round(square.x + line * step), square.y, 1, square.side);
    pen.fillRect(square.x, Math.round(square.y + line * step), square.side, 1);
  }
  pen.globalAlpha = 1;
  if (state.pointed !== null && state.pinned) frame(pen, view, square, state.pointed, 2, ["#000", "#fff"]);
  const query = queryOf(state);
  if (query !== MEAN && query >= view.first) frame(pen, view, square, query - view.first, 4, ["#000", "#ff7a1a"]);
}

// A patch's border, light within dark, so that it shows on any colour.
function frame(pen, view, square, patch, width, [outer, inner]) {
  const step = square.side / view.grid;
  const x = square.x + (patch % view.grid) * step, y = square.y + Math.floor(patch / view.grid) * step;
  for (const [inset, color] of [[0, outer], [1.5, inner]]) {
    pen.strokeStyle = color;
    pen.lineWidth = inset ? width - 1 : width + 1;
    pen.strokeRect(x + width / 2 + inset / 2, y + width / 2 + inset / 2, step - width - inset, step - width - inset);
  }
}

// The patch under the pointer, or null.
function patchAt(view, state, canvas, event) {
  const bounds = canvas.getBoundingClientRect(), square = squareOf(view, state, canvas);
  const onCanvas = (client, start, length) => ((client - start) / length) * canvas.width;
  const x = onCanvas(event.clientX, bounds.left, bounds.width), y = onCanvas(event.clientY, bounds.top, bounds.height);
  const column = Math.floor(((x - square.x) / square.side) * view.grid);
  const row = Math.floor(((y - square.y) / square.side) * view.grid);
  const isInside = row >= 0 && column >= 0 && row < view.grid && column < view.grid;
  return isInside ? row * view.grid + column : null;
}
