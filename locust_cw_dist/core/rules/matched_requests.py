"""Feeds: what rules look at: the requests that they mean, over the whole run and by window, from merged summaries.

Rules that mean the same requests share a feed. Where one of them has a sliding window, the feed keeps the closed
windows that such a window may still need: those in it, and those before it for which results may come late.

Nothing here computes for long at a time: what goes over many endpoints is a generator that stops after each.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from locust_cw_dist.core.names.name_pattern import TooSlowError
from locust_cw_dist.core.rules.rule import Figure, Rule
from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.summaries.windows import window_start_s

MAX_LATE_S = 900
"""How late results may come and still count in the sliding windows that they belong to. In figures of the whole run
they count whenever they come."""

MAX_WINDOWS_IN_ONE = 360
"""How many windows of `resolution` seconds a sliding one may have: an hour at 10 s, six minutes at 1 s."""

MAX_REMEMBERED = 10_000
"""Endpoints of which is remembered who looks at them; then all are forgotten and looked up anew."""


@dataclass(slots=True)
class Results:
    """Response times of successful and of failed requests, and how many have none, mergeable."""

    successes: Histogram = field(default_factory=Histogram)
    failures: Histogram = field(default_factory=Histogram)
    untimed_successes: int = 0
    untimed_failures: int = 0

    def add(self, other: Summary | Results) -> None:
        """Add what `other` holds; `other` stays as it is."""
        self.successes.merge(other.successes)
        if other.failures is not None:
            self.failures.merge(other.failures)
        self.untimed_successes += other.untimed_successes
        self.untimed_failures += other.untimed_failures

    def requests(self, rule: Rule) -> int:
        """Return the number of requests that a rule looks at; where it looks at times, of those that have one."""
        successes, failures = self.successes.count, self.failures.count
        if not rule.figure.is_time:
            successes += self.untimed_successes
            failures += self.untimed_failures
        return successes + (0 if rule.successful_only else failures)

    def untimed(self, rule: Rule) -> int:
        """Return the number of requests that a rule on times would look at if they had one."""
        if not rule.figure.is_time:
            return 0
        return self.untimed_successes + (0 if rule.successful_only else self.untimed_failures)

    def value(self, rule: Rule, seconds: float) -> float | None:
        """Return a rule's figure, in the unit of its limit; None where there is none.

        Args:
            rule: The rule.
            seconds: How long it took, for requests per second.
        """
        requests = self.requests(rule)
        if requests < rule.min_requests:
            return None
        if rule.figure is Figure.COUNT:
            return requests
        if rule.figure is Figure.RPS:
            return requests / seconds if seconds > 0 else None
        if not requests:
            return None
        if rule.figure is Figure.FAILURE_RATIO:
            return (self.failures.count + self.untimed_failures) / requests
        return self._time_ms(rule, self.successes if rule.successful_only else self._together())

    def _together(self) -> Histogram:
        together = self.successes.copy()
        together.merge(self.failures)
        return together

    @staticmethod
    def _time_ms(rule: Rule, times: Histogram) -> float:
        if rule.percentile is not None:
            return times.percentile(rule.percentile)
        return times.max_ms if rule.figure is Figure.MAX else times.sum_ms / times.count


@dataclass(slots=True)
class Feed:
    """The requests that some rules mean.

    Attributes:
        rule: One of these rules.
        begin_s: Windows that begin earlier are left out: the warm-up.
        keep_s: How far back windows are needed; 0 where no rule has a sliding window.
        total: All requests.
        windows: Requests by the start of their window, as far back as they are needed.
        touched: Starts of windows that have changed since they were last looked at.
        first_s: Start of the first window.
        too_late: Requests that came too late for the sliding windows that they belong to.
        unmatched: What to tell the user of a name of which it can't be told in time whether it is meant; empty if none.
    """

    rule: Rule
    begin_s: float
    keep_s: int = 0
    total: Results = field(default_factory=Results)
    windows: dict[int, Results] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    first_s: float = math.inf
    too_late: int = 0
    unmatched: str = ""

    def means(self, request: str, method: str) -> bool:
        """Whether such requests are meant; if that can't be told, they are not, and `unmatched` says so."""
        try:
            return self.rule.matches(request, method)
        except TooSlowError as e:
            self.unmatched = self.unmatched or str(e)
            return False

    def add(self, start_s: int, summary: Summary, kept_since_s: float) -> None:
        """Add the requests of a window."""
        if start_s < self.begin_s:
            return
        self.total.add(summary)
        if not self.keep_s:
            return
        if start_s < kept_since_s:
            self.too_late += summary.count
            return
        self.first_s = min(self.first_s, start_s)
        self.windows.setdefault(start_s, Results()).add(summary)
        self.touched.add(start_s)

    def forget(self, needed_since_s: float) -> None:
        """Drop the windows that no sliding one can need any more."""
        for start_s in [start_s for start_s in self.windows if start_s < needed_since_s - self.keep_s]:
            del self.windows[start_s]

    def between(self, begin_s: int, end_s: int, resolution_s: int) -> Generator[None, None, Results]:
        """Merge the windows from `begin_s` to before `end_s`; yields after each, and returns what they come to."""
        merged = Results()
        for start_s in range(begin_s, end_s, resolution_s):
            window = self.windows.get(start_s)
            if window is not None:
                merged.add(window)
                yield
        return merged


class Feeds:
    """All feeds of one run.

    State: touched by whoever judges only.
    """

    def __init__(self, rules: Iterable[Rule], started_s: float, resolution_s: int) -> None:
        """Feed `rules`, in a run that started then, from windows of `resolution_s`."""
        self._resolution_s = resolution_s
        self._feeds: dict[tuple[str | None, str | None, int], Feed] = {}
        self._looking_at: dict[EndpointKey, tuple[Feed, ...]] = {}
        for rule in rules:
            feed = self._feeds.setdefault(_key(rule), Feed(rule, self._begin_s(rule, started_s)))
            feed.keep_s = max(feed.keep_s, rule.window_s or 0)

    def __iter__(self) -> Iterator[Feed]:
        """Iterate over them."""
        return iter(self._feeds.values())

    def of(self, rule: Rule) -> Feed:
        """Return the feed of a rule."""
        return self._feeds[_key(rule)]

    def add(self, window: ClosedWindow, complete_s: float) -> Iterator[None]:
        """Add a window, an endpoint at a time; `complete_s` is up to when all windows have been added once."""
        for key, summary in window.summaries.items():
            for feed in self._of_endpoint(key):
                feed.add(window.start_s, summary, complete_s - MAX_LATE_S)
            yield

    def _of_endpoint(self, key: EndpointKey) -> tuple[Feed, ...]:
        feeds = self._looking_at.get(key)
        if feeds is None:
            if len(self._looking_at) >= MAX_REMEMBERED:
                self._looking_at.clear()
            feeds = self._looking_at[key] = tuple(feed for feed in self if feed.means(*key))
        return feeds

    def _begin_s(self, rule: Rule, started_s: float) -> float:
        # A window that begins during the warm-up is left out as a whole.
        if not rule.warm_up_s:
            return -math.inf
        until_s = started_s + rule.warm_up_s
        begin_s = window_start_s(until_s, self._resolution_s)
        return begin_s if begin_s == until_s else begin_s + self._resolution_s


def _key(rule: Rule) -> tuple[str | None, str | None, int]:
    return rule.request, rule.method, rule.warm_up_s
