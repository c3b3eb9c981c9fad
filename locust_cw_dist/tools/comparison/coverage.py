"""Coverage: what a comparison can't see: endpoints that are gone, that are new, or that have too little to judge.

A row of a comparison takes an endpoint that both sides have, and enough results in each. What has no row is named here,
so that neither a reader nor a gate takes silence for "nothing got worse".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.tools.comparison.bootstrap import MIN_BLOCKS
from locust_cw_dist.tools.comparison.compare import TOGETHER, Change, Choices
from locust_cw_dist.tools.comparison.figures import FIGURES, Figure, needed
from locust_cw_dist.tools.comparison.spans import after_warm_up, spans_of


class Kind(Enum):
    """Why an endpoint, or some of its figures, can't be judged; in the order in which it matters."""

    MISSING = "missing"
    TOO_FEW = "too few"
    NEW = "new"


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """What of one endpoint can't be judged.

    Attributes:
        endpoint: (name, method).
        kind: Why not.
        base_requests: Its requests after the warm-up; the most that any base run has.
        candidate_requests: The same of the candidate.
        figures: What is not judged, each with the number of results for it in the run that has fewest.
        lost: Names of those that the base has enough results for.
        reason: Why not, in words; empty where it is the number of results.
    """

    endpoint: EndpointKey
    kind: Kind
    base_requests: int
    candidate_requests: int
    figures: dict[Figure, int]
    lost: frozenset[str]
    reason: str

    @property
    def is_blind(self) -> bool:
        """Whether no figure of the endpoint is judged."""
        return len(self.figures) == len(FIGURES)


@dataclass(slots=True)
class _Amount:
    """What there is of an endpoint in one run.

    Attributes:
        requests: Results after the warm-up.
        compared: Those of them in windows that are compared.
        timed: Those of these whose response times are compared.
    """

    requests: int = 0
    compared: int = 0
    timed: int = 0

    def results_for(self, figure: Figure) -> int:
        return self.timed if figure.unit == "ms" else self.compared


_NOTHING = _Amount()


@dataclass(frozen=True, slots=True)
class _Run:
    """What there is in one run.

    Attributes:
        windows: Windows that are compared.
        amounts: What there is of each endpoint after the warm-up, and of all together.
        known: All endpoints of its record, the warm-up included.
    """

    windows: int
    amounts: dict[EndpointKey, _Amount]
    known: frozenset[EndpointKey]

    @classmethod
    def of(cls, record: Record, choices: Choices) -> _Run:
        compared = spans_of(record, choices.warm_up_s)
        amounts: dict[EndpointKey, _Amount] = {TOGETHER: _Amount()}
        for point in after_warm_up(record, choices.warm_up_s):
            _count(point, amounts)
        for point, _ in compared:
            _count_compared(point, amounts, successes_only=choices.successes_only)
        known = frozenset(key for point in record.points for key in point.summaries)
        return cls(len(compared), amounts, known)

    def amount(self, key: EndpointKey) -> _Amount:
        return self.amounts.get(key, _NOTHING)


def gaps_of(bases: Sequence[Record], candidate: Record, choices: Choices, changes: Sequence[Change]) -> list[Gap]:
    """Return what `changes` has no row for, those that matter most first.

    Args:
        bases: One run or several.
        candidate: The run that is judged.
        choices: What was compared.
        changes: What came out: `compare.compare`.
    """
    base_runs, run = [_Run.of(base, choices) for base in bases], _Run.of(candidate, choices)
    judged = {(change.endpoint, change.figure.name) for change in changes}
    found = []
    for key in dict.fromkeys(key for one in (*base_runs, run) for key in one.amounts):
        figures = tuple(figure for figure in FIGURES if (key, figure.name) not in judged)
        if figures:
            found.append(_gap(key, figures, base_runs, run))
    return sorted(found, key=_weight)


def without_results(runs: Iterable[Record], choices: Choices) -> list[str]:
    """Return the ids of runs that have nothing to compare: no window with a result."""
    return [run.run_id for run in runs if not any(span.point.summaries for span in spans_of(run, choices.warm_up_s))]


def _count(point: Point, amounts: dict[EndpointKey, _Amount]) -> None:
    for key, summary in point.summaries.items():
        for amount in (amounts.setdefault(key, _Amount()), amounts[TOGETHER]):
            amount.requests += summary.count


def _count_compared(point: Point, amounts: dict[EndpointKey, _Amount], *, successes_only: bool) -> None:
    for key, summary in point.summaries.items():
        timed = summary.successes.count if successes_only else summary.timed_count
        for amount in (amounts[key], amounts[TOGETHER]):
            amount.compared += summary.count
            amount.timed += timed


def _gap(key: EndpointKey, figures: tuple[Figure, ...], bases: Sequence[_Run], run: _Run) -> Gap:
    having = [base for base in bases if base.amount(key).compared]
    kind = _kind(key, bases, run)
    fewest = {figure: min((one.amount(key).results_for(figure) for one in having), default=0) for figure in figures}
    return Gap(
        key,
        kind,
        max(base.amount(key).requests for base in bases),
        run.amount(key).requests,
        {figure: min(count, run.amount(key).results_for(figure)) for figure, count in fewest.items()},
        frozenset(figure.name for figure, count in fewest.items() if count >= needed(figure)),
        _reason(key, kind, having, run),
    )


def _kind(key: EndpointKey, bases: Sequence[_Run], run: _Run) -> Kind:
    if key == TOGETHER:
        return Kind.TOO_FEW
    if not any(key in base.amounts for base in bases):
        return Kind.NEW
    return Kind.TOO_FEW if key in run.known or _is_folded(key, run) else Kind.MISSING


def _is_folded(key: EndpointKey, run: _Run) -> bool:
    """Whether an endpoint that a run does not have may be there all the same, under another name."""
    return OTHER in run.known or key == OTHER


def _reason(key: EndpointKey, kind: Kind, having: Sequence[_Run], run: _Run) -> str:
    if kind is Kind.MISSING:
        return "in the base, not in the candidate"
    if kind is Kind.NEW:
        return "in the candidate, not in the base"
    if key == OTHER and key not in run.known:
        return f"the candidate has no {OTHER[0]}"
    if key != TOGETHER and key not in run.known:
        return f"may be in the candidate's {OTHER[0]}"
    windows = min(one.windows for one in (*having, run))
    which = "the candidate" if windows == run.windows else "a base run"
    return f"{which} has {windows} of the {MIN_BLOCKS} windows it needs" if windows < MIN_BLOCKS else ""


def _weight(gap: Gap) -> tuple[int, bool, int, EndpointKey]:
    return list(Kind).index(gap.kind), not gap.is_blind, -max(gap.base_requests, gap.candidate_requests), gap.endpoint
