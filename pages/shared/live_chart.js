// A Plotly chart that stays the same node while its data grows, so that zoom and hover survive.
// Called at every change of data or theme; Plotly.react then changes only what differs.

const WIDTH = { raw: 1, train: 2.2, val: 2.2, line: 1.6, chance: 1.2 };

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

function themeOf(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const [text, lines, gray, paper] = ["text", "border", "gray", "background"].map((name) => get(`${name}-color`));
  const [train, val] = get("chart-categorical-colors").split(",");
  return { text, lines, gray, paper, font: get("font"), train, val };
}

function trace({ kind, name, x, y }, theme, percent) {
  const color = { val: theme.val, best: theme.val, chance: theme.gray }[kind] ?? theme.train;
  const hovertemplate = percent ? "%{y:.1%}" : "%{y:.4~g}";
  const base = { x, y, name, type: "scatter", hovertemplate, showlegend: kind !== "raw" };
  const star = { color: theme.paper, size: 12, symbol: "star", line: { color, width: 2 } };
  const line = { color, dash: kind === "chance" ? "dot" : "solid", width: WIDTH[kind] };
  if (kind === "best") return { ...base, mode: "markers", cliponaxis: false, marker: star };
  if (kind === "points") return { ...base, mode: "markers", opacity: 0.6, marker: { color, size: 8 } };
  if (kind === "raw") return { ...base, mode: "lines", opacity: 0.28, hoverinfo: "skip", line };
  return { ...base, mode: kind === "val" ? "lines+markers" : "lines", marker: { color, size: 6 }, line };
}

function layout(data, theme) {
  const wholeStep = Math.ceil(Math.max(1, ...data.series.flatMap(({ x }) => x)) / 12); // between at most twelve ticks
  const axis = (text) => ({
    gridcolor: theme.lines,
    linecolor: theme.lines,
    zeroline: false,
    automargin: true,
    title: { standoff: 6, font: { size: 12 }, text },
    tickfont: { size: 12 },
  });
  return {
    height: data.height,
    uirevision: data.x_title,
    hovermode: "x unified",
    dragmode: "zoom",
    margin: { l: 46, r: 14, t: data.legend ? 26 : 8, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text, size: 12 },
    hoverlabel: { bgcolor: theme.paper, bordercolor: theme.lines, font: { color: theme.text } },
    showlegend: data.legend,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
    xaxis: { ...axis(data.x_title), dtick: data.whole_steps ? wholeStep : undefined },
    yaxis: {
      ...axis(data.y_title),
      nticks: 6,
      tickformat: data.percent ? ".0%" : "",
      rangemode: data.percent ? "tozero" : "normal",
    },
  };
}

export default function ({ data, parentElement }) {
  const node = parentElement.querySelector(".vit-chart");
  const theme = themeOf(parentElement);
  node.setAttribute("aria-label", data.alt);
  node.vitDraws = (node.vitDraws ?? 0) + 1;
  const traces = data.series.map((series) => trace(series, theme, data.percent));
  loadPlotly()
    .then((plotly) => {
      if (!node.isConnected) return;
      if (!node.data) node.replaceChildren(); // the words that stood there while the library was loading
      plotly.react(node, traces, layout(data, theme), { displayModeBar: false, responsive: true });
    })
    .catch((error) => {
      node.textContent = `No chart: ${error.message}.`;
    });
  return () => window.Plotly?.purge(node);
}
