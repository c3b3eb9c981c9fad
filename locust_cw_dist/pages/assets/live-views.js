// What each part of the page shows of a state. Text goes in as text, never as markup.

import { NONE, clock, count, duration, endpoint, ledgerParts, ledgerSentence, milliseconds, number, percent, plural } from "./live-words.js";

const at = (id) => document.getElementById(id);

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

// Of each way that publishing can be: how it looks, what is said in place of its bare name, and what becomes of results.
const STATUSES = {
  "publishing": ["good", "is-good", "Publishing", ""],
  "retrying": ["doubtful", "is-retrying", "Retrying", "Results are kept and sent again."],
  "waiting for credentials": ["doubtful", "is-key", "Waiting for credentials", "Results are kept until there are some."],
  "spooling": ["doubtful", "is-disk", "Spooling to disk", "Results are kept on disk until CloudWatch takes them."],
  "dry run": ["plain", "is-dry", "Dry run", ""],
  "off": ["plain", "is-off", "Off", ""],
};

const RULE_KINDS = { passed: "good", broken: "bad", "no data": "doubtful" };
const RULE_SIGNS = { passed: "✓", broken: "✗", "no data": "?" };
const WORKER_KINDS = { missing: "bad", "without plugin": "doubtful" };

// A symbol, a name and why. What has not changed is left alone, so that a screen reader says what changes and no more.
export function sign(id, kind, symbol, name, why) {
  const place = at(id);
  const use = place.querySelector("use");
  place.hidden = false;
  place.className = `sign ${kind}`;
  if (use.getAttribute("href") !== `#${symbol}`) use.setAttribute("href", `#${symbol}`);
  put(place.querySelector(".name"), name);
  put(place.querySelector(".why"), why);
}

export function showStatus(state) {
  const { name, reason, since_s } = state.status;
  const since = `since ${clock(since_s)}`;
  // Nothing was accepted yet: that is no good news, and no bad news either.
  if (name === "publishing" && reason) {
    const wait = state.run?.is_running ? `. The first results arrive when their window has closed: about ${count(state.destination.resolution_s + 5)} s after the start` : "";
    return sign("publishing", "plain", "is-waiting", "Ready to publish", `${since}: ${reason}${wait}`);
  }
  const [kind, symbol, title, outlook] = STATUSES[name] ?? ["plain", "is-waiting", name, ""];
  sign("publishing", kind, symbol, title, [reason ? `${since}: ${reason.replace(/\.$/, "")}` : since, outlook].filter(Boolean).join(". "));
}

export function showLoad(state, now_s) {
  const { run } = state;
  if (!run) return sign("load", "plain", "is-waiting", "No test yet", "Start one on Locust's page: figures come with the first window.");
  if (run.is_running) return sign("load", "good", "is-good", "Test runs", `for ${duration(now_s - run.started_s)}, ${plural(run.users, "user", "users")}`);
  const ended_s = run.stopped_s ?? now_s;
  return sign("load", "plain", "is-off", "Test stopped", `at ${clock(ended_s)}, after ${duration(ended_s - run.started_s)}`);
}

export function showVerdict(state) {
  const { rules } = state;
  const broken = rules.filter((rule) => rule.state === "broken");
  const judged = rules.filter((rule) => rule.state === "passed").length;
  if (!rules.length) {
    at("verdict").hidden = true;
  } else if (broken.length) {
    sign("verdict", "bad", "is-bad", plural(broken.length, "rule is broken", "rules are broken"), broken.slice(0, 3).map((rule) => rule.name || rule.text).join("; "));
  } else if (judged === rules.length) {
    sign("verdict", "good", "is-good", rules.length === 1 ? "The rule holds" : `All ${count(rules.length)} rules hold`, "");
  } else if (!judged) {
    sign("verdict", "plain", "is-waiting", plural(rules.length, "rule", "rules"), "nothing to judge by yet");
  } else {
    sign("verdict", "plain", "is-waiting", `${count(judged)} of ${plural(rules.length, "rule holds", "rules hold")}`, "nothing to judge the rest by yet");
  }
  return broken.length;
}

export function showLedger(state) {
  const { ledger } = state;
  // Off for want of a namespace: then nothing is sent. Off by a wrong setting may come when much was sent.
  const status = state.status.name === "off" && state.destination.namespace ? "publishing" : state.status.name;
  put(at("ledger").querySelector("p"), ledgerSentence(ledger, status));
  const bar = at("ledger").querySelector(".bar");
  bar.replaceChildren(...ledgerParts(ledger, status).map(([name, from, width]) => {
    const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ class: name, x: from, width, height: 1 })) part.setAttribute(key, value);
    return part;
  }));
  const reasons = (counts, what) => Object.entries(counts).filter(([, value]) => value).map(([reason, value]) => `${count(value)} ${what}: ${reason}`);
  const notes = [...reasons(ledger.dropped, "not published"), ...reasons(ledger.untimed, "without a response time, counted all the same")];
  if (ledger.doubtful) notes.push(`${count(ledger.doubtful)} may count twice: a call got no answer and was repeated`);
  list(at("ledger-notes"), notes);
}

function list(place, texts) {
  const old = [...place.children];
  if (old.length === texts.length && old.every((item, n) => item.textContent === texts[n])) return;
  place.replaceChildren(...texts.map((text) => make("li", text)));
}

function card(id, value, note) {
  put(at(id).querySelector(".value"), value);
  put(at(id).querySelector(".note"), note);
}

export function showFigures(state) {
  const { run, total, spending } = state;
  const isLive = Boolean(run?.is_running && total.last);
  const now = isLive ? total.last : total.run;
  const whole = (text) => (isLive ? `whole run: ${text}` : "");
  put(at("figures-title"), isLive ? `All endpoints together, last ${duration(now.duration_s)}` : `All endpoints together${run ? ", whole run" : ""}`);
  card("rate", number(now.requests_per_s), `${count(total.run.requests)} requests in all`);
  card("failures-share", percent(now.failures, now.requests), `${count(total.run.failures)} in all${total.run.requests ? `, ${percent(total.run.failures, total.run.requests)}` : ""}`);
  for (const name of ["p50", "p95", "p99"]) card(name, milliseconds(now[`${name}_ms`]), whole(milliseconds(total.run[`${name}_ms`])));
  card("users", count(run ? run.users : null), state.workers.length ? `on ${plural(state.workers.length + state.workers_left_out, "worker", "workers")}` : "");
  card("cost", `$${spending.cost_usd.toFixed(spending.cost_usd < 1 ? 4 : 2)}`, `${plural(spending.calls, "call", "calls")}, ${plural(spending.metrics, "metric", "metrics")}`);
}

const RANK = { broken: 0, "no data": 1, waiting: 2, passed: 3 };

export function showRules(state) {
  const place = at("rules");
  const rules = [...state.rules].sort((a, b) => (RANK[a.state] ?? 1) - (RANK[b.state] ?? 1));
  const texts = rules.map((rule) => [rule.state, rule.text, rule.name === rule.text ? "" : rule.name, told(rule), rule.severity]);
  if (!hasChanged(place, texts)) return;
  if (!rules.length) {
    const line = make("p", "No rules. Start Locust with ", "empty-line");
    line.append(make("code", '--cw-rule "p95 < 300 ms"'), " to see here whether it holds.");
    place.replaceChildren(line);
    return;
  }
  place.replaceChildren(items(texts.map(([name, text, title, message, severity]) => {
    const item = make("li");
    item.append(make("span", `${RULE_SIGNS[name] ?? "…"} ${name}`, `badge ${RULE_KINDS[name] ?? "plain"}`), make("b", title || text));
    if (severity === "warn") item.append(" ", make("span", "warns only", "badge plain"));
    const more = [title ? text : "", message].filter(Boolean).join(": ");
    if (more) item.append(make("p", more, "note"));
    return item;
  })));
}

function told(rule) {
  if (rule.message) return rule.message;
  return rule.observed === null ? "" : `${number(rule.observed)} ${rule.unit ?? ""}, limit ${number(rule.limit)} ${rule.unit ?? ""}`;
}

export function showWarnings(state) {
  const place = at("warnings");
  const texts = [...state.warnings].reverse().map((warning) => [clock(warning.time_s), warning.text]);
  if (!hasChanged(place, texts)) return;
  if (!texts.length) place.replaceChildren(make("p", "No warnings.", "empty-line"));
  else place.replaceChildren(items(texts.map(([time, text]) => {
    const item = make("li");
    item.append(make("time", time), text);
    return item;
  })));
}

function items(elements) {
  const found = make("ul", "", "list");
  found.append(...elements);
  return found;
}

const told_before = new Map();

function hasChanged(place, values) {
  const text = JSON.stringify(values);
  const changed = told_before.get(place) !== text;
  told_before.set(place, text);
  return changed;
}

function link(id, address) {
  const isSafe = typeof address === "string" && address.startsWith("https://");
  at(id).hidden = !isSafe;
  if (isSafe && at(id).href !== address) at(id).href = address;
}

export function showAround(state) {
  const { run, destination } = state;
  put(at("title"), run?.host && run.host !== "-" ? `Load test of ${run.host}` : "Load test");
  const labels = run ? Object.entries(run.labels).map(([key, value]) => `${key}: ${value}`) : [];
  const badges = run ? [`run ${run.run_id}`, ...labels] : [];
  if (hasChanged(at("labels"), badges)) at("labels").replaceChildren(...badges.map((text) => make("span", text, "badge plain")));
  link("console", destination.console_url);
  link("dashboard", destination.dashboard_url);
  put(at("destination"), where(destination));
  put(at("who-sees"), state.is_open
    ? "Who sees this page: everyone who reaches this port, labels and failure reasons included. Locust has no login here; --web-login gives it one."
    : "Who sees this page: whoever has a login of this Locust.");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  put(at("versions"), `Times of day are those of ${zone ?? "this device"}. locust-cw-dist ${state.plugin_version}, Locust ${state.locust_version}.`);
}

function where({ namespace, region, resolution_s, identity }) {
  if (!namespace) return "Nothing is published: neither a service nor a namespace is set.";
  const parts = [`Namespace ${namespace}`, region ? `Region ${region}` : "", identity ? `as ${identity}` : "", `a window every ${resolution_s} s`];
  return parts.filter(Boolean).join(", ");
}

const of = (part, name) => (row) => row[part]?.[name] ?? null;
const time = (part, name) => ({ value: of(part, name), text: (row) => number(of(part, name)(row)) });
const counted = (part, name) => ({ value: of(part, name), text: (row) => count(of(part, name)(row)) });
const ratio = (row, part) => (row[part]?.requests ? row[part].failures / row[part].requests : null);
const share = (part) => ({
  value: (row) => ratio(row, part),
  text: (row) => (ratio(row, part) === null ? NONE : row[part].failures ? percent(row[part].failures, row[part].requests) : "0"),
  kind: (row) => (row[part]?.failures ? "bad" : ""),
});

// `hasHosts`: whether endpoints of several hosts are to be told apart.
export const endpointColumns = (hasHosts) => ({
  "endpoint": { value: endpoint, text: (row) => (hasHosts() ? `${endpoint(row)} on ${row.host}` : endpoint(row)) },
  "last-rate": { value: of("last", "requests_per_s"), text: (row) => number(of("last", "requests_per_s")(row)) },
  "last-failures": share("last"),
  "last-p50": time("last", "p50_ms"),
  "last-p95": time("last", "p95_ms"),
  "last-p99": time("last", "p99_ms"),
  "requests": counted("run", "requests"),
  "failures": share("run"),
  "p50": time("run", "p50_ms"),
  "p95": time("run", "p95_ms"),
  "p99": time("run", "p99_ms"),
  "max": time("run", "max_ms"),
  "locust-requests": counted("locust", "requests"),
  "locust-median": counted("locust", "median_ms"),
  "locust-p95": counted("locust", "p95_ms"),
  "locust-p99": counted("locust", "p99_ms"),
});

export const failureColumns = {
  reason: { value: (row) => row.reason, text: (row) => row.reason },
  of: { value: endpoint, text: endpoint },
  count: { value: (row) => row.count, text: (row) => count(row.count) },
};

export const workerColumns = (now) => ({
  worker: { value: (row) => row.id, text: (row) => row.id },
  state: { value: (row) => row.state, text: (row) => row.state, kind: (row) => WORKER_KINDS[row.state] ?? "plain" },
  cpu: { value: (row) => row.cpu_percent, text: (row) => number(row.cpu_percent), kind: (row) => (row.cpu_percent > 90 ? "bad" : "") },
  memory: { value: (row) => row.memory_bytes, text: (row) => (row.memory_bytes === null ? NONE : count(row.memory_bytes / 2 ** 20)) },
  heard: { value: (row) => row.heard_s, text: (row) => (row.heard_s === null ? NONE : count(Math.max(0, now() - row.heard_s))) },
  offset: { value: (row) => row.clock_offset_s, text: (row) => (row.clock_offset_s === null ? NONE : number(row.clock_offset_s * 1000)) },
  resent: { value: (row) => row.resent_frames, text: (row) => count(row.resent_frames) },
});
