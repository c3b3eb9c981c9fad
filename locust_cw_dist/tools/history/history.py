"""History: the figures of many runs in rows, and where each row shifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.tools.comparison.compare import Choices, State
from locust_cw_dist.tools.comparison.figures import FIGURES, Figure, change_percent, scaled, scaled_change, unscaled
from locust_cw_dist.tools.history.shifts import Shift, shifts_of
from locust_cw_dist.tools.history.store import Run
from locust_cw_dist.tools.history.summary import Level


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one endpoint over runs.

    Attributes:
        endpoint: (name, method).
        figure: The figure.
        group: Value of the label that runs are told apart by; empty if they are not.
        numbers: Numbers of the runs that have it, in order.
        levels: The figure in each of them.
        shifts: Where it shifts; `at` and the like count the row's own runs.
    """

    endpoint: EndpointKey
    figure: Figure
    group: str
    numbers: tuple[int, ...]
    levels: tuple[Level, ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One shift of one row, as a reader wants it.

    Attributes:
        row: The row.
        shift: The shift.
        before: The figure before it.
        after: The figure after it.
        percent: By how much it changed, in per cent or percentage points.
        last_before: Number of the last run before it.
        first_after: Number of the first run after it.
        earliest: Number of the first run that may be the first one after it instead.
        latest: Number of the last one that may.
        runs_ago: How many runs of the row began later.
        state: Better or worse.
    """

    row: Row
    shift: Shift
    before: float
    after: float
    percent: float
    last_before: int
    first_after: int
    earliest: int
    latest: int
    runs_ago: int
    state: State


@dataclass(frozen=True, slots=True)
class History:
    """The history of a place.

    Attributes:
        runs: All runs that are looked at, oldest first.
        rows: Every figure of every endpoint, those of the busiest endpoints first.
        changes: Every shift, the newest first.
        left_out: What could not be read, a line each.
    """

    runs: Sequence[Run]
    rows: Sequence[Row]
    changes: Sequence[Change]
    left_out: Sequence[str]


def history_of(
    runs: Sequence[Run],
    choices: Choices,
    *,
    by: str = "",
    wants: Callable[[EndpointKey, Figure], bool] = lambda _endpoint, _figure: True,
    left_out: Sequence[str] = (),
) -> History:
    """Return the history of runs.

    Args:
        runs: The runs, oldest first. Those that are not whole are listed, and are in no row.
        choices: What counts.
        by: A label: runs with different values of it are no neighbours.
        wants: Which figures of which endpoints are looked at.
        left_out: What could not be read.
    """
    rows = [_row(key, runs, choices, numbers) for key, numbers in _rows(runs, by, wants).items()]
    changes = [_change(row, shift) for row in rows for shift in row.shifts]
    changes.sort(key=lambda one: (-one.first_after, -one.shift.score))
    return History(runs, rows, changes, left_out)


_Key = tuple[EndpointKey, Figure, str]


def _rows(runs: Sequence[Run], by: str, wants: Callable[[EndpointKey, Figure], bool]) -> dict[_Key, list[int]]:
    """Return the numbers of the runs in each row, as the newest run has the rows."""
    by_name = {figure.name: figure for figure in FIGURES}
    found: dict[_Key, list[int]] = {}
    for number in reversed(range(len(runs))):
        summary = runs[number].summary
        if summary.is_whole:
            group = f"{by}={summary.labels.get(by, '')}" if by else ""
            for endpoint, name in summary.levels:
                if wants(endpoint, by_name[name]):
                    found.setdefault((endpoint, by_name[name], group), []).append(number)
    return {key: numbers[::-1] for key, numbers in found.items()}


def _row(key: _Key, runs: Sequence[Run], choices: Choices, numbers: Sequence[int]) -> Row:
    endpoint, figure, group = key
    levels = tuple(runs[number].summary.levels[endpoint, figure.name] for number in numbers)
    values = [scaled(figure, level.value) for level in levels]
    least = scaled_change(figure, choices.counts_from(figure))
    shifts = shifts_of(values, [level.error for level in levels], least)
    return Row(endpoint, figure, group, tuple(numbers), levels, tuple(shifts))


def _change(row: Row, shift: Shift) -> Change:
    figure = row.figure
    percent = change_percent(figure, shift.after - shift.before)
    return Change(
        row,
        shift,
        unscaled(figure, shift.before),
        unscaled(figure, shift.after),
        percent,
        row.numbers[shift.at - 1],
        row.numbers[shift.at],
        row.numbers[shift.earliest],
        row.numbers[shift.latest],
        len(row.numbers) - 1 - shift.at,
        State.WORSE if (percent > 0) == figure.more_is_worse else State.BETTER,
    )
