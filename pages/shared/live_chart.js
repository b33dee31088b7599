// A Plotly chart that stays the same node while its data grows, so that zoom and hover survive.
// Called at every change of data or theme; Plotly.react then changes only what differs. Margins are fixed, because Plotly
// finds its own only by drawing several times.

const WIDTH = { raw: 1, train: 2.2, val: 2.2, line: 1.6, chance: 1.2, ghost: 1.4 };
const LABELED_HEIGHT = 200; // pixels; below that, marks have no labels
const APART = 0.05; // of the width, between two labels

function loadPlotly() {
  window.vitLabPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/plotly.min.js", document.baseURI);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("the chart library could not be loaded from this server"));
    document.head.append(script);
  });
  return window.vitLabPlotly;
}

// One chart after the other, each in a task of its own: between two of them the browser answers to the visitor.
function inTurn(work) {
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  const done = (window.vitLabTurn ?? Promise.resolve()).then(turn).then(work);
  window.vitLabTurn = done.catch(() => {});
  return done;
}

function themeOf(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const [text, lines, gray, paper] = ["text", "border", "gray", "background"].map((name) => get(`${name}-color`));
  const [train, val] = get("chart-categorical-colors").split(",");
  return { text, lines, gray, paper, font: get("font"), train, val };
}

function trace({ kind, name, x, y }, theme, percent) {
  const colors = { val: theme.val, best: theme.val, ghost: theme.val, band: theme.val, chance: theme.gray };
  const color = colors[kind] ?? theme.train;
  const hovertemplate = percent ? "%{y:.1%}" : "%{y:.4~g}";
  const base = { x, y, name, type: "scatter", hovertemplate, showlegend: kind !== "raw" };
  const star = { color: theme.paper, size: 12, symbol: "star", line: { color, width: 2 } };
  const line = { color, dash: { chance: "dot", ghost: "dash" }[kind] ?? "solid", width: WIDTH[kind] };
  if (kind === "best") return { ...base, mode: "markers", cliponaxis: false, marker: star };
  if (kind === "points") return { ...base, mode: "markers", opacity: 0.6, marker: { color, size: 8 } };
  if (kind === "ghost") return { ...base, mode: "lines", opacity: 0.6, line };
  if (kind === "band") return { ...base, mode: "none", fill: "toself", fillcolor: `${color}26`, hoverinfo: "skip" };
  if (kind === "raw") return { ...base, mode: "lines", opacity: 0.28, hoverinfo: "skip", line };
  const mode = kind === "val" && y.length <= 100 ? "lines+markers" : "lines";
  return { ...base, mode, marker: { color, size: 6 }, line };
}

// What pages/shared/curves.py packs: little-endian float32, as base64.
function numbers(packed) {
  return new Float32Array(Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)).buffer);
}

function largest(series) {
  return series.reduce((found, { x }) => x.reduce((most, value) => (value > most ? value : most), found), 1);
}

// Text that Plotly shows as it is: it would follow a stranger's markup.
function literal(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

// Lines from bottom to top where something happened; a label only where it doesn't run into the one before.
function markings({ marks, height }, end, theme) {
  const where = (x) => ({ xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1 });
  const shapes = marks.map(({ x }) => ({
    type: "line",
    layer: "below",
    line: { color: theme.gray, width: 1, dash: "dash" },
    ...where(x),
  }));
  const look = { xref: "x", yref: "paper", y: 1, xanchor: "right", yanchor: "top", textangle: -90, showarrow: false };
  const annotations = [];
  for (const { x, label } of height < LABELED_HEIGHT ? [] : marks) {
    if (annotations.length && x - annotations.at(-1).x < APART * end) continue;
    annotations.push({ ...look, x, text: literal(label), font: { size: 11, color: theme.gray } });
  }
  return { shapes, annotations };
}

function layout(data, series, theme) {
  const end = largest(series);
  const axis = (text) => ({
    gridcolor: theme.lines,
    linecolor: theme.lines,
    zeroline: false,
    title: { standoff: 6, font: { size: 12 }, text },
    tickfont: { size: 12 },
  });
  return {
    height: data.height,
    uirevision: data.x_title,
    hovermode: "x unified",
    dragmode: "zoom",
    margin: { l: data.y_title ? 60 : 50, r: 14, t: data.legend ? 26 : 8, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text, size: 12 },
    hoverlabel: { bgcolor: theme.paper, bordercolor: theme.lines, font: { color: theme.text } },
    showlegend: data.legend,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
    // Between at most twelve ticks, where only whole numbers make sense.
    xaxis: { ...axis(data.x_title), dtick: data.whole_steps ? Math.ceil(end / 12) : undefined },
    yaxis: {
      ...axis(data.y_title),
      type: data.log ? "log" : "linear",
      uirevision: `${data.x_title} ${data.log}`,
      nticks: 6,
      tickformat: data.percent ? ".0%" : "",
      rangemode: data.percent ? "tozero" : "normal",
    },
    ...markings(data, end, theme),
  };
}

// A chart out of sight is drawn anew only once it comes into view; its first drawing doesn't wait for that.
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.vitInSight = isIntersecting;
    if (isIntersecting) draw(target);
  }
});

function draw(node) {
  const latest = node.vitLatest;
  loadPlotly()
    .then((plotly) => inTurn(() => node.vitLatest === latest && update(plotly, node)))
    .catch((error) => {
      node.textContent = `No chart: ${error.message}.`;
    });
}

function update(plotly, node) {
  const isSeen = node.vitInSight || !node.data;
  if (!node.isConnected || !isSeen || node.vitDrawn === node.vitLatest) return;
  if (!node.data) node.replaceChildren(); // the words that stood there while the library was loading
  node.vitDrawn = node.vitLatest;
  const { data, theme } = node.vitLatest;
  const series = data.series.map(({ x, y, ...rest }) => ({ ...rest, x: numbers(x), y: numbers(y) }));
  const traces = series.map((line) => trace(line, theme, data.percent));
  return plotly.react(node, traces, layout(data, series, theme), { displayModeBar: false, responsive: true });
}

export default function ({ data, parentElement }) {
  const node = parentElement.querySelector(".vit-chart");
  node.setAttribute("aria-label", data.alt);
  node.vitDraws = (node.vitDraws ?? 0) + 1;
  node.vitLatest = { data, theme: themeOf(parentElement) };
  sight.observe(node);
  draw(node);
  return () => {
    sight.unobserve(node);
    window.Plotly?.purge(node);
  };
}
