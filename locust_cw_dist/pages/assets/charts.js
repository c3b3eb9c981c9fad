// Draws what is chosen from the numbers in the page.
"use strict";
(() => {
  const OVER_TIME = ["throughput", "percentiles", "heat", "reasons", "load"];
  const { narrow, dark, text, shortened } = plotStyle;

  class Charts {
    constructor(data) {
      this.data = data;
      this.plots = plots.make(data);
      this.compares = data.runs.length > 1;
      this.chooser = document.getElementById("subject");
      this.adder = document.getElementById("beside");
      this.chips = document.getElementById("chosen");
      this.logarithmic = document.getElementById("log");
      this.beside = [];
      this.zoom = null;
      this.isLinking = false;
      for (const subject of data.subjects) this.chooser.add(new Option(subject.label));
      this.adder.add(new Option("nothing", ""));
      data.subjects.forEach((subject, n) => this.adder.add(new Option(subject.label, n)));
      const redraw = () => this.draw();
      this.adder.addEventListener("change", () => this.add());
      for (const one of [this.chooser, this.logarithmic, dark, narrow]) one.addEventListener("change", redraw);
      this.draw();
    }

    note() {
      const [run] = this.data.runs;
      const parts = [];
      if (!this.compares && (run.is_first_partial || run.is_last_partial)) parts.push("Shaded: the test filled this window only in part. Rates are means over the whole window.");
      if (!narrow.matches) parts.push("Drag in a plot over time to zoom into all of them; double-click to see all again.");
      document.getElementById("plots-note").textContent = parts.join(" ");
    }

    add() {
      const number = Number(this.adder.value);
      if (this.adder.value !== "" && number !== this.chooser.selectedIndex && !this.beside.includes(number)) this.beside.push(number);
      this.adder.value = "";
      this.draw();
    }

    showChips() {
      this.chips.replaceChildren(...this.beside.map((number) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = this.data.subjects[number].label;
        chip.title = "leave out";
        chip.addEventListener("click", () => {
          this.beside = this.beside.filter((other) => other !== number);
          this.draw();
        });
        return chip;
      }));
    }

    // What is chosen: each endpoint in each run.
    chosen() {
      const numbers = [this.chooser.selectedIndex, ...this.beside.filter((number) => number !== this.chooser.selectedIndex)];
      return numbers.flatMap((number) => {
        const subject = this.data.subjects[number];
        return this.data.runs.map((run, n) => {
          const names = [...(numbers.length > 1 || !this.compares ? [shortened(subject.label)] : []), ...(this.compares ? [text(run.name)] : [])];
          return { name: names.join(", "), run, of: subject.runs[n], limits: subject.limits };
        });
      });
    }

    draw() {
      this.note();
      this.showChips();
      this.drawForest();
      const chosen = this.chosen();
      for (const [name, plot] of Object.entries(this.plots)) {
        const place = document.getElementById(name);
        if (place) this.show(place, name, plot(chosen, this.logarithmic.checked));
      }
      document.body.dataset.drawn = this.data.subjects[this.chooser.selectedIndex].label;
    }

    show(place, name, [traces, frame]) {
      const isEmpty = !traces.some((trace) => trace.x.length);
      if (isEmpty && place.classList.contains("js-plotly-plot")) Plotly.purge(place);
      place.classList.toggle("empty", isEmpty);
      if (isEmpty) {
        place.textContent = name === "reasons" ? "no failures" : "no data";
        return;
      }
      if (!place.classList.contains("js-plotly-plot")) place.textContent = "";
      const isOverTime = OVER_TIME.includes(name) && !(name === "reasons" && this.compares);
      const isNew = !place.classList.contains("js-plotly-plot");
      if (isOverTime && this.zoom) frame.xaxis.range = [...this.zoom];
      plotStyle.draw(place, traces, frame);
      if (isOverTime && isNew) this.link(place, frame.xaxis.range);
    }

    // A part of the time that is chosen in one plot is shown in all of them.
    link(place, whole) {
      place.on("plotly_relayout", (change) => {
        if (this.isLinking) return;
        const range = change["xaxis.range"] ?? ("xaxis.range[0]" in change ? [change["xaxis.range[0]"], change["xaxis.range[1]"]] : null);
        if (!range && !change["xaxis.autorange"]) return;
        this.zoom = range;
        this.isLinking = true;
        const others = OVER_TIME.map((name) => document.getElementById(name)).filter((one) => one?.classList.contains("js-plotly-plot") && one.layout.xaxis.type !== "linear");
        const done = others.map((other) => Plotly.relayout(other, { "xaxis.range": [...(range ?? whole)], "xaxis.autorange": false }));
        Promise.allSettled(done).then(() => { this.isLinking = false; });
      });
    }

    drawForest() {
      const place = document.getElementById("forest");
      if (!place) return;
      const [traces, frame, height] = plots.forest(this.data.changes, this.data.min_change);
      place.style.height = `${height}px`;
      plotStyle.draw(place, traces, frame);
    }
  }

  packed.start((data) => { globalThis.charts = new Charts(data); }, document.getElementById("plots-note"));
})();
