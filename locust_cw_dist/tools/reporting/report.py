"""Report: the page about one run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.core.progress.ledger_words import ledger_parts, ledger_sentence
from locust_cw_dist.core.publish.ledger import lost_of
from locust_cw_dist.core.records.documents import a_number, an_object
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.pages.page import Sortable, render
from locust_cw_dist.tools.comparison.comparability import of_one
from locust_cw_dist.tools.comparison.words import label, measured, number
from locust_cw_dist.tools.reporting.banner import banner_of
from locust_cw_dist.tools.reporting.rule_rows import rule_rows
from locust_cw_dist.tools.reporting.series import page_data


def report(run: Record, title: str | None = None, tick: Callable[[float], None] = lambda _: None) -> str:
    """Return the page.

    Args:
        run: The run.
        title: What it is called; by default what `title_of` says.
        tick: Told how much of the work is done, from 0 to 1.
    """
    rules = rule_rows(run)
    values = {
        "run_id": run.run_id,
        "title": title or title_of(run),
        "banner": banner_of(run, rules),
        "host": run.options.get("host"),
        "start": _time(run.start_s),
        "duration": _duration(run.duration_s),
        "labels": list(run.labels.items()),
        "warnings": [line for line in of_one(run) if not _is_in_banner(line)],
        **_ledger(run),
        "cards": _cards(run),
        "rules": rules,
        "endpoints": [_endpoint(key, summary, run.duration_s or 1.0) for key, summary in run.endpoints().items()],
        "failures": _failures(run),
        "facts": _facts(run),
        "ledger": [(_ledger_name(run, name), _plain(value)) for name, value in run.ledger.items()],
        "workers": _workers(run),
    }
    return render("report.html.j2", values, page_data([run], [run.run_id], tick))


def title_of(run: Record) -> str:
    """Return what a run is called: by its service and its labels, not by the host that it was run against."""
    labels = ", ".join(f"{key} {value}" for key, value in run.labels.items())
    service = str(run.options.get("cw_service") or "Load test")
    return f"{service}: {labels}" if labels else service


def _is_in_banner(warning: str) -> bool:
    return warning.endswith((" is suspect", " is invalid")) or " did not end in order" in warning


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


def _endpoint(key: EndpointKey, summary: Summary, seconds: float) -> dict[str, Any]:
    failed, rate = _ratio(summary), summary.count / seconds
    size = summary.bytes_sum / summary.bytes_count if summary.bytes_count else 0.0
    return {
        "endpoint": label(key),
        "requests": Sortable(f"{summary.count:,}", summary.count),
        "failed": Sortable(f"{number(failed)} %", failed),
        "rate": Sortable(number(rate), rate),
        "times": _times(summary.response_times()),
        "bytes": Sortable(number(size), size),
    }


def _times(times: Histogram) -> list[Sortable]:
    if not times.count:
        return [Sortable("-", -1.0)] * 5
    figures = [times.sum_ms / times.count, *(times.percentile(p) for p in (50, 95, 99)), times.max_ms]
    return [Sortable(measured(value, "ms"), value) for value in figures]


def _failures(run: Record) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "endpoint": label((name, method)), "requests": Sortable(f"{count:,}", count)}
        for (name, method, reason), count in run.reasons().most_common(100)
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


def _facts(run: Record) -> list[tuple[str, str]]:
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


def _ratio(summary: Summary) -> float:
    return 100 * summary.failure_count / summary.count if summary.count else 0.0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"
