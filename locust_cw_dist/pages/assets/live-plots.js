// The plots over time, redrawn when there is something new to draw.

import { endpoint, milliseconds, number, plotTime } from "./live-words.js";

const BUSY_PERCENT = 90;
// A rule far above what is measured would flatten what is measured.
const RULES_UP_TO = 3;
const PERCENTILES = ["p50", "p95", "p99"];

const has = (column) => column.some((value) => value !== null && value !== undefined);
const last = (column) => column.findLast((value) => value !== null) ?? null;
const each = (column, series) => column.map((value, at) => (series.duration_s[at] > 0 ? value / series.duration_s[at] : null));

// Rules on response times that are about just what is shown.
function rulesOf(rules, shown) {
  const scopes = shown ? [`(${endpoint(shown)})`, `(${shown.name})`] : [""];
  return rules.filter((rule) => rule.unit === "ms" && scopes.some((scope) => rule.text.startsWith(`${rule.metric}${scope} `)));
}

// Of one endpoint, spans without a request have no entry; drawn, they are what they are: none.
function withGaps(series) {
  const columns = Object.keys(series).filter((name) => Array.isArray(series[name]));
  const filled = { ...series, ...Object.fromEntries(columns.map((name) => [name, []])) };
  series.start_s.forEach((start_s, at) => {
    const end_s = at ? series.start_s[at - 1] + series.duration_s[at - 1] : start_s;
    if (start_s - end_s > 0.5) {
      const none = { start_s: end_s, duration_s: start_s - end_s, requests: 0, failures: 0 };
      for (const name of columns) filled[name].push(none[name] ?? null);
    }
    for (const name of columns) filled[name].push(series[name][at]);
  });
  return filled;
}

export class Plots {
  constructor(logarithmic) {
    this.logarithmic = logarithmic;
    this.drawn = "";
    this.series = null;
    this.run = null;
    this.rules = [];
    const redraw = () => this.draw(true);
    for (const one of [logarithmic, plotStyle.dark, plotStyle.narrow]) one.addEventListener("change", redraw);
    addEventListener("load", redraw);
  }

  // `shown` is the endpoint that was asked for, null for all together.
  update(state, shown) {
    this.series = withGaps(state.series);
    // Users and CPU are the run's, whatever endpoint is shown.
    if (!shown || has(state.series.users)) this.run = this.series;
    this.rules = rulesOf(state.rules, shown);
    this.draw(false);
  }

  draw(isForced) {
    if (!this.series || typeof Plotly === "undefined") return;
    const about = JSON.stringify([this.series, this.run === this.series ? 0 : this.run?.start_s, this.rules.map((rule) => rule.text)]);
    if (about === this.drawn && !isForced) return;
    this.drawn = about;
    this.show("throughput-plot", this.throughput(this.series), "requests a second", (series) => number(last(each(series.requests, series))));
    this.show("percentiles-plot", this.percentiles(this.series), "p95", (series) => milliseconds(last(series.p95_ms)));
    this.show("load-users-plot", this.run ? this.users(this.run) : null, "users", () => number(last(this.run.users)));
    this.show("cpu-plot", this.run ? this.cpu(this.run) : null, "CPU of the workers", () => `${number(last(this.run.worker_cpu_percent))} %`);
    document.body.dataset.drawn = this.series.name ?? "all";
  }

  show(id, plot, what, newest) {
    const place = document.getElementById(id);
    const isEmpty = !plot;
    if (isEmpty && place.classList.contains("js-plotly-plot")) Plotly.purge(place);
    place.classList.toggle("empty", isEmpty);
    if (isEmpty) {
      place.textContent = this.run || this.series.name === null ? "no data yet" : "counted for all endpoints together";
      return;
    }
    if (!place.classList.contains("js-plotly-plot")) place.textContent = "";
    plotStyle.draw(place, ...plot);
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${what} over time, now ${newest(this.series)}`);
  }

  layout(more = {}) {
    // What a reader has zoomed into stays when numbers come.
    return plotStyle.layout({ type: "date", nticks: plotStyle.narrow.matches ? 4 : 7 }, { uirevision: `${this.series.name}${this.series.method}`, ...more });
  }

  line(series, y, name, ink, more = {}) {
    const { line: style, ...rest } = more;
    const isAlone = y.filter((value) => value !== null).length < 2;
    return { type: "scatter", mode: isAlone ? "markers" : "lines", x: series.start_s.map(plotTime), y, name, line: { color: ink, width: 1.8, ...style }, connectgaps: false, ...rest };
  }

  level(series, limit, name, ink) {
    const x = [plotTime(series.start_s[0]), plotTime(series.start_s.at(-1) + series.duration_s.at(-1))];
    return { type: "scatter", mode: "lines", x, y: [limit, limit], name, line: { color: ink, width: 1.5, dash: "dash" }, hoverinfo: "skip" };
  }

  throughput(series) {
    if (!has(series.requests)) return null;
    const { colour, series: ink } = plotStyle;
    const failures = each(series.failures, series);
    const traces = [this.line(series, each(series.requests, series), "requests/s", ink(0), { fill: "tozeroy", fillcolor: `${ink(0)}22`, hovertemplate: "%{y:,.3~g}/s" })];
    if (failures.some((value) => value > 0)) traces.push(this.line(series, failures, "failures/s", colour("bad"), { hovertemplate: "%{y:,.3~g}/s", line: { dash: "dot" } }));
    return [traces, this.layout()];
  }

  percentiles(series) {
    if (!has(series.p50_ms)) return null;
    const { colour, series: ink, text } = plotStyle;
    const traces = PERCENTILES.map((name, k) => this.line(series, series[`${name}_ms`], name, ink(k), { hovertemplate: "%{y:,.4~g} ms" }));
    const highest = Math.max(...series.p99_ms.map((value) => value ?? 0));
    for (const rule of this.rules) {
      if (!this.logarithmic.checked && rule.limit > RULES_UP_TO * highest) continue;
      traces.push(this.level(series, rule.limit, text(rule.text), colour(rule.state === "broken" ? "bad" : "muted")));
    }
    const scale = this.logarithmic.checked ? plotStyle.logAxis(traces.flatMap((trace) => trace.y)) : { ticksuffix: " ms" };
    return [traces, this.layout({ yaxis: scale, margin: { l: 56, r: 12, t: 8, b: 36 } })];
  }

  users(series) {
    if (!has(series.users)) return null;
    const { series: ink } = plotStyle;
    const traces = [this.line(series, series.users, "users", ink(0), { line: { shape: "hv" } })];
    if (has(series.workers)) traces.push(this.line(series, series.workers, "workers", ink(3), { yaxis: "y2", line: { shape: "hv", dash: "dot" } }));
    return [traces, this.layout(has(series.workers) ? { yaxis2: { title: { text: "workers", font: { size: 11 } }, ...(Math.max(...series.workers) < 5 ? { dtick: 1, tickmode: "linear" } : {}) }, margin: { l: 44, r: 44, t: 8, b: 36 } } : {})];
  }

  cpu(series) {
    if (!has(series.worker_cpu_percent)) return null;
    const { colour, series: ink } = plotStyle;
    const traces = [this.line(series, series.worker_cpu_percent, "mean of the workers", ink(0), { hovertemplate: "%{y:.1f} %" })];
    traces.push(this.level(series, BUSY_PERCENT, `${BUSY_PERCENT} %: too busy to measure well`, colour("bad")));
    return [traces, this.layout({ yaxis: { range: [0, 105], ticksuffix: " %" } })];
  }
}
