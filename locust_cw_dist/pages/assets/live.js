// The page at /cloudwatch: asks for cloudwatch/state.json every other second and shows what it says.

import { LiveTable } from "./live-table.js";
import { Plots } from "./live-plots.js";
import { endpointColumns, failureColumns, put, showAround, showFigures, showLedger, showLoad, showRules, showStatus, showVerdict, showWarnings, sign, workerColumns } from "./live-views.js";
import { clock, count, endpoint, plural } from "./live-words.js";

const POLL_MS = 2_000;
const MAX_POLL_MS = 30_000;
const ANSWER_WITHIN_MS = 15_000;
const VERSION = 1;

const at = (id) => document.getElementById(id);
const keyOf = (row) => JSON.stringify([row.name, row.method, row.host]);

let shown = readChoice();
let tag = null; // of the last answer
let newest = null; // the last state, with the time of this page when it came
let lastHeard_s = Date.now() / 1000;
let misses = 0;
let timer = 0;
let asking = null;

// By the master's clock.
const now = () => newest.state.now_s + (performance.now() - newest.at_ms) / 1000;

const plots = new Plots(at("log"));
const hosts = new Set();
const endpoints = new LiveTable(at("endpoints"), endpointColumns(() => hosts.size > 1), {
  key: keyOf,
  choose: (row) => choose(shown && keyOf(row) === keyOf(shown) ? null : { name: row.name, method: row.method, host: row.host }),
  quiet: ["locust-requests", "locust-median", "locust-p95", "locust-p99"],
});
const failures = new LiveTable(at("failures"), failureColumns, { key: (row) => JSON.stringify([row.reason, row.method, row.name]) });
const workers = new LiveTable(at("workers"), workerColumns(() => now()), { key: (row) => row.id });

// The choice stands in the address, so that it outlives a reload; behind #, so that no server's log has it.
function readChoice() {
  const asked = new URLSearchParams(location.hash.slice(1));
  return asked.has("name") ? { name: asked.get("name"), method: asked.get("method"), host: asked.get("host") } : null;
}

function choose(row) {
  shown = row;
  history.replaceState(null, "", row ? `#${query(row)}` : location.pathname + location.search);
  showChoice();
  tag = null;
  ask();
}

function query(row) {
  return new URLSearchParams(Object.entries(row).filter(([, value]) => value !== null)).toString();
}

function showChoice() {
  put(at("shown"), shown ? endpoint(shown) : "all endpoints together");
  at("all").hidden = !shown;
  endpoints.mark(shown ? keyOf(shown) : null);
}

function show(state) {
  showStatus(state);
  const broken = showVerdict(state);
  showLoad(state, state.now_s);
  showLedger(state);
  showFigures(state);
  showRules(state);
  showWarnings(state);
  showAround(state);
  showTables(state);
  if (keyOf(state.series) === keyOf(shown ?? { name: null, method: null, host: null })) plots.update(state, shown);
  put(document.querySelector("title"), `${broken ? `✗ ${plural(broken, "rule", "rules")} broken, ` : ""}${state.status.name}: load test`);
}

function showTables(state) {
  hosts.clear();
  for (const row of state.endpoints) hosts.add(row.host);
  showCount(endpoints.update(state.endpoints));
  put(at("endpoints-note"), state.endpoints_left_out ? `${plural(state.endpoints_left_out, "endpoint", "endpoints")} with fewer requests are not shown.` : state.endpoints.length ? "" : "No endpoints yet.");
  failures.update(state.failures);
  put(at("failures-count"), state.failures.length ? count(state.failures.length) : "");
  put(at("failures-note"), state.failures.length ? "" : "No failures.");
  workers.update(state.workers);
  const all = state.workers.length + state.workers_left_out;
  put(at("workers-count"), all ? count(all) : "");
  put(at("workers-note"), state.workers_left_out ? `${count(state.workers_left_out)} more without trouble are not shown.` : all ? "" : "No workers are connected.");
  for (const [id, rows] of [["endpoints", state.endpoints], ["failures", state.failures], ["workers", state.workers]]) at(id).parentNode.hidden = !rows.length;
  showChoice();
}

function showCount(visible) {
  const all = newest.state.endpoints.length;
  put(at("endpoints-count"), !all ? "" : visible === all ? count(all) : `${count(visible)} of ${count(all)}`);
}

async function ask() {
  clearTimeout(timer);
  asking?.abort();
  const mine = (asking = new AbortController());
  const patience = setTimeout(() => mine.abort(), ANSWER_WITHIN_MS);
  const found = await fetchState(mine.signal).catch(() => null);
  clearTimeout(patience);
  if (mine !== asking) return; // another one was asked for since
  try {
    if (found) take(...found);
    else refused("No answer", `The load test's web server does not answer since ${clock(lastHeard_s)}${newest ? "; what you see is of then." : "."}`);
  } finally {
    if (!document.hidden) timer = setTimeout(ask, Math.min(POLL_MS * 2 ** misses, MAX_POLL_MS));
  }
}

async function fetchState(signal) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(`cloudwatch/state.json${shown ? `?${query(shown)}` : ""}`, { signal, cache: "no-store", headers });
  const hasState = answer.ok && !answer.redirected;
  return [answer, hasState ? await answer.json() : null];
}

function take(answer, state) {
  if (answer.redirected || answer.status === 401 || answer.status === 403) return refused("Log in again", "This Locust wants a login: open its page, log in, and come back.");
  if (!state && answer.status !== 304) return refused("No state", `The load test's web server answers with ${answer.status} instead of its state.`);
  if (state && state.version !== VERSION) return refused("Reload", "The load test runs another version than this page is from: reload the page.");
  if (state) {
    newest = { state, at_ms: performance.now() };
    tag = answer.headers.get("ETag");
  }
  misses = 0;
  lastHeard_s = Date.now() / 1000;
  document.body.classList.remove("is-stale");
  show(newest.state);
}

// What is seen is old from here on.
function refused(name, why) {
  misses += 1;
  tag = null;
  document.body.classList.add("is-stale");
  sign("publishing", "bad", "is-gone", name, why);
}

at("all").addEventListener("click", () => choose(null));
at("search").addEventListener("input", (event) => newest && showCount(endpoints.filter(event.target.value)));
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
addEventListener("hashchange", () => {
  shown = readChoice();
  tag = null;
  ask();
});
ask();
