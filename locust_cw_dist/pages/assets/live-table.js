// A table that changes cell by cell: focus, selection and scroll stay where they are.

const compare = (a, b) => {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1; // what is not known comes last, whichever way
  if (b === null || b === undefined) return -1;
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b));
};

export class LiveTable {
  // `columns`: by the key that the header has in data-column, {value, text, kind}: what it is sorted by, what is shown,
  // and the badge that it has, if any. `choose` is called with the row whose name was chosen.
  constructor(table, columns, { key, choose = null, quiet = [] }) {
    this.table = table;
    this.body = table.tBodies[0];
    this.headers = [...table.querySelectorAll("th[data-column]")];
    this.columns = this.headers.map((header) => ({
      ...columns[header.dataset.column],
      isNumber: header.classList.contains("number"),
      isFirst: header.classList.contains("first"),
      isQuiet: quiet.includes(header.dataset.column),
    }));
    this.key = key;
    this.choose = choose;
    this.rows = new Map();
    this.needle = "";
    this.order = null;
    for (const header of this.headers) header.addEventListener("click", () => this.sortBy(header));
  }

  // Returns how many rows are shown.
  update(items) {
    const gone = new Set(this.rows.keys());
    items.forEach((item, place) => {
      const key = this.key(item);
      gone.delete(key);
      const row = this.rows.get(key) ?? this.make(key, item);
      row.item = item;
      row.place = place;
      this.fill(row);
    });
    for (const key of gone) {
      this.rows.get(key).element.remove();
      this.rows.delete(key);
    }
    if (!this.isHeld()) this.arrange();
    return this.filter(this.needle);
  }

  filter(needle) {
    this.needle = needle;
    const wanted = needle.trim().toLowerCase();
    let shown = 0;
    for (const row of this.rows.values()) {
      const isShown = !wanted || row.search.includes(wanted);
      if (row.element.hidden === isShown) row.element.hidden = !isShown;
      shown += isShown;
    }
    return shown;
  }

  mark(key) {
    for (const [one, row] of this.rows) {
      row.element.classList.toggle("chosen", one === key);
      row.button?.setAttribute("aria-pressed", String(one === key));
    }
  }

  sortBy(header) {
    const at = this.headers.indexOf(header);
    const first = this.columns[at].isNumber ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const way = header.getAttribute("aria-sort") === first ? other : first;
    for (const one of this.headers) one.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", way);
    this.order = { at, sign: way === "ascending" ? 1 : -1 };
    this.arrange();
  }

  // Rows do not move under a pointer, a focus or a selection.
  isHeld() {
    const selection = document.getSelection();
    const selects = !selection.isCollapsed && this.body.contains(selection.anchorNode);
    return selects || this.body.contains(document.activeElement) || (matchMedia("(hover: hover)").matches && this.body.matches(":hover"));
  }

  arrange() {
    const rows = [...this.rows.values()];
    if (this.order) {
      const { value } = this.columns[this.order.at];
      for (const row of rows) row.value = value(row.item);
      rows.sort((a, b) => (this.sign(a, b) * compare(a.value, b.value)) || a.place - b.place);
    } else rows.sort((a, b) => a.place - b.place);
    let next = this.body.firstChild;
    const focused = rows.find((row) => row.element.contains(document.activeElement))?.element;
    for (const { element } of rows) {
      // The row with the focus stays in the document: others move around it.
      if (element === focused) while (next !== element) next = this.toEnd(next);
      if (element === next) next = next.nextSibling;
      else this.body.insertBefore(element, next);
    }
  }

  sign(a, b) {
    return a.value == null || b.value == null ? 1 : this.order.sign;
  }

  toEnd(element) {
    const next = element.nextSibling;
    this.body.append(element);
    return next;
  }

  make(key, item) {
    const element = document.createElement("tr");
    const row = { element, item, cells: [], search: "" };
    this.columns.forEach((column, at) => row.cells.push(this.cell(row, column, at)));
    this.rows.set(key, row);
    this.body.append(element);
    return row;
  }

  cell(row, column, at) {
    const cell = document.createElement(at ? "td" : "th");
    if (!at) cell.scope = "row";
    else cell.className = [column.isNumber ? "number" : "text", column.isFirst ? "first" : "", column.isQuiet ? "quiet" : ""].join(" ").trim();
    const text = document.createTextNode("");
    let holder = cell;
    if (!at && this.choose) {
      holder = row.button = document.createElement("button");
      holder.type = "button";
      holder.setAttribute("aria-pressed", "false");
      holder.addEventListener("click", () => this.choose(row.item));
    } else if (column.kind) holder = document.createElement("span");
    holder.append(text);
    if (holder !== cell) cell.append(holder);
    row.element.append(cell);
    return { text, holder, kind: "" };
  }

  fill(row) {
    this.columns.forEach((column, at) => {
      const cell = row.cells[at];
      const text = column.text(row.item);
      if (cell.text.data !== text) {
        cell.text.data = text;
        if (!column.isNumber) row.search = "";
      }
      const kind = column.kind ? column.kind(row.item) : "";
      if (cell.kind !== kind) {
        cell.kind = kind;
        cell.holder.className = kind ? `badge ${kind}` : "";
      }
    });
    if (!row.search) row.search = this.columns.flatMap((column, at) => (column.isNumber ? [] : [row.cells[at].text.data])).join(" ").toLowerCase();
  }
}
