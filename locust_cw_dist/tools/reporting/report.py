"""Report: the page about one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from locust_cw_dist.core.progress.ledger_words import ledger_parts, ledger_sentence
from locust_cw_dist.core.publish.ledger import lost_of
from locust_cw_dist.core.records.documents import a_number, an_object
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.pages.page import Sortable, render
from locust_cw_dist.tools.comparison.words import label, measured, number
from locust_cw_dist.tools.reporting.run_facts import EndpointRow, RunFacts
from locust_cw_dist.tools.reporting.series import page_data

MAX_FAILURES = 100
"""Failure reasons that the page has, the most frequent."""


def report(run: Record, title: str | None = None, tick: Callable[[float], None] = lambda _: None) -> str:
    """Return the page.

    Args:
        run: The run.
        title: What it is called; by default what `title_of` says.
        tick: Told how much of the work is done, from 0 to 1.
    """
    facts = RunFacts.of(run, title)
    values = {
        "facts": facts,
        "host": run.options.get("host"),
        "labels": list(run.labels.items()),
        **_ledger(run),
        "cards": _cards(facts),
        "endpoints": list(map(_endpoint, facts.endpoints)),
        "failures": _failures(facts),
        "options": _options(run),
        "ledger": [(_ledger_name(run, name), _plain(value)) for name, value in run.ledger.items()],
        "workers": _workers(run),
    }
    return render("report.html.j2", values, page_data([run], [run.run_id], tick, facts.rules))


def _cards(facts: RunFacts) -> list[tuple[str, str, str]]:
    run, total = facts.run, facts.total
    users, workers = run.gauge("users"), run.gauge("workers")
    found = [
        ("Requests", f"{total.requests:,}", f"{number(total.per_s)} a second"),
        ("Failures", f"{number(total.failed_percent)} %", f"{total.failures:,} requests"),
    ]
    if untimed := run.untimed_count():
        found.append(("Without a time", f"{untimed:,}", "requests, not in percentiles and means"))
    if total.p50_ms is not None:
        found += [
            ("Median", _ms(total.p50_ms), f"mean {_ms(total.mean_ms)}"),
            ("p95", _ms(total.p95_ms), f"p99 {_ms(total.p99_ms)}"),
        ]
    if users is not None:
        counted = f"on {workers.maximum:,.0f} workers" if workers and run.begin.get("is_distributed") else "one process"
        found.append(("Users", f"{users.maximum:,.0f}", counted))
    return found


def _endpoint(row: EndpointRow) -> dict[str, Any]:
    times = (row.mean_ms, row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms)
    return {
        "endpoint": label(row.key),
        "requests": Sortable(f"{row.requests:,}", row.requests),
        "failed": Sortable(f"{number(row.failed_percent)} %", row.failed_percent),
        "rate": Sortable(number(row.per_s), row.per_s),
        "times": [Sortable(_ms(time), -1.0 if time is None else time) for time in times],
        "bytes": Sortable(number(row.bytes_mean), row.bytes_mean),
    }


def _ms(time: float | None) -> str:
    return "-" if time is None else measured(time, "ms")


def _failures(facts: RunFacts) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "endpoint": label(key), "requests": Sortable(f"{count:,}", count)}
        for key, reason, count in facts.failures[:MAX_FAILURES]
    ]


def _ledger(run: Record) -> dict[str, Any]:
    """Return the ledger as a sentence and a bar; neither where the record, a killed run's, has none."""
    counts = {name: round(a_number(run.ledger, name) or 0) for name in ("recorded", "published", "pending", "spooled")}
    if not counts["recorded"]:
        return {"sentence": "", "ledger_parts": []}
    reasons = an_object(run.ledger, "dropped")
    dropped = {reason: round(a_number(reasons, reason) or 0) for reason in reasons}
    ledger = {**counts, "dropped": dropped, "lost": lost_of(dropped)}
    status = "dry run" if run.options.get("cw_dry_run") else "publishing" if run.begin.get("publishes") else "off"
    return {"sentence": ledger_sentence(ledger, status), "ledger_parts": ledger_parts(ledger, status)}


def _ledger_name(run: Record, name: str) -> str:
    """Return what a number of the ledger is called; what nobody was sent is not called published."""
    if name != "published":
        return name
    if run.options.get("cw_dry_run"):
        return "would be published (dry run: nothing was sent)"
    return name if run.begin.get("publishes") else "received (nothing was to be published)"


def _options(run: Record) -> list[tuple[str, str]]:
    versions = run.begin.get("versions")
    facts = {"git revision": run.begin.get("git_revision")} | run.options
    facts |= versions if isinstance(versions, dict) else {}
    return [(name, _plain(value)) for name, value in facts.items() if value not in (None, "", [])]


def _workers(run: Record) -> list[dict[str, Any]]:
    return [
        {
            "name": worker.get("worker"),
            "cpu_percent": worker.get("cpu_percent"),
            "memory_mib": f"{(a_number(worker, 'memory_bytes') or 0) / 2**20:.0f}",
            "clock_offset_s": worker.get("clock_offset_s"),
            "is_done": worker.get("done"),
        }
        for worker in run.workers
    ]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items()) or "0"
    return f"{value:g}" if isinstance(value, float) else str(value)
