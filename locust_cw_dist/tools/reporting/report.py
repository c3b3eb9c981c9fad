"""Report: the page about one run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.pages.page import Markup, badge, cards, cell, details, notices, page, plots, section, table
from locust_cw_dist.tools.comparison.comparability import of_one
from locust_cw_dist.tools.comparison.words import label, measured, number
from locust_cw_dist.tools.reporting.series import page_data

PLOTS = (
    ("throughput", "Requests and failures a second, users"),
    ("percentiles", "Response time, ms"),
    ("reasons", "Failures a second, by reason"),
    ("distribution", "Response-time distribution, % of requests"),
    ("load", "Load generators: CPU of the workers, %"),
)

VERDICTS = {"valid": "good", "suspect": "doubtful", "invalid": "bad"}
STATES = {"passed": "good", "failed": "bad", "warned": "doubtful"}


def report(run: Record, tick: Callable[[float], None] = lambda _: None) -> str:
    """Return the page; `tick` is told how much of the work is done, from 0 to 1."""
    title = f"Load test {run.run_id}"
    body = [
        _header(run),
        notices(of_one(run)),
        cards(_cards(run)),
        _rules(run),
        plots(PLOTS),
        section("Endpoints", _endpoints(run), note="Click a column's title to sort by it."),
        section("Failures", _failures(run)),
        section("How it was run", _how(run)),
    ]
    return page(title, "".join(body), page_data([run], [run.run_id], tick))


def _header(run: Record) -> str:
    service = run.options.get("cw_service") or run.options.get("host") or "Load test"
    state = badge(run.verdict, VERDICTS.get(run.verdict, "plain")) if run.verdict else ""
    labels = "".join(badge(f"{key}: {value}", "plain") for key, value in run.labels.items())
    when = f"{_time(run.start_s)} UTC, {_duration(run.duration_s)}, run {run.run_id}"
    return f'<header><h1>{cell(service)} {state}</h1><p class="note">{cell(when)}</p><p>{labels}</p></header>'


def _cards(run: Record) -> list[tuple[str, str, str]]:
    whole = Summary()
    for summary in run.endpoints().values():
        whole.merge(summary)
    users, workers = run.gauge("users"), run.gauge("workers")
    seconds = run.duration_s or 1.0
    found = [
        ("Requests", f"{whole.count:,}", f"{number(whole.count / seconds)} a second"),
        ("Failures", f"{number(_ratio(whole))} %", f"{whole.failure_count:,} requests"),
    ]
    if whole.untimed_count:
        found.append(("Without a time", f"{whole.untimed_count:,}", "requests, not in percentiles and means"))
    if whole.timed_count:
        times = whole.response_times()
        found += [
            ("Median", measured(times.percentile(50), "ms"), f"mean {measured(times.sum_ms / times.count, 'ms')}"),
            ("p95", measured(times.percentile(95), "ms"), f"p99 {measured(times.percentile(99), 'ms')}"),
        ]
    if users is not None:
        counted = f"on {workers.maximum:,.0f} workers" if workers and run.begin.get("is_distributed") else "one process"
        found.append(("Users", f"{users.maximum:,.0f}", counted))
    return found


def _endpoints(run: Record) -> str:
    headers = ("Endpoint", "Requests", "Failures", "Requests/s", "Mean", "p50", "p95", "p99", "Max", "Bytes")
    rows = []
    for key, summary in run.endpoints().items():
        failed, rate = _ratio(summary), summary.count / (run.duration_s or 1.0)
        size = summary.bytes_sum / summary.bytes_count if summary.bytes_count else 0.0
        rows.append(
            (
                label(key),
                (f"{summary.count:,}", summary.count),
                (_failed(failed), failed),
                (number(rate), rate),
                *_times(summary.response_times()),
                (number(size), size),
            )
        )
    return table(headers, rows, kind="sortable") if rows else ""


def _times(times: Histogram) -> list[tuple[str, float]]:
    if not times.count:
        return [("-", -1.0)] * 5
    figures = [times.sum_ms / times.count, *(times.percentile(p) for p in (50, 95, 99)), times.max_ms]
    return [(measured(value, "ms"), value) for value in figures]


def _failed(percent: float) -> Any:
    return badge(f"{number(percent)} %", "bad") if percent else "0 %"


def _failures(run: Record) -> str:
    rows = [
        (reason, label((name, method)), (f"{count:,}", count))
        for (name, method, reason), count in run.reasons().most_common(100)
    ]
    return table(("Reason", "Endpoint", "Requests"), rows, texts=2, kind="sortable") if rows else ""


def _rules(run: Record) -> str:
    rules = [rule for rule in run.outcome.get("rules") or [] if isinstance(rule, dict)]
    rows = [
        (
            rule.get("rule"),
            badge(str(state := rule.get("state")), STATES.get(str(state), "plain")),
            rule.get("observed"),
        )
        for rule in rules
    ]
    verdict = run.outcome.get("verdict")
    reasons = verdict.get("reasons") if isinstance(verdict, dict) else None
    said = notices(str(reason) for reason in reasons or [])
    return section("Rules and verdict", (table(("Rule", "", "Observed"), rows, texts=2) if rows else "") + said)


def _how(run: Record) -> str:
    versions = run.begin.get("versions")
    facts = {"git revision": run.begin.get("git_revision")} | run.options
    facts |= versions if isinstance(versions, dict) else {}
    rows = [(name, _plain(value)) for name, value in facts.items() if value not in (None, "", [])]
    ledger = [(name, _plain(value)) for name, value in run.ledger.items()]
    workers = [
        (
            worker.get("worker"),
            worker.get("cpu_percent"),
            f"{(worker.get('memory_bytes') or 0) / 2**20:.0f} MiB",
            worker.get("clock_offset_s"),
            "yes" if worker.get("done") else Markup("<b>no</b>"),
        )
        for worker in run.workers
    ]
    columns = ("Worker", "CPU, %", "Memory", "Clock offset, s", "All results in")
    return (
        details("Options and versions", table(("", ""), rows, texts=2))
        + details("Ledger of results", table(("", "Results"), ledger) if ledger else "")
        + details(f"Workers ({len(workers)})", table(columns, workers) if workers else "")
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items()) or "0"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _ratio(summary: Summary) -> float:
    return 100 * summary.failure_count / summary.count if summary.count else 0.0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"
