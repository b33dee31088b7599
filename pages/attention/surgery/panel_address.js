// Which switches there are, and how the address keeps them: heads=0.2_1.3&patches=7_8&edit=blur.

const NOTHING_OFF = { heads: [], branches: [], how: "zero", percent: 0, patches: [], edit: "drop" };
const PAIRS = ["heads", "branches"];
const CHOICES = ["how", "edit"];

function readSwitches() {
  const given = readWords(), off = { ...NOTHING_OFF };
  const list = (name) => (given.get(name) ?? "").split("_").filter(Boolean);
  for (const name of PAIRS) off[name] = list(name).map((pair) => pair.split(".").map(Number));
  for (const name of CHOICES) off[name] = given.get(name) ?? off[name];
  off.patches = list("patches").map(Number);
  off.percent = Number(given.get("percent") ?? 0);
  return off;
}

function writeSwitches(off) {
  const words = { patches: off.patches.join("_") || null, percent: off.percent || null };
  for (const name of PAIRS) words[name] = off[name].map((pair) => pair.join(".")).join("_") || null;
  for (const name of CHOICES) words[name] = off[name] === NOTHING_OFF[name] ? null : off[name];
  writeWords(words);
}

// The switches that this model has; patches of another grid are other places.
function fitSwitches(off, data, grid) {
  const within = (index, count) => Number.isInteger(index) && index >= 0 && index < count;
  const columns = { heads: data.heads, branches: 2 }, fitted = { ...off };
  for (const name of PAIRS) fitted[name] = off[name].filter(([a, b]) => within(a, data.depth) && within(b, columns[name]));
  fitted.patches = grid === data.grid ? off.patches.filter((patch) => within(patch, grid ** 2)) : [];
  if (!(off.how in data.hows)) fitted.how = NOTHING_OFF.how;
  if (!(off.edit in data.edits)) fitted.edit = NOTHING_OFF.edit;
  if (!within(off.percent, data.most + 1)) fitted.percent = 0;
  return fitted;
}

const isUntouched = (off) => JSON.stringify(off) === JSON.stringify(NOTHING_OFF);
