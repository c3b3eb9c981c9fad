// The plots of a page, from the numbers in it; series.py says what they are. Each takes what is chosen, a list of
//   { name, run, of }: a name, a run's times and gauges, and what an endpoint did in it
// and returns traces and a layout for plotly.
"use strict";
(() => {
  const { narrow, colour, series, text, shortened, milliseconds, logAxis } = plotStyle;
  const BUSY_PERCENT = 90;
  // A limit far above what is measured would flatten what is measured.
  const LIMITS_UP_TO = 3;
  const BEYOND_PERCENT = 0.1;
  const LINEAR_BINS = 60;

  function make(data) {
    const compares = data.runs.length > 1;
    const [unit, unitS] = unitOf(Math.max(...data.runs.map((run) => run.at_s.length * run.span_s)));
    const edgeMs = (bin) => data.bins.first_ms * data.bins.ratio ** (bin - 1);

    // Of one run the time of day; of several, the time since each one's start, in a unit that fits them.
    const timeAt = (run, at) => (compares ? (at - run.start_s) / unitS : new Date(at * 1000).toISOString().slice(0, 23));
    // A window is drawn at its middle: what is known of it belongs to all of it.
    const times = (run) => run.at_s.map((at) => timeAt(run, at + run.span_s / 2));
    const perSecond = (run, counts) => counts.map((count) => Number((count / run.span_s).toPrecision(3)));

    function timeAxis() {
      const ends = data.runs.flatMap((run) => (run.at_s.length ? [run.at_s[0], run.at_s.at(-1) + run.span_s].map((at) => timeAt(run, at)) : []));
      const range = compares ? { range: [Math.min(0, ...ends), Math.max(...ends)] } : { range: ends };
      if (compares) return { nticks: narrow.matches ? 5 : 9, title: { text: `${unit} since the start`, font: { size: 11 } }, ...range };
      const formats = [[[null, 1000], "%H:%M:%S.%L"], [[1000, 60_000], "%H:%M:%S"], [[60_000, 86_400_000], "%H:%M"], [[86_400_000, null], "%d %b"]];
      const tickformatstops = formats.map(([dtickrange, value]) => ({ dtickrange, value }));
      return { type: "date", nticks: narrow.matches ? 4 : 8, tickformatstops, hoverformat: "%H:%M:%S UTC", title: { text: "UTC", font: { size: 11 } }, ...range };
    }

    const overTime = (more) => plotStyle.layout(timeAxis(), { ...more, xaxis: { ...more.xaxis }, yaxis: { fixedrange: true, ...more.yaxis }, shapes: [...partial(), ...(more.shapes ?? [])] });

    // Windows that the test filled only in part.
    function partial() {
      if (compares || !data.runs[0].at_s.length) return [];
      const [run] = data.runs;
      const starts = [...(run.is_first_partial ? [run.at_s[0]] : []), ...(run.is_last_partial ? [run.at_s.at(-1)] : [])];
      return [...new Set(starts)].map((at) => ({ type: "rect", x0: timeAt(run, at), x1: timeAt(run, at + run.span_s), y0: 0, y1: 1, yref: "paper", fillcolor: colour("muted"), opacity: 0.16, line: { width: 0 }, layer: "below" }));
    }

    function line(run, y, name, ink, more = {}) {
      const { line: style, ...rest } = more;
      const isAlone = y.filter((value) => value !== null).length < 2;
      return { type: "scatter", mode: isAlone ? "markers" : "lines", marker: { size: 8 }, x: times(run), y, name, line: { color: ink, width: 1.8, ...style }, connectgaps: false, ...rest };
    }

    function level(run, limit, name, ink) {
      const x = run.at_s.length ? [timeAt(run, run.at_s[0]), timeAt(run, run.at_s.at(-1) + run.span_s)] : [];
      return { type: "scatter", mode: "lines", x, y: x.map(() => limit), name, line: { color: ink, width: 1.5, dash: "dash" }, hovertemplate: `%{y:,.4~g}<extra>${name}</extra>` };
    }

    // Limits of rules about what is chosen, where it is one.
    function limits(chosen, plot, highest) {
      if (chosen.length > 1 || compares) return [];
      const near = chosen[0].limits.filter((one) => one.plot === plot && one.limit <= LIMITS_UP_TO * highest);
      return near.map((one) => level(chosen[0].run, one.limit, shortened(one.name), colour(one.has_failed ? "bad" : "muted")));
    }

    const highestOf = (columns) => Math.max(0, ...columns.flat().filter((value) => value !== null));
    const timesAxis = (values, isLog) => (isLog ? { ...logAxis(values), fixedrange: true } : { ticksuffix: " ms", tickformat: ",~g" });

    // The rows of a heat map or a distribution: where each begins and ends, in ms.
    const edges = (first, rows, width) => Array.from({ length: rows + 1 }, (_, row) => edgeMs(Math.max(1, (first + row) * width)));

    function distributionOf({ first, width, percent }, name, ink, isLog, more) {
      const bounds = edges(first, percent.length, width);
      const trace = { type: "scatter", mode: "lines", name, line: { color: ink, shape: "hv", width: 1.5 }, hovertemplate: "%{y:.3~g} %", ...more };
      if (isLog) return { ...trace, x: bounds, y: [...percent, 0] };
      return { ...trace, ...linear(bounds, percent) };
    }

    // The same in bins of equal width in ms, without the slowest few.
    function linear(bounds, percent) {
      let last = percent.length, beyond = 0;
      while (last > 1 && beyond + percent[last - 1] <= BEYOND_PERCENT) beyond += percent[(last -= 1)];
      const step = bounds[last] / LINEAR_BINS;
      const y = Array(LINEAR_BINS + 1).fill(0);
      for (let bin = 0; bin < last; bin += 1) {
        const [from, to] = [bounds[bin], bounds[bin + 1]];
        for (let at = Math.floor(from / step); at < LINEAR_BINS && at * step < to; at += 1) {
          y[at] += percent[bin] * Math.max(0, Math.min(to, (at + 1) * step) - Math.max(from, at * step)) / (to - from);
        }
      }
      return { x: y.map((_, at) => at * step), y: y.map((value) => Number(value.toPrecision(3))) };
    }

    // Of several runs: failures for each thousand requests, by reason, side by side.
    function sharesByReason(chosen) {
      const sum = (values) => values.reduce((a, b) => a + b, 0);
      const reasons = [...new Set(chosen.flatMap(({ of }) => of.reasons.map((reason) => reason.reason)))];
      // Numbers and not the reasons: shortened, two may look the same.
      const places = reasons.map((_, place) => place);
      const traces = reasons.length === 0 ? [] : chosen.map(({ name, of }, n) => {
        const found = new Map(of.reasons.map((reason) => [reason.reason, (1000 * sum(reason.counts)) / sum(of.requests)]));
        return { type: "bar", x: places, y: reasons.map((reason) => found.get(reason) || 0), name, marker: { color: series(n) }, hovertemplate: "%{y:.3~g}" };
      });
      return [traces, plotStyle.layout({}, { xaxis: { type: "linear", tickvals: places, ticktext: reasons.map(shortened), title: { text: "" } }, barmode: "group" })];
    }

    return {
      throughput(chosen) {
        const isOne = chosen.length === 1;
        const traces = chosen.map(({ name, run, of }, n) =>
          line(run, perSecond(run, of.requests), isOne ? "requests/s" : name, series(n), { hovertemplate: "%{y:,.3~g}/s", ...(isOne ? { fill: "tozeroy", fillcolor: `${series(0)}22` } : {}) }));
        const [{ run, of }] = chosen;
        if (isOne && of.failures.some((count) => count > 0)) traces.push(line(run, perSecond(run, of.failures), "failures/s", colour("bad"), { hovertemplate: "%{y:,.3~g}/s" }));
        traces.push(...limits(chosen, "throughput", highestOf(traces.map((trace) => trace.y))));
        const hasUsers = !compares && run.users.some((users) => users !== null);
        if (hasUsers) traces.push(line(run, run.users, "users", colour("c7"), { yaxis: "y2", line: { dash: "dot", shape: "hvh" } }));
        return [traces, overTime({ ...(hasUsers ? { yaxis2: { title: { text: "users", font: { size: 11 } }, fixedrange: true } } : {}), margin: { l: 44, r: 44, t: 8, b: 36 } })];
      },

      percentiles(chosen, isLog) {
        const isOne = chosen.length === 1;
        const shown = isOne ? ["p50", "p95", "p99"] : ["p50", "p95"];
        const style = (k, n) => (isOne ? {} : { line: { dash: ["dot", "solid"][k] } });
        const traces = chosen.flatMap(({ name, run, of }, n) =>
          shown.map((percentile, k) => line(run, of[percentile], isOne ? percentile : `${percentile}, ${name}`, series(isOne ? k : n), { hovertemplate: "%{y:,.4~g} ms", ...style(k, n) })));
        traces.push(...limits(chosen, "percentiles", highestOf(traces.map((trace) => trace.y))));
        return [traces, overTime({ yaxis: timesAxis(traces.flatMap((trace) => trace.y), isLog), margin: { l: 56, r: 12, t: 8, b: 36 } })];
      },

      heat(chosen) {
        const [{ name, run, of }] = chosen;
        const { windows, columns } = of.heat;
        const known = columns.filter(([, ...numbers]) => numbers.length);
        if (!known.length) return [[], overTime({})];
        const first = Math.min(...known.map(([row]) => row)), end = Math.max(...known.map(([row, ...numbers]) => row + numbers.length));
        const y = edges(first, end - first, data.bins.heat);
        const at = columns.map((_, n) => run.at_s[n * windows]);
        const x = [...at, run.at_s.at(-1) + run.span_s].map((start) => timeAt(run, start));
        const counts = y.slice(1).map((_, row) => columns.map(([from, ...numbers]) => numbers[first + row - from] || null));
        const z = counts.map((row) => row.map((count) => (count === null ? null : Math.sqrt(count))));
        const hover = counts.map((row, n) => row.map((count) => (count === null ? "" : `${count.toLocaleString("en")} requests, ${milliseconds(y[n])} to ${milliseconds(y[n + 1])}`)));
        const trace = { type: "heatmap", name, x, y, z, text: hover, hovertemplate: "%{x|%H:%M:%S} UTC: %{text}<extra></extra>", colorscale: [[0, colour("heat-low")], [1, colour("heat-high")]], zmin: 0, showscale: false, hoverongaps: false };
        const levels = limits(chosen, "percentiles", y.at(-1));
        const frame = overTime({ yaxis: { ...logAxis([y[0], y.at(-1)]), fixedrange: true }, hovermode: "closest", margin: { l: 56, r: 12, t: 8, b: 36 } });
        return [[trace, ...levels], { ...frame, showlegend: levels.length > 0 }];
      },

      distribution(chosen, isLog) {
        const isOne = chosen.length === 1;
        const traces = chosen.filter(({ of }) => of.successes.percent.length).map(({ name, of }) => {
          const ink = series(chosen.findIndex((one) => one.of === of));
          return distributionOf(of.successes, isOne ? "successful" : name, ink, isLog, isOne ? { fill: "tozeroy", fillcolor: `${ink}22` } : {});
        });
        const [{ of }] = chosen;
        if (isOne && of.failed.percent.length) traces.push(distributionOf(of.failed, "failed", colour("bad"), isLog, {}));
        const marks = isOne ? of.percentiles : [];
        const shapes = marks.map((at) => ({ type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: colour("muted"), width: 1, dash: "dot" } }));
        const annotations = marks.map((at, k) => ({ x: isLog ? Math.log10(Math.max(at, 0.001)) : at, y: 1 - 0.09 * k, yref: "paper", text: ["p50", "p95", "p99"][k], showarrow: false, xanchor: "left", yanchor: "top", font: { size: 10, color: colour("muted") } }));
        const axis = isLog ? logAxis(traces.flatMap((trace) => trace.x), narrow.matches ? 1.5 : 3.5) : { type: "linear", ticksuffix: " ms", tickformat: ",~g", nticks: narrow.matches ? 5 : 9, rangemode: "tozero" };
        return [traces, plotStyle.layout({}, { xaxis: { hoverformat: ",.4~g", ...axis }, yaxis: { ticksuffix: " %" }, shapes, annotations })];
      },

      // As users of HdrHistogram know it: each nine has as much room as the one before it.
      spectrum(chosen, isLog) {
        const shown = (percent) => 1 / (1 - percent / 100);
        const traces = chosen.filter(({ of }) => of.spectrum.length).map(({ name, of }) => {
          const percents = data.spectrum.slice(0, of.spectrum.length);
          const hover = percents.map((percent, k) => `p${percent}: ${milliseconds(of.spectrum[k])}`);
          return { type: "scatter", mode: "lines+markers", marker: { size: 5 }, x: percents.map(shown), y: of.spectrum, text: hover, name, line: { color: series(chosen.findIndex((one) => one.of === of)), width: 1.8 }, hovertemplate: "%{text}" };
        });
        const marks = [50, 90, 99, 99.9, 99.99].filter((percent) => percent <= data.spectrum[Math.max(0, ...traces.map((trace) => trace.x.length - 1))]);
        const x = { type: "log", tickmode: "array", tickvals: marks.map(shown), ticktext: marks.map((percent) => `p${percent}`), fixedrange: true };
        return [traces, { ...plotStyle.layout({}, { xaxis: x, yaxis: timesAxis(traces.flatMap((trace) => trace.y), isLog), margin: { l: 56, r: 12, t: 8, b: 36 } }), hovermode: "closest", showlegend: chosen.length > 1 }];
      },

      reasons(chosen) {
        if (compares) return sharesByReason(chosen);
        if (chosen.length > 1) {
          const failing = chosen.filter(({ of }) => of.failures.some((count) => count > 0));
          return [failing.map(({ name, run, of }) => line(run, perSecond(run, of.failures), name, series(chosen.findIndex((one) => one.of === of)), { hovertemplate: "%{y:.3~g}/s" })), overTime({})];
        }
        const [{ run, of }] = chosen;
        const style = { hovertemplate: "%{y:.3~g}/s", stackgroup: "failures", line: { width: 0.8, shape: "hvh" } };
        return [of.reasons.map((reason, k) => line(run, perSecond(run, reason.counts), shortened(reason.reason), series(k + 1), style)), overTime({})];
      },

      load(chosen) {
        const [{ run }] = chosen;
        if (!run.cpu_percent.some((value) => value > 0)) return [[], overTime({})];
        const hover = { hovertemplate: "%{y:.1f} %" };
        const traces = [line(run, run.cpu_max, "busiest worker", series(1), { line: { dash: "dot" }, ...hover }), line(run, run.cpu_percent, "mean", series(0), hover)];
        traces.push(level(run, BUSY_PERCENT, `${BUSY_PERCENT} %: too busy to measure well`, colour("bad")));
        return [traces, overTime({ yaxis: { range: [0, 105], ticksuffix: " %" } })];
      },
    };
  }

  function unitOf(longestS) {
    return longestS <= 300 ? ["seconds", 1] : longestS <= 4 * 3600 ? ["minutes", 60] : ["hours", 3600];
  }

  // Changes with their intervals; what counts lies outside the band.
  function forest(changes, minChange) {
    const shown = changes.slice(0, narrow.matches ? 12 : 25).reverse();
    const inks = { worse: "bad", better: "good", unclear: "muted", same: "c1" };
    const traces = Object.entries(inks).map(([state, ink]) => {
      const rows = shown.filter((change) => change.state === state);
      return {
        type: "scatter", mode: "markers", name: state, x: rows.map((row) => row.change), y: rows.map((row) => shortened(row.label)),
        error_x: { type: "data", symmetric: false, array: rows.map((row) => row.high - row.change), arrayminus: rows.map((row) => row.change - row.low), thickness: 2, width: 4 },
        marker: { color: colour(ink), size: 9 }, hovertemplate: rows.map((row) => `${text(row.label)}<br>${row.change.toFixed(1)} % (${row.low.toFixed(1)} to ${row.high.toFixed(1)})<extra></extra>`),
      };
    });
    const band = { type: "rect", x0: -minChange, x1: minChange, y0: 0, y1: 1, yref: "paper", fillcolor: colour("muted"), opacity: 0.13, line: { width: 0 }, layer: "below" };
    const zero = { type: "line", x0: 0, x1: 0, y0: 0, y1: 1, yref: "paper", line: { color: colour("muted"), width: 1 } };
    const names = { type: "category", categoryorder: "array", categoryarray: shown.map((row) => shortened(row.label)), rangemode: "normal", tickfont: { color: colour("text") } };
    const x = { type: "linear", nticks: narrow.matches ? 5 : 10, title: { text: "change, %", font: { size: 11 } }, rangemode: "normal" };
    return [traces, { ...plotStyle.layout({}, { xaxis: x, yaxis: names, shapes: [band, zero] }), hovermode: "closest" }, 110 + 26 * shown.length];
  }

  globalThis.plots = { make, forest };
})();
