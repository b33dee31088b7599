// Filters as small images, and the names of the numbers that they weigh.

/** Numbers in the order channel, row, column as a square image, in color where there are three channels.
 * @param {CanvasRenderingContext2D} pen @param {number[]} box left, top and side @param {ArrayLike<number>} values
 * @param {number} side in numbers @param {(value: number, channel: number) => number} light 0 to 255 */
export function drawTile(pen, [left, top, size], values, side, light) {
  const step = size / side;
  const channels = values.length / side ** 2;
  for (let place = 0; place < side ** 2; place++) {
    const lights = [0, 1, 2].map((color) => {
      const channel = Math.min(color, channels - 1);
      return Math.round(light(values[channel * side ** 2 + place], channel));
    });
    pen.fillStyle = `rgb(${lights.join(", ")})`;
    const [x, y] = [left + (place % side) * step, top + Math.floor(place / side) * step];
    pen.fillRect(Math.floor(x), Math.floor(y), Math.ceil(step), Math.ceil(step));
  }
}

/** What a number of a flattened patch is.
 * @param {number} place @param {{isStem: boolean, maps: number, side: number}} view */
export function nameOfNumber(place, { isStem, maps, side }) {
  const map = Math.floor(place / side ** 2);
  const color = maps === 3 ? ["red", "green", "blue"][map] : "gray";
  const [row, column] = [Math.floor(place / side) % side, place % side];
  const where = side > 1 ? `, row ${row}, column ${column}` : "";
  return (isStem ? `stem map ${map}` : color) + where;
}

/** A number with a minus sign as wide as a digit. @param {number} value @param {number} digits after the point */
export const told = (value, digits) => value.toFixed(digits).replace("-", "−");
