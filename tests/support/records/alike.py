"""Runs in memory whose windows hang together, by the dozen: `python tests/support/records/alike.py` measures alarms.

The log of an endpoint's median wanders from window to window as an autoregressive process of first order does.
"""

from __future__ import annotations

import math
import random

from locust_cw_dist.core.records.points import Point
from locust_cw_dist.core.records.record import Record
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.tools.comparison.compare import Change, Choices, State, compare

SPAN_S = 10


def run(
    seed: int, windows: int, correlation: float, drift: float, *, requests: int = 60, factor: float = 1.0
) -> Record:
    """Return a run of one endpoint.

    Args:
        seed: What chance does.
        windows: How many windows it has.
        correlation: Of neighbouring windows' medians.
        drift: Standard deviation of the log of a window's median.
        requests: In a window, on average.
        factor: By which it is slower than 100 ms.
    """
    chance, points = random.Random(seed), []
    deviation = chance.gauss(0, drift)
    for number in range(windows):
        summary, median = Summary(), math.log(100 * factor) + deviation
        times = [chance.lognormvariate(median, 0.4) for _ in range(max(1, round(chance.gauss(1, 0.03) * requests)))]
        summary.fold_successes(times, [100] * len(times))
        points.append(Point(number * SPAN_S, SPAN_S, {("/", "GET"): summary}))
        deviation = correlation * deviation + math.sqrt(1 - correlation**2) * chance.gauss(0, drift)
    stopped_s = float(windows * SPAN_S)
    return Record({"run_id": f"{seed}"}, {"ended": True, "stopped_s": stopped_s}, {}, tuple(points), SPAN_S)


def compared(seed: int, windows: int, correlation: float, drift: float, *, factor: float = 1.0) -> list[Change]:
    """Return the comparison of two runs alike, or of one that is slower by `factor`."""
    base = run(2 * seed, windows, correlation, drift)
    return compare([base], run(2 * seed + 1, windows, correlation, drift, factor=factor), Choices())


def is_alarm(changes: list[Change]) -> bool:
    """Whether a comparison says of any figure that it changed."""
    return any(change.state in {State.WORSE, State.BETTER} for change in changes)


if __name__ == "__main__":
    for drift in (0.05, 0.15):
        for windows in (3, 6, 12, 30):
            alarms = [sum(is_alarm(compared(s, windows, r, drift)) for s in range(200)) for r in (0.0, 0.5, 0.8)]
            print(drift, windows, *(f"{n / 2:.1f} %" for n in alarms), flush=True)
