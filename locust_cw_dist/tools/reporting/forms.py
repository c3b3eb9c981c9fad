"""Forms: the report of a run as JSON, CSV and plain text; `markdown` has the one for pull requests."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from locust_cw_dist.core.records.documents import an_object
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.words import changed, interval, label, measured, number
from locust_cw_dist.tools.reporting.run_facts import EndpointRow, RunFacts

VERSION = 1
"""Of the JSON's form: raised when a reader of the old one would be misled."""

COLUMNS = 120

ENDPOINT_FIGURES = ("requests", "failures", "per_s", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms")
TITLES = ("requests", "failures", "req/s", "mean", "p50", "p95", "p99", "max")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""


def as_json(facts: RunFacts, changes: Outcome | None = None) -> str:
    """Return a report as JSON: docs/report.md has the fields."""
    run, banner = facts.run, facts.banner
    document = {
        "version": VERSION,
        "run_id": run.run_id,
        "title": facts.title,
        "labels": run.labels,
        "started_s": run.start_s,
        "duration_s": round(run.duration_s, 3),
        "result": {"word": banner.word, "exit_code": banner.code, "reason": banner.reason},
        "measurement": {"verdict": run.verdict or None, "words": banner.trust, "reasons": list(banner.doubts)},
        "warnings": list(facts.warnings),
        "rules": run.rules,
        "total": _figures(facts.total),
        "endpoints": [{"name": row.key[0], "method": row.key[1], **_figures(row)} for row in facts.endpoints],
        "failures": [
            {"reason": reason, "name": key[0], "method": key[1], "requests": count}
            for key, reason, count in facts.failures
        ],
        "ledger": an_object(run.status, "ledger"),
    }
    if changes is not None:
        document["baseline"] = {"run_id": changes.bases[0].run_id, "changes": _changes(changes)}
    return json.dumps(document, indent=2) + "\n"


def as_csv(facts: RunFacts) -> str:
    """Return the endpoints as CSV, all together first; names never begin what a spreadsheet takes for a formula."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "method", *ENDPOINT_FIGURES])
    for row in (facts.total, *facts.endpoints):
        figures = _figures(row)
        writer.writerow([*map(_cell, row.key), *(figures[name] for name in ENDPOINT_FIGURES)])
    return text.getvalue()


def as_text(facts: RunFacts, changes: Outcome | None = None) -> str:
    """Return a report for a terminal or a log."""
    file = StringIO()
    console = Console(file=file, width=COLUMNS, highlight=False, color_system=None)
    banner = facts.banner
    lines = [f"{banner.word}: {banner.why}", *(f"  {line}" for line in banner.few_causes)]
    lines += [f"{banner.trust[:1].upper()}{banner.trust[1:]}", *(f"  {line}" for line in banner.few_doubts)]
    for line in ["", facts.title, facts.when, "", *lines, *facts.warnings]:
        console.print(Text(line), soft_wrap=True)
    if facts.rules:
        rules = [(rule.name, rule.state, rule.observed, rule.limit) for rule in facts.rules]
        console.print(_table(("rule", ""), ("observed", "limit"), rules))
    endpoints = [(label(row.key), *shown_figures(row)) for row in (facts.total, *facts.endpoints)]
    console.print(_table(("endpoint",), TITLES, endpoints))
    if facts.failures:
        console.print(_table(("failure", "of"), ("requests",), [(r, label(k), f"{n:,}") for k, r, n in facts.failures]))
    if changes is not None:
        titles = ("base", "now", "change", "interval")
        console.print(_table((f"against {changes.bases[0].run_id}", "figure", ""), titles, changed_rows(changes)))
    return file.getvalue()


def shown_figures(row: EndpointRow) -> list[str]:
    """Return the figures of an endpoint as people read them, in the order of `TITLES`."""
    times = (row.mean_ms, row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms)
    failures = f"{row.failures:,} ({number(row.failed_percent)} %)" if row.failures else "0"
    return [
        f"{row.requests:,}",
        failures,
        number(row.per_s),
        *("-" if time is None else measured(time, "ms") for time in times),
    ]


def changed_rows(changes: Outcome) -> list[tuple[str, ...]]:
    """Return what changed against a baseline and counts: endpoint, figure, state, base, now, change and interval."""
    return [
        (
            label(change.endpoint),
            change.figure.title,
            change.state.value,
            measured(change.base, change.figure.unit),
            measured(change.candidate, change.figure.unit),
            changed(change),
            interval(change),
        )
        for change in changes.changes
        if change.state.value in {"worse", "better"}
    ]


def _figures(row: EndpointRow) -> dict[str, Any]:
    figures = asdict(row)
    return {name: _rounded(figures[name]) for name in (*ENDPOINT_FIGURES, "bytes_mean")}


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.6g}")


def _changes(changes: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "name": change.endpoint[0],
            "method": change.endpoint[1],
            "figure": change.figure.name,
            "state": change.state.value,
            "base": _rounded(change.base),
            "now": _rounded(change.candidate),
            "change": _rounded(change.change),
            "low": _rounded(change.low),
            "high": _rounded(change.high),
        }
        for change in changes.changes
    ]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _table(texts: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in texts:
        table.add_column(title, overflow="fold")
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
