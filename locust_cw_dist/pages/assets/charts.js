// Draws the plots of a page from the numbers in it; see series.py for what they are.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const compares = data.runs.length > 1;
  const chooser = document.getElementById("subject");
  const logarithmic = document.getElementById("log");
  const { narrow, dark, colour, series, text, shortened } = plotStyle;
  const DASHES = ["solid", "dot", "dash", "dashdot"];

  // Of one run the time of day; of several, the minutes since each one's start.
  const times = (run, number) =>
    compares ? run.at_s.map((at) => (at - data.runs[number].start_s) / 60) : run.at_s.map((at) => new Date(at * 1000).toISOString().slice(0, 19));

  function layout(more) {
    const minutes = { nticks: narrow.matches ? 5 : 10, title: { text: "minutes since the start", font: { size: 11 } } };
    return plotStyle.layout(compares ? minutes : { type: "date", nticks: narrow.matches ? 4 : 8 }, more);
  }

  function line(run, number, y, name, ink, more = {}) {
    const { line: style, ...rest } = more;
    return { type: "scatter", mode: y.length > 1 ? "lines" : "markers", x: times(run, number), y, name, line: { color: ink, width: 1.8, ...style }, connectgaps: false, ...rest };
  }

  const named = (what, number) => (compares ? `${what}, ${text(data.runs[number].name)}` : what);

  // Of several runs: failures for each thousand requests, by reason, side by side.
  function sharesByReason(subject) {
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const reasons = [...new Set(subject.runs.flatMap((run) => run.reasons.map((reason) => reason.reason)))];
    // Numbers and not the reasons: shortened, two may look the same.
    const places = reasons.map((_, place) => place);
    const traces = reasons.length === 0 ? [] : subject.runs.map((run, n) => {
      const found = new Map(run.reasons.map((reason) => [reason.reason, (1000 * sum(reason.rate)) / sum(run.rps)]));
      return { type: "bar", x: places, y: reasons.map((reason) => found.get(reason) || 0), name: text(data.runs[n].name), marker: { color: series(n) }, hovertemplate: "%{y:.3~g}" };
    });
    return [traces, layout({ xaxis: { type: "linear", tickvals: places, ticktext: reasons.map(shortened), title: { text: "" } }, barmode: "group" })];
  }

  const plots = {
    throughput(subject) {
      const traces = [];
      subject.runs.forEach((run, n) => {
        const area = compares ? {} : { fill: "tozeroy", fillcolor: `${series(0)}22` };
        traces.push(line(run, n, run.rps, named("requests/s", n), series(n), area));
        if (!compares && run.fps.some((rate) => rate > 0)) traces.push(line(run, n, run.fps, "failures/s", colour("bad")));
      });
      if (!compares && data.runs[0].users.some((users) => users !== null)) {
        traces.push(line(subject.runs[0], 0, data.runs[0].users, "users", colour("c7"), { yaxis: "y2", line: { dash: "dot", shape: "hv" } }));
      }
      return [traces, layout({ ...(compares ? {} : { yaxis2: { title: { text: "users", font: { size: 11 } } } }), margin: { l: 44, r: 44, t: 8, b: 36 } })];
    },

    percentiles(subject) {
      const traces = [];
      const shown = compares ? ["p50", "p95"] : ["p50", "p95", "p99"];
      subject.runs.forEach((run, n) => {
        shown.forEach((name, k) => {
          const style = compares ? { line: { dash: DASHES[1 - k] } } : {};
          traces.push(line(run, n, run[name], named(name, n), series(compares ? n : [0, 1, 2][k]), { hovertemplate: "%{y:,.4~g} ms", ...style }));
        });
      });
      const scale = logarithmic.checked ? { type: "log", rangemode: "normal", dtick: 1 } : {};
      return [traces, layout({ yaxis: scale })];
    },

    reasons(subject) {
      if (compares) return sharesByReason(subject);
      const [run] = subject.runs;
      const style = { hovertemplate: "%{y:.3~g}/s", stackgroup: "failures", line: { width: 0.8, shape: "hv" } };
      return [run.reasons.map((reason, k) => line(run, 0, reason.rate, shortened(reason.reason), series(k + 1), style)), layout({})];
    },

    distribution(subject) {
      const traces = [];
      subject.runs.forEach((run, n) => {
        const ink = compares ? series(n) : series(0);
        const style = { shape: "hvh", width: 1.5 };
        const area = compares ? {} : { fill: "tozeroy", fillcolor: `${ink}22` };
        traces.push({ type: "scatter", mode: "lines", x: run.successes.ms, y: run.successes.percent, name: named("successful", n), line: { color: ink, ...style }, ...area, hovertemplate: "%{y:.3~g} %" });
        if (run.failures.ms.length && !compares) {
          traces.push({ type: "scatter", mode: "lines", x: run.failures.ms, y: run.failures.percent, name: "failed", line: { color: colour("bad"), ...style }, hovertemplate: "%{y:.3~g} %" });
        }
      });
      const marks = compares ? [] : subject.runs[0].percentiles;
      const shapes = marks.map((at) => ({ type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: colour("muted"), width: 1, dash: "dot" } }));
      const annotations = marks.map((at, k) => ({ x: Math.log10(Math.max(at, 0.001)), y: 1, yref: "paper", text: ["p50", "p95", "p99"][k], showarrow: false, xanchor: "left", yanchor: "top", font: { size: 10, color: colour("muted") } }));
      const x = { type: "log", title: { text: "ms", font: { size: 11 } }, hoverformat: ",.4~g", ticksuffix: "", tickformat: ",~g", nticks: 8 };
      return [traces, layout({ xaxis: x, shapes, annotations })];
    },

    load(subject) {
      const traces = [];
      data.runs.forEach((run, n) => {
        const of = subject.runs[n];
        if (!run.cpu_percent.some((value) => value > 0)) return;
        traces.push(line(of, n, run.cpu_max, named("busiest worker", n), series(compares ? n : 1), { line: { dash: "dot" } }));
        traces.push(line(of, n, run.cpu_percent, named("mean", n), series(compares ? n : 0)));
      });
      return [traces, layout({ yaxis: { range: [0, 105] } })];
    },
  };

  // Changes with their intervals; what counts lies outside the band.
  function forest() {
    const place = document.getElementById("forest");
    if (!place) return;
    const shown = data.changes.slice(0, narrow.matches ? 12 : 25).reverse();
    const inks = { worse: "bad", better: "good", unclear: "muted", same: "c1" };
    const traces = Object.entries(inks).map(([state, ink]) => {
      const rows = shown.filter((change) => change.state === state);
      return {
        type: "scatter", mode: "markers", name: state, x: rows.map((row) => row.change), y: rows.map((row) => shortened(row.label)),
        error_x: { type: "data", symmetric: false, array: rows.map((row) => row.high - row.change), arrayminus: rows.map((row) => row.change - row.low), thickness: 2, width: 4 },
        marker: { color: colour(ink), size: 9 }, hovertemplate: rows.map((row) => `${text(row.label)}<br>${row.change.toFixed(1)} % (${row.low.toFixed(1)} to ${row.high.toFixed(1)})<extra></extra>`),
      };
    });
    const band = { type: "rect", x0: -data.min_change, x1: data.min_change, y0: 0, y1: 1, yref: "paper", fillcolor: colour("muted"), opacity: 0.13, line: { width: 0 }, layer: "below" };
    const zero = { type: "line", x0: 0, x1: 0, y0: 0, y1: 1, yref: "paper", line: { color: colour("muted"), width: 1 } };
    const names = { type: "category", categoryorder: "array", categoryarray: shown.map((row) => shortened(row.label)), rangemode: "normal", tickfont: { color: colour("text") } };
    const x = { type: "linear", nticks: narrow.matches ? 5 : 10, title: { text: "change, %", font: { size: 11 } }, rangemode: "normal" };
    place.style.height = `${110 + 26 * shown.length}px`;
    plotStyle.draw(place, traces, { ...layout({ xaxis: x, yaxis: names, shapes: [band, zero] }), hovermode: "closest" });
  }

  function draw() {
    forest();
    const subject = data.subjects[chooser.selectedIndex];
    for (const [name, plot] of Object.entries(plots)) {
      const place = document.getElementById(name);
      if (!place) continue;
      const [traces, frame] = plot(subject);
      const isEmpty = !traces.some((trace) => trace.x.length);
      if (isEmpty) Plotly.purge(place);
      place.classList.toggle("empty", isEmpty);
      if (isEmpty) place.textContent = name === "reasons" ? "no failures" : "no data";
      else {
        if (!place.classList.contains("js-plotly-plot")) place.textContent = "";
        plotStyle.draw(place, traces, frame);
      }
    }
    document.body.dataset.drawn = subject.label;
  }

  function sortBy(header) {
    const table = header.closest("table");
    const column = [...header.parentNode.children].indexOf(header);
    const descending = header.getAttribute("aria-sort") !== "descending" && header.classList.contains("number");
    const isUp = header.classList.contains("number") ? !descending : header.getAttribute("aria-sort") !== "ascending";
    for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.children[column];
      return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
    };
    const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
    const rows = [...table.tBodies[0].rows].sort((a, b) => (isUp ? 1 : -1) * order(key(a), key(b)));
    table.tBodies[0].append(...rows);
  }

  for (const subject of data.subjects) chooser.add(new Option(subject.label));
  chooser.addEventListener("change", draw);
  logarithmic.addEventListener("change", draw);
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  for (const header of document.querySelectorAll("table.sortable th")) header.addEventListener("click", () => sortBy(header));
  draw();
})();
