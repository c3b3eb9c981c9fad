// How plots look, on every page: colours from page.css, axes, and names as text.
"use strict";
(() => {
  const narrow = window.matchMedia("(max-width: 820px)");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const series = (number) => colour(`c${1 + (number % 7)}`);
  // Plotly takes a few tags for markup; names of requests and runs are text.
  const text = (value) => String(value).replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const shortened = (value) => text(value.length > 40 ? `${value.slice(0, 39)}…` : value);

  // `time` is what the x axis is, unless `more` says otherwise.
  function layout(time, more) {
    const axis = { gridcolor: colour("grid"), zerolinecolor: colour("grid"), linecolor: colour("line"), fixedrange: narrow.matches, automargin: true, tickangle: 0 };
    return {
      autosize: true,
      margin: { l: 44, r: 12, t: 8, b: 36 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: colour("muted") },
      hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: colour("text") }, namelength: 40 },
      hovermode: "x unified",
      dragmode: narrow.matches ? false : "zoom",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
      showlegend: true,
      ...more,
      xaxis: { ...axis, ...time, ...more.xaxis },
      yaxis: { ...axis, rangemode: "tozero", ...more.yaxis },
      ...(more.yaxis2 ? { yaxis2: { ...axis, overlaying: "y", side: "right", showgrid: false, rangemode: "tozero", tickmode: "auto", nticks: 5, ...more.yaxis2 } } : {}),
    };
  }

  // 20 -> "20 ms", 1500 -> "1.5 s"
  function milliseconds(value) {
    const [number, unit] = value >= 1000 ? [value / 1000, "s"] : [value, "ms"];
    return `${Number(number.toPrecision(3)).toLocaleString("en")} ${unit}`;
  }

  // An axis of response times on a log scale, with a title at 1, 2 and 5 of each decade, or at 1 alone where there are more
  // decades than there is room for.
  function logAxis(values, roomFor = 4) {
    const known = values.filter((value) => value > 0);
    const low = Math.min(...known), high = Math.max(...known);
    const decades = Math.log10(high / low) || 0;
    const digits = decades > roomFor ? [1] : [1, 2, 5];
    const tickvals = [];
    for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.log10(high) + 1; power += 1) {
      for (const digit of digits) tickvals.push(Number(`${digit}e${power}`));
    }
    const room = Math.max(0.05, decades / 20);
    const range = known.length ? [Math.log10(low) - room, Math.log10(high) + room] : [0, 3];
    return { type: "log", rangemode: "normal", range, tickmode: "array", tickvals, ticktext: tickvals.map(milliseconds) };
  }

  function draw(place, traces, frame) {
    return Plotly.react(place, traces, frame, { responsive: true, displaylogo: false, displayModeBar: false });
  }

  globalThis.plotStyle = { narrow, dark, colour, series, text, shortened, milliseconds, logAxis, layout, draw };
})();
