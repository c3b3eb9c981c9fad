"""The state of a run as tables of Rich, as many rows as fit: what is wrong comes first, then the busiest endpoints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.progress.plain_text import milliseconds, span

NARROW = 60
"""Columns below which a table has only what matters most."""

MAX_RULES = 8
MAX_WORKERS = 5
MAX_WARNINGS = 3

GOOD, BAD, WARN, DIM = "green", "bold red", "yellow", "dim"

_STATUS_STYLES = {"publishing": GOOD, "dry run": WARN, "off": DIM}
_RULE_STYLES = {"passed": GOOD, "broken": BAD, "no data": WARN}
_WORKER_STYLES = {"missing": BAD, "without plugin": BAD}
_WELL = frozenset({"running", "ready", "spawning", "cleanup"})
"""States of a worker that nobody has to look at, in Locust's words."""


def view(state: dict[str, Any], console: Console, *, rows: int | None = None, note: str = "") -> RenderableType:
    """Return what is shown of a state.

    Args:
        state: What `/cloudwatch/state.json` says.
        console: Where it is shown: its width decides which columns there are.
        rows: How many lines there are for all of it; None: as many as it takes.
        note: A line below it, as that the web UI is not reached.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, IndexError: It is no such state.
    """
    above = [*_head(state), *_rules(state["rules"]), *_workers(state)]
    below = [*_warnings(state["warnings"])]
    if note:
        below.append(Text(note, style=BAD))
    taken = sum(len(console.render_lines(part, pad=False)) for part in (*above, *below))
    room = None if rows is None else max(1, rows - taken - 3)
    return Group(*above, _endpoints(state, room, narrow=console.width < NARROW), *below)


def _head(state: dict[str, Any]) -> list[Text]:
    status, run = state["status"], state["run"]
    name = printable(status["name"])
    since = span(max(0.0, state["now_s"] - status["since_s"]))
    line = Text.assemble((name.upper(), _STATUS_STYLES.get(name, BAD)), f" for {since}")
    if status["reason"]:
        line.append(f": {printable(status['reason'])}")
    where = state["destination"]
    parts = [line, Text(_run_text(state, run))]
    if where["namespace"]:
        parts.append(Text(f"{printable(where['namespace'])}, Region {printable(where['region'] or 'unknown')}", DIM))
    return [*parts, _ledger(state["ledger"], state["spending"])]


def _run_text(state: dict[str, Any], run: dict[str, Any] | None) -> str:
    if run is None:
        return "no test has been started"
    end_s = state["now_s"] if run["stopped_s"] is None else run["stopped_s"]
    what = "running" if run["is_running"] else "ended"
    labels = "".join(f", {printable(key)}={printable(value)}" for key, value in run["labels"].items())
    lasted = span(max(0.0, end_s - run["started_s"]))
    return f"run {printable(run['run_id'])} {what}, {lasted}, {run['users']:,} users, {printable(run['host'])}{labels}"


def _ledger(ledger: dict[str, Any], spending: dict[str, Any]) -> Text:
    text = Text(f"{counted(ledger['recorded'], 'result')}: {ledger['published']:,} published")
    kinds = (("pending", "on the way", ""), ("spooled", "on disk", WARN), ("lost", "lost", BAD))
    for key, words, style in kinds:
        if ledger[key]:
            text.append(f", {ledger[key]:,} {words}", style)
    if ledger["doubtful"]:
        text.append(f", up to {ledger['doubtful']:,} may count twice", WARN)
    return text.append(f"; about ${spending['cost_usd']:.4f}", DIM)


def _rules(rules: list[dict[str, Any]]) -> list[Text]:
    order = {"broken": 0, "no data": 1}
    ordered = sorted(rules, key=lambda rule: order.get(rule["state"], 2))
    lines = [_rule(rule) for rule in ordered[:MAX_RULES]]
    if (more := len(ordered) - MAX_RULES) > 0:
        lines.append(Text(f"and {counted(more, 'more rule')}", DIM))
    return lines


def _rule(rule: dict[str, Any]) -> Text:
    style = _RULE_STYLES.get(rule["state"], DIM)
    if rule["state"] == "broken" and rule["severity"] == "warn":
        style = WARN
    line = Text.assemble((f"{printable(rule['state']):<8}", style), printable(rule["text"]))
    if rule["message"]:
        line.append(f": {printable(rule['message'])}", style)
    return line


def _workers(state: dict[str, Any]) -> list[Text]:
    """Return a line for each worker with trouble; the state has these first."""
    workers = state["workers"]
    bad = [worker for worker in workers if worker["state"] not in _WELL]
    lines = []
    for worker in bad[:MAX_WORKERS]:
        heard = "" if worker["heard_s"] is None else f", heard {span(max(0.0, state['now_s'] - worker['heard_s']))} ago"
        style = _WORKER_STYLES.get(worker["state"], WARN)
        lines.append(Text.assemble(f"worker {printable(worker['id'])}: ", (printable(worker["state"]), style), heard))
    if (more := len(bad) - MAX_WORKERS) > 0:
        lines.append(Text(f"and {counted(more, 'more worker')} with trouble", WARN))
    return lines


def _warnings(warnings: list[dict[str, Any]]) -> list[Text]:
    newest = warnings[-MAX_WARNINGS:]
    return [Text(f"{_time(one['time_s'])} {printable(one['text'])}", WARN) for one in newest]


def _time(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%H:%M:%SZ")


def _endpoints(state: dict[str, Any], room: int | None, *, narrow: bool) -> Table:
    """Return the table of endpoints: of the last window the rate, of the run so far all else."""
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, expand=True, header_style="bold")
    table.add_column("endpoint", no_wrap=True, overflow="ellipsis", ratio=1)
    heads = ("req/s", "failed", "p95 ms") if narrow else ("req/s", "requests", "failed", "p50 ms", "p95 ms", "p99 ms")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    endpoints = state["endpoints"]
    shown = endpoints if room is None else endpoints[:room]
    table.add_row(Text("all together", "bold"), *_cells(state["total"], narrow=narrow))
    for row in shown:
        name = printable(f"{row['method']} {row['name']}".strip())
        table.add_row(Text(name), *_cells(row, narrow=narrow))
    left_out = len(endpoints) - len(shown) + state["endpoints_left_out"]
    if left_out:
        table.add_row(Text(f"and {left_out:,} more", DIM))
    return table


def _cells(row: dict[str, Any], *, narrow: bool) -> list[Text]:
    run, last = row["run"], row["last"]
    rate = None if last is None else last["requests_per_s"]
    failed = Text(f"{run['failures']:,}", BAD if run["failures"] else "")
    first = Text("-" if rate is None else f"{rate:,.1f}")
    if narrow:
        return [first, failed, Text(milliseconds(run["p95_ms"]))]
    times = (Text(milliseconds(run[key])) for key in ("p50_ms", "p95_ms", "p99_ms"))
    return [first, Text(f"{run['requests']:,}"), failed, *times]
