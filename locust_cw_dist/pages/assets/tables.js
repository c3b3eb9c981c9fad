// Sorts tables by a click on a column's title; without plots, too.
"use strict";
(() => {
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

  for (const header of document.querySelectorAll("table.sortable th")) header.addEventListener("click", () => sortBy(header));
})();
