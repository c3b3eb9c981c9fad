"""Words: figures and changes as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.verdict.exit_codes import NOT_RELIABLE
from locust_cw_dist.tools.comparison.compare import Change, State
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.figures import Figure, needed
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.outlook import Outlook


def label(endpoint: EndpointKey) -> str:
    """Return an endpoint as a table shows it: on one line, with escapes for what is not to be printed."""
    name, method = endpoint
    text = f"{method} {name}".strip()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def number(value: float) -> str:
    """Return a number with three digits, or all before the point."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def measured(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    if unit == "ms" and value >= 10_000:
        return f"{number(value / 1000)} s"
    return f"{number(value)}/s" if unit == "1/s" else f"{number(value)} {unit}"


def changed(change: Change) -> str:
    """Return by how much a figure changed."""
    return signed(change.change, change.figure)


def interval(change: Change) -> str:
    """Return the interval of a change."""
    return f"{signed(change.low, change.figure)} to {signed(change.high, change.figure)}"


def failed(decision: Decision) -> list[str]:
    """Return what fails by --fail-on, a line each."""
    worse = [f"{change.figure.title} of {label(change.endpoint)} {changed(change)}" for change in decision.worse]
    return worse + [
        f"{label(gap.endpoint)} is missing: {gap.base_requests:,} requests in the base, none in the candidate"
        for gap in decision.missing
    ]


def not_judged(decision: Decision) -> list[str]:
    """Return what --fail-on could not judge, a line each."""
    found = [
        f"{label(gap.endpoint)}: {gap.base_requests:,} requests in the base, {gap.candidate_requests:,} in the "
        f"candidate: {why(gap, figures)}"
        for gap, figures in decision.not_judged
    ]
    return found + list(decision.unreliable)


def why(gap: Gap, figures: Iterable[Figure]) -> str:
    """Return why these figures of a gap are not judged."""
    if gap.reason:
        return gap.reason
    groups: dict[str, list[str]] = {}
    for figure in figures:
        groups.setdefault(_has(gap, figure), []).append(f"{figure.title} needs {needed(figure):,}")
    return "; ".join(f"{has}: {', '.join(needs)}" for has, needs in groups.items())


def _has(gap: Gap, figure: Figure) -> str:
    has = gap.figures[figure]
    what = "response times" if figure.unit == "ms" else "requests"
    # Enough in all can still be too few in most of the draws of the bootstrap.
    return f"{'barely' if has >= needed(figure) else 'only'} {has:,} {what}"


def endings(decision: Decision) -> list[str]:
    """Return the exit code of a gate with its reason, and what lets pass what did not."""
    found = [f"exit code {decision.code}: {_ending(decision)}"]
    if decision.missing:
        found.append("--allow-missing lets missing endpoints pass.")
    if decision.not_judged:
        found.append(
            "Longer runs have more to judge. --min-requests N lets endpoints pass that had fewer requests in the base."
        )
    return found


def headline(outcome: Outcome) -> str:
    """Return in one line what a comparison comes to, and what would tell more."""
    if not outcome.changes:
        return "Nothing could be compared."
    worse, better = (sum(one.state is state for one in outcome.changes) for state in (State.WORSE, State.BETTER))
    missing = sum(gap.kind is Kind.MISSING for gap in outcome.gaps)
    parts = [f"{_many(worse, 'figure')} got worse" if worse else "No regression found"]
    parts += [f"{_many(better, 'figure')} got better"] * bool(better)
    parts += [f"{_many(missing, 'endpoint')} missing"] * bool(missing)
    if outcome.outlook.unclear:
        parts.append(f"{_many(outcome.outlook.unclear, 'figure')} unclear: {_would_tell(outcome.outlook)}")
    return "; ".join(parts) + "."


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _would_tell(outlook: Outlook) -> str:
    longer = "" if outlook.longer_s is None else f"about {_longer(outlook.longer_s)} more in each run"
    more = "" if outlook.more_bases is None else f"{_many(outlook.more_bases, 'more base run')}"
    if longer and more:
        return f"{longer}, or {more}, would tell most of them"
    if longer:
        return f"{longer} would tell most of them, more base runs alone would not"
    if more:
        return f"{more} would tell most of them, longer runs alone would not"
    return "neither longer runs nor more base runs would tell; a larger --min-change would"


def _longer(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes >= 120:
        return f"{math.ceil(minutes / 60)} hours"
    return _many(minutes if minutes < 10 else 5 * math.ceil(minutes / 5), "minute")


def _ending(decision: Decision) -> str:
    if decision.code == NOT_RELIABLE:
        return "nothing fails by --fail-on, but not everything could be judged"
    parts = ["something got worse"] if decision.worse else []
    if decision.missing:
        number = len(decision.missing)
        parts.append("an endpoint is missing" if number == 1 else f"{number} endpoints are missing")
    return " and ".join(parts) or "nothing fails by --fail-on"


def signed(value: float, figure: Figure) -> str:
    """Return a change of a figure with its sign and unit."""
    unit = "%" if figure.is_ratio else "points"
    text = f"{value:+.1f}" if abs(value) < 10 else f"{value:+,.0f}"
    return f"{'0.0' if text in {'+0.0', '-0.0'} else text} {unit}"
