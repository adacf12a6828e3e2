// Charts of figures that also stand in a table: bars, lines, a pie, a map of hours. What to draw is in `data-chart`:
// {"kind": "bar"|"line"|"pie"|"heat", "labels": […], "series": [{"name": …, "values": […]}], "unit": "…", "stacked": true}.
// A heat map has one series a row. The library is fetched when the first chart is seen.
import { alive, mount } from "./mount.js";

const COLOURS = ["#1f6f8b", "#e08e2b", "#4c9f70", "#b5475b", "#6a5aa8", "#8a8f98", "#2fa4b5", "#c9b037"];
const TEXT = { color: "#475569", fontSize: 12 };
const FEW = 12;
const ALL_THAT_FIT = { interval: 0, hideOverlap: true };
const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });

const shown = (unit) => (value) => (typeof value === "number" ? number.format(value) + (unit ? ` ${unit}` : "") : "–");

function pie({ labels, series, unit }) {
  const data = labels.map((name, at) => ({ name, value: series[0].values[at] }));
  return {
    tooltip: { trigger: "item", valueFormatter: shown(unit) },
    legend: { type: "plain", orient: "vertical", left: "60%", top: "middle", textStyle: TEXT },
    series: [{ type: "pie", radius: ["45%", "75%"], center: ["35%", "50%"], label: { show: false }, data }],
  };
}

function heat({ labels, series, unit }) {
  const data = series.flatMap((row, y) => row.values.map((value, x) => [x, y, value ?? "-"]));
  const most = Math.max(1, ...series.flatMap((row) => row.values.filter(Number.isFinite)));
  return {
    tooltip: { valueFormatter: shown(unit) },
    grid: { left: 8, right: 8, top: 8, bottom: 44, containLabel: true },
    xAxis: { type: "category", data: labels, axisLabel: TEXT },
    yAxis: { type: "category", data: series.map((row) => row.name), axisLabel: TEXT, inverse: true },
    visualMap: { min: 0, max: most, orient: "horizontal", left: "center", bottom: 0, inRange: { color: ["#eef5f8", "#1f6f8b"] } },
    series: [{ type: "heatmap", data }],
  };
}

function lines({ kind, labels, series, unit, stacked }) {
  const whole = series.every((row) => row.values.every((value) => value === null || Number.isInteger(value)));
  return {
    tooltip: { trigger: "axis", valueFormatter: shown(unit), axisPointer: { type: kind === "bar" ? "shadow" : "line" } },
    legend: series.length > 1 ? { top: 0, textStyle: TEXT } : undefined,
    grid: { left: 8, right: 16, top: series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: labels, axisLabel: { ...TEXT, ...(labels.length > FEW ? {} : ALL_THAT_FIT) }, axisTick: { alignWithLabel: true } },
    yAxis: { type: "value", minInterval: whole ? 1 : 0, axisLabel: { ...TEXT, formatter: shown("") }, name: unit, nameTextStyle: TEXT },
    series: series.map(({ name, values }) => ({
      type: kind, name, data: values, stack: stacked ? "all" : undefined, barMaxWidth: 36, showSymbol: labels.length < 40,
    })),
  };
}

async function draw(element) {
  const { init } = await import("../vendor/echarts.js");
  const wanted = JSON.parse(element.dataset.chart);
  const chart = init(element, null, { renderer: "svg" });
  const make = { pie, heat }[wanted.kind] ?? lines;
  chart.setOption({ color: COLOURS, animation: false, aria: { enabled: true }, textStyle: { fontFamily: getComputedStyle(element).fontFamily }, ...make(wanted) });
  element.dataset.drawn = "true";
  const size = new ResizeObserver(() => (alive(element) ? chart.resize() : (chart.dispose(), size.disconnect())));
  size.observe(element);
}

mount("[data-chart]", (element) => {
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    draw(element);
  });
  seen.observe(element);
});
