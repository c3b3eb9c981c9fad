// Numbers, times and sentences as people read them; as words.py and ledger_words.py have them on the other pages.

export const NONE = "–";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (value) => (value === null || value === undefined ? NONE : whole.format(value));

// Three digits, or all before the point.
export function number(value) {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) < 0.005) return "0"; // and never "-0"
  if (Math.abs(value) >= 100) return whole.format(value);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function milliseconds(value) {
  if (value === null || value === undefined) return NONE;
  return value >= 10_000 ? `${number(value / 1000)} s` : `${number(value)} ms`;
}

export const percent = (part, all) => (all ? `${number((100 * part) / all)} %` : NONE);

export const plural = (value, one, many) => `${count(value)} ${value === 1 ? one : many}`;

const two = (value) => String(value).padStart(2, "0");

// In the reader's time zone; with the date where that is another day.
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date().toDateString() ? time : `${day(at)} ${time}`;
}

const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

// As plotly takes it: a time without a zone.
export function plotTime(seconds) {
  const at = new Date(seconds * 1000);
  return `${day(at)} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export function duration(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(all / 3600), "h"], [Math.floor(all / 60) % 60, "min"], [all % 60, "s"]];
  return parts.filter(([value]) => value).slice(0, 2).map(([value, unit]) => `${value} ${unit}`).join(" ") || "0 s";
}

export const endpoint = (row) => `${row.method ?? ""} ${row.name ?? ""}`.trim() || NONE;

// "12,340 of 12,360 results are in CloudWatch, 20 on the way, none lost."
export function ledgerSentence(ledger, status) {
  if (!ledger.recorded) return "No results yet.";
  const results = plural(ledger.recorded, "result", "results");
  if (status === "off") return `${results} counted, none of them sent to CloudWatch.`;
  const dropped = Object.values(ledger.dropped).reduce((a, b) => a + b, 0);
  const isAll = ledger.published === ledger.recorded;
  const verb = status === "dry run" ? "would be" : ledger.recorded === 1 ? "is" : "are";
  const parts = [`${isAll ? `All ${results}` : `${count(ledger.published)} of ${results}`} ${verb} in CloudWatch`];
  if (ledger.pending) parts.push(`${count(ledger.pending)} on the way`);
  if (ledger.spooled) parts.push(`${count(ledger.spooled)} on disk`);
  if (dropped > ledger.lost) parts.push(`${count(dropped - ledger.lost)} left out`);
  parts.push(ledger.lost ? `${count(ledger.lost)} lost` : "none lost");
  return `${parts.join(", ")}.`;
}

// Name, where it begins and how wide it is, in percent of what was recorded.
export function ledgerParts(ledger, status) {
  if (status === "off") return [];
  const dropped = Object.values(ledger.dropped).reduce((a, b) => a + b, 0);
  const parts = [["published", ledger.published], ["pending", ledger.pending], ["spooled", ledger.spooled], ["left-out", dropped - ledger.lost], ["lost", ledger.lost]];
  let from = 0;
  return parts.filter(([, value]) => value > 0).map(([name, value]) => {
    const width = (100 * value) / Math.max(ledger.recorded, 1);
    from += width;
    return [name, from - width, width];
  });
}
