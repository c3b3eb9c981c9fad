"""CurrentWindow: the window of now, in which results are recorded: the hot path of a worker.

What Locust's own clients record is well-formed, and nearly all of it belongs to an endpoint and the window that were
there a moment ago. Such results wait in an `Intake`, at most `MAX_BATCH` for each endpoint, and are folded together,
which takes a sixth of the time of folding each by itself. An endpoint's intake is folded when it is full, when the
endpoint's first result of another window comes, and when its summary is taken: never all intakes at once, which would
hold the hub for 40 ms at 1,000 endpoints. Whatever looks at counters counts what waits.

For example, GET /cart has three results in the window from 10:00:00 on:

    41.7 ms    no intake: `summary_of` makes the summary and its intake, and the result is recorded there
    42.3 ms    intakes["GET"]["/cart"] takes it, without any call into this module
    "hello"    not well-formed: recorded by way of `summary_of`, as a failure is
    10:00:10   `leave`: intakes is empty, so the next result of each endpoint asks for a summary again; what waits of
               GET /cart is folded when its next one comes

State: touched only by the greenlet that fires the request event and by the one that cuts frames. Both run on the hub's
thread, and no method here yields, so neither sees the other in the middle.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import partial

from locust_cw_dist.core.summaries.histogram import MAX_BATCH
from locust_cw_dist.core.summaries.request_result import MAX_RESPONSE_BYTES
from locust_cw_dist.core.summaries.run_counters import OTHER, RunCounters
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary

MAX_LISTED = 51
"""Results that wait in an intake's lists: a fifth of a batch."""

_times: partial[array[float]] = partial(array, "d")
_lengths: partial[array[int]] = partial(array, "q")


@dataclass(slots=True)
class Intake:
    """Successful results of one endpoint in one window that wait to be folded.

    Whoever appends to the two lists calls `pack` when they hold `MAX_LISTED`. A result takes 72 bytes in them, but 16
    in the arrays that `pack` moves it to: 7 kB for each endpoint in all. (Appending to arrays takes 0.2 us longer. So
    does folding 100 results at a time, without arrays: what is done for a batch is not in the processor's cache.)

    Attributes:
        response_times_ms: Floats from 0 to `CEILING_MS`.
        response_bytes: As many integers, where one out of range stands for a length that is not known.
    """

    summary: Summary
    counters: RunCounters
    response_times_ms: list[float] = field(default_factory=list)
    response_bytes: list[int] = field(default_factory=list)
    _packed_times_ms: array[float] = field(default_factory=_times)
    _packed_bytes: array[int] = field(default_factory=_lengths)
    _counted: int = 0

    @property
    def waiting(self) -> int:
        """Number of results that wait."""
        return len(self._packed_times_ms) + len(self.response_times_ms)

    def count(self) -> None:
        """Count what waits and is not counted yet."""
        waiting = self.waiting
        self.counters.recorded += waiting - self._counted
        self._counted = waiting

    def pack(self) -> None:
        """Move what is in the lists; fold if that is a batch."""
        times_ms, lengths = self.response_times_ms, self.response_bytes
        # First of all: whatever goes wrong, they don't grow.
        self.response_times_ms, self.response_bytes = [], []
        try:
            self._packed_bytes.fromlist(lengths)
        # Of more than 64 bits, and so out of range.
        except OverflowError:
            self._packed_bytes.fromlist([length if 0 <= length <= MAX_RESPONSE_BYTES else -1 for length in lengths])
        self._packed_times_ms.fromlist(times_ms)
        if len(self._packed_times_ms) + MAX_LISTED > MAX_BATCH:
            self.fold()

    def fold(self) -> int:
        """Fold what waits; return how much that was."""
        times_ms, lengths, counted = self.response_times_ms, self.response_bytes, self._counted
        if self._packed_times_ms:
            times_ms, lengths = self._packed_times_ms.tolist() + times_ms, self._packed_bytes.tolist() + lengths
            self._packed_times_ms, self._packed_bytes = _times(), _lengths()
        self.response_times_ms, self.response_bytes, self._counted = [], [], 0
        if times_ms:
            self.summary.fold_successes(times_ms, lengths)
            self.counters.recorded += len(times_ms) - counted
        return len(times_ms)


class CurrentWindow:
    """Where results of now go, and those that wait to be folded.

    Attributes:
        intakes: Where results of this window wait, by method and then by name, until `until_s`. Always the same dict.
        start_s: Start of the window, seconds since the epoch.
        until_s: Its end, and `start_s` if there is none: then the next result has to look for it.
        summaries: What is folded of it.
        counters: Of its run.
    """

    def __init__(self, max_endpoints: int) -> None:
        """Have no window, and intakes for at most so many endpoints."""
        self.intakes: dict[str, dict[str, Intake]] = {}
        self.summaries: dict[EndpointKey, Summary] = {}
        self.counters = RunCounters()
        self._max_endpoints = max_endpoints
        # As they were first seen, so that all windows share the strings.
        self._known: dict[EndpointKey, EndpointKey] = {}
        # Of each endpoint the latest, also if its window was left since.
        self._latest: dict[EndpointKey, Intake] = {}
        self.leave()

    def enter(self, start_s: int, until_s: int, summaries: dict[EndpointKey, Summary], counters: RunCounters) -> None:
        """Record in `summaries`, and count in `counters`, what comes in this span."""
        self.leave()
        self.start_s, self.until_s, self.summaries, self.counters = start_s, until_s, summaries, counters

    def leave(self) -> None:
        """Record nothing more in this window; what waits stays until its summary is taken."""
        self.intakes.clear()
        self.start_s = self.until_s = 0
        self.summaries = {}

    def summary_of(self, key: EndpointKey) -> Summary:
        """Return the summary of an endpoint in this window, and see that it has an intake."""
        summary = self.summaries.get(key)
        if summary is None:
            if key not in self._known:
                if len(self._known) >= self._max_endpoints:
                    # Without an intake, for there may be any number of such names.
                    return self.summaries.setdefault(OTHER, Summary())
                self._known[key] = key
            key = self._known[key]
            summary = self.summaries[key] = Summary()
        name, method = key
        by_name = self.intakes.setdefault(method, {})
        if name not in by_name:
            by_name[name] = self._intake_of(key, summary)
        return summary

    def count_waiting(self) -> None:
        """Count what waits."""
        for intake in self._latest.values():
            intake.count()

    def fold_waiting(self, key: EndpointKey, summary: Summary) -> int:
        """Fold what waits for a summary that is taken; return how much that was."""
        intake = self._latest.get(key)
        if intake is None or intake.summary is not summary:
            return 0
        del self._latest[key]
        return intake.fold()

    def redirect_waiting(self, key: EndpointKey, summary: Summary, target: Summary) -> None:
        """Have what waits for `summary` folded into `target`, which has merged it."""
        intake = self._latest.get(key)
        if intake is not None and intake.summary is summary:
            intake.summary = target

    def discard_waiting(self) -> None:
        """Drop what waits."""
        self._latest = {}

    def _intake_of(self, key: EndpointKey, summary: Summary) -> Intake:
        """Return an endpoint's intake for `summary`, and fold what waits for an earlier window."""
        intake = self._latest.get(key)
        if intake is None or intake.summary is not summary or intake.counters is not self.counters:
            if intake is not None:
                intake.fold()
            intake = self._latest[key] = Intake(summary, self.counters)
        return intake
