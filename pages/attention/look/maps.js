// From bytes to maps: which numbers belong to a layer, a head and a token.

const MEAN = "mean"; // the query that stands for the average over all patches

// float16 to float32 by table, for browsers without Float16Array
const HALF = new Float32Array(1 << 16).map((_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});

function unpack(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const halves = new Uint16Array(bytes.slice(4 + size).buffer);
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) numbers[i] = HALF[halves[i]];
  const patches = head.grid ** 2;
  const names = [...head.prefix, ...Array.from({ length: patches }, (_, p) => patchName(p, head.grid))];
  return { ...head, numbers, patches, first: head.prefix.length, names };
}

function patchName(patch, grid) {
  return `row ${Math.floor(patch / grid) + 1}, column ${(patch % grid) + 1}`;
}

// What a token takes in from each patch ("out"), or what each patch takes in from it ("in"); Float32Array(g * g).
function mapOf(view, layer, column, query, direction) {
  const { tokens, patches, first, numbers } = view;
  const base = (layer * view.columns.length + column) * tokens * tokens;
  const map = new Float32Array(patches);
  const queries = query === MEAN ? Array.from({ length: patches }, (_, p) => first + p) : [query];
  for (const token of queries) {
    for (let p = 0; p < patches; p++) {
      const at = direction === "out" ? token * tokens + first + p : (first + p) * tokens + token;
      map[p] += numbers[base + at] / queries.length;
    }
  }
  return map;
}

function statsOf(view, map) {
  let low = Infinity, high = -Infinity, sum = 0, top = 0;
  map.forEach((value, p) => {
    if (value > high) [high, top] = [value, p];
    low = Math.min(low, value);
    sum += value;
  });
  const mean = sum / map.length;
  return { low, high, sum, mean, top, isFlat: high - low <= view.flat * Math.abs(mean) };
}

// A flat map isn't stretched: it gets one middle colour.
function scaleOf(view, state, column, stats) {
  const percent = { factor: 100, unit: " %", clips: false };
  if (state.scale !== "map") return view.scales[view.columns[column] === "rollout" ? "rollout" : "heads"][state.scale];
  return stats.isFlat ? { ...percent, low: 0, high: 2 * stats.mean || 1 } : { ...percent, low: stats.low, high: stats.high };
}

const shareOf = (scale, value) => Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)));
const numberOf = (scale, value) => String(Number((value * scale.factor).toPrecision(3)));

function colored(image, view, state, map, scale) {
  const table = view.colors[state.colors];
  map.forEach((value, p) => {
    const [red, green, blue] = table[Math.round(255 * shareOf(scale, value))];
    image.data.set([red, green, blue, 255], 4 * p);
  });
  return image;
}
