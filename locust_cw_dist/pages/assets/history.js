// Draws one figure over runs from the numbers in the page; see tools/history/page.py for what they are.
"use strict";
(() => {
  let data;
  const { narrow, dark, colour, series, text, shortened } = plotStyle;
  const [subjects, figures, axis] = ["subject", "figure", "axis"].map((id) => document.getElementById(id));
  const place = document.getElementById("history");

  const title = (run) => [`${run.id}, ${run.day}`, run.commit && `commit ${run.commit}`, run.labels].filter(Boolean).map(text).join("<br>");
  const tick = (run) => shortened(run[axis.value] || "–").slice(0, narrow.matches ? 8 : 16);

  function ticks(row) {
    const step = Math.max(1, Math.ceil(row.run.length / (narrow.matches ? 4 : 12)));
    const shown = row.run.filter((_, n) => (row.run.length - 1 - n) % step === 0);
    return { type: "linear", tickvals: shown, ticktext: shown.map((n) => tick(data.runs[n])), tickangle: -35, rangemode: "normal" };
  }

  function traces(row, unit) {
    const ends = { type: "data", symmetric: false, array: row.high.map((high, n) => high - row.value[n]), arrayminus: row.low.map((low, n) => row.value[n] - low), thickness: 1, width: 0, color: colour("muted") };
    const names = row.run.map((n) => title(data.runs[n]));
    const runs = { type: "scatter", mode: "markers", name: "runs", x: row.run, y: row.value, error_y: ends, marker: { color: series(0), size: 6 }, customdata: names, hovertemplate: `%{y:,.4~g} ${unit}<br>%{customdata}<extra></extra>` };
    const levels = row.levels.map((level) => ({ type: "scatter", mode: "lines", x: [level.from, level.to], y: [level.value, level.value], line: { color: series(1), width: 3 }, hoverinfo: "skip", showlegend: false }));
    return [runs, ...levels];
  }

  function marks(row) {
    return row.shifts.flatMap((shift) => [
      { type: "line", x0: shift.at - 0.5, x1: shift.at - 0.5, y0: 0, y1: 1, yref: "paper", line: { color: colour("doubtful"), width: 1.5, dash: "dot" } },
      { type: "rect", x0: shift.earliest - 0.5, x1: shift.latest + 0.5, y0: 0, y1: 1, yref: "paper", fillcolor: colour("doubtful"), opacity: 0.1, line: { width: 0 }, layer: "below" },
    ]);
  }

  function notes(row, figure) {
    const unit = figure.unit === "%" ? "points" : "%";
    return row.shifts.map((shift) => ({ x: shift.at - 0.5, y: 1, yref: "paper", yanchor: "top", xanchor: "left", showarrow: false, font: { size: 11, color: colour("doubtful") }, text: text(` ${shift.percent > 0 ? "+" : ""}${shift.percent} ${unit}, ${data.runs[shift.at].commit || data.runs[shift.at].day}`) }));
  }

  function offer(subject) {
    const chosen = figures.value;
    figures.replaceChildren(...data.figures.filter((figure) => subject.rows[figure.name]).map((figure) => new Option(figure.title, figure.name)));
    if ([...figures.options].some((option) => option.value === chosen)) figures.value = chosen;
  }

  function draw() {
    const subject = data.subjects[subjects.selectedIndex];
    place.classList.toggle("empty", !subject);
    if (!subject) {
      place.textContent = "no run that ended in order";
      return;
    }
    offer(subject);
    const figure = data.figures.find((one) => one.name === figures.value);
    const row = subject.rows[figure.name];
    const unit = figure.unit === "1/s" ? "a second" : figure.unit;
    document.getElementById("caption").textContent = `${figure.title} of ${subject.label}, ${unit}`;
    const frame = plotStyle.layout(ticks(row), { hovermode: "closest", showlegend: false, shapes: marks(row), annotations: notes(row, figure) });
    plotStyle.draw(place, traces(row, unit), frame);
    document.body.dataset.drawn = `${subject.label} ${figure.name}`;
  }

  function start(read) {
    data = read;
    for (const subject of data.subjects) subjects.add(new Option(subject.label));
    for (const one of [subjects, figures, axis]) one.addEventListener("change", draw);
    dark.addEventListener("change", draw);
    narrow.addEventListener("change", draw);
    if (data.subjects.length) {
      offer(data.subjects[0]);
      // What changed last is what somebody looks for.
      const changed = data.figures.find((figure) => data.subjects[0].rows[figure.name]?.shifts.length);
      if (changed) figures.value = changed.name;
    }
    draw();
  }

  packed.start(start, document.getElementById("caption"));
})();
