// Inflates the numbers and plotly's script, which are in the page, and has them drawn.
"use strict";
(() => {
  async function inflate(id) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (char) => char.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }

  // The policy of the page knows this script by its hash.
  async function loadPlotly() {
    const script = document.createElement("script");
    script.textContent = await inflate("packed-plotly");
    document.head.append(script);
  }

  async function load(draw) {
    if (!document.getElementById("packed-plotly")) {
      document.body.dataset.drawn = "no plots";
      return;
    }
    const [data] = await Promise.all([inflate("packed-data"), loadPlotly()]);
    draw(JSON.parse(data));
  }

  // `note` is where a browser's reason is told.
  function start(draw, note) {
    load(draw).catch((error) => {
      if (note) note.textContent = `The plots can't be drawn in this browser (${error.message}). The tables are complete.`;
      document.body.dataset.drawn = "no plots";
    });
  }

  globalThis.packed = { start };
})();
