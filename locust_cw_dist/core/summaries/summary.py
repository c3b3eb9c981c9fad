"""Summary: what is kept of all results of one endpoint in one window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from locust_cw_dist.core.summaries.histogram import Histogram
from locust_cw_dist.core.summaries.request_result import MAX_RESPONSE_BYTES

MAX_REASONS = 20
"""Distinct failure reasons that a Summary names: enough for an endpoint that fails in many ways, few enough to travel
with every window."""

OTHER_REASONS = "(other)"
"""Stands for all reasons beyond the named ones."""


@dataclass(slots=True)
class Summary:
    """All results of one endpoint in one window, mergeable.

    Everything but `reasons` merges as if all results had been recorded here. `reasons` is capped, so what
    it holds depends on the order of things once more than `MAX_REASONS` distinct ones were seen. What
    holds always: its counts add up to `failure_count`; no reason has a higher count than it occurred; it
    has at most `MAX_REASONS` entries and `OTHER_REASONS`. With at most `MAX_REASONS` distinct reasons
    overall it is exact.

    Attributes:
        successes: Response times of successful results.
        failures: Response times of failed results; None as long as there is none.
        untimed_successes: Successful results without a usable response time; they are in no histogram.
        untimed_failures: The same of failed results.
        bytes_count: Successful results of which the response's length is known.
        bytes_sum: Sum of these lengths in bytes.
        bytes_min: The smallest of them; 0 as long as there is none.
        bytes_max: The largest of them; 0 as long as there is none.
        reasons: Failed results by reason.
    """

    successes: Histogram = field(default_factory=Histogram)
    failures: Histogram | None = None
    untimed_successes: int = 0
    untimed_failures: int = 0
    bytes_count: int = 0
    bytes_sum: int = 0
    bytes_min: int = 0
    bytes_max: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of results, with or without a response time."""
        return self.timed_count + self.untimed_count

    @property
    def timed_count(self) -> int:
        """Number of results with a response time: those that means and percentiles are made of."""
        return self.successes.count + (self.failures.count if self.failures is not None else 0)

    @property
    def untimed_count(self) -> int:
        """Number of results without a usable response time."""
        return self.untimed_successes + self.untimed_failures

    @property
    def failure_count(self) -> int:
        """Number of failed results, with or without a response time."""
        return self.untimed_failures + (self.failures.count if self.failures is not None else 0)

    def record_success(self, response_time_ms: float | None, response_bytes: int | None) -> None:
        """Add a successful result; what the client did not give is None.

        Raises:
            ValueError: As `Histogram.record`; nothing is recorded then.
        """
        if response_time_ms is None:
            self.untimed_successes += 1
        else:
            self.successes.record(response_time_ms)
        if response_bytes is not None:
            self.add_bytes(1, response_bytes, response_bytes, response_bytes)

    def fold_successes(self, response_times_ms: list[float], response_bytes: list[int]) -> None:
        """Add successful results, as `Histogram.fold` takes them, each with its response's length.

        A length that is out of range stands for one that is not known.
        """
        self.successes.fold(response_times_ms)
        low, high = min(response_bytes), max(response_bytes)
        if low >= 0 and high <= MAX_RESPONSE_BYTES:
            self.add_bytes(len(response_bytes), sum(response_bytes), low, high)
        elif known := [length for length in response_bytes if 0 <= length <= MAX_RESPONSE_BYTES]:
            self.add_bytes(len(known), sum(known), min(known), max(known))

    def record_failure(self, response_time_ms: float | None, reason: str) -> None:
        """Add a failed result; `response_time_ms` is None where the client gave none.

        Raises:
            ValueError: As `Histogram.record`; nothing is recorded then.
        """
        if response_time_ms is None:
            self.untimed_failures += 1
        else:
            failures = self.failures or Histogram()
            failures.record(response_time_ms)
            self.failures = failures
        reasons = self.reasons
        if reason not in reasons and len(reasons) - (OTHER_REASONS in reasons) >= MAX_REASONS:
            reason = OTHER_REASONS
        reasons[reason] = reasons.get(reason, 0) + 1

    def merge(self, other: Summary) -> None:
        """Add what `other` holds; `other` stays as it is and shares nothing with this one."""
        self.successes.merge(other.successes)
        if other.failures is not None:
            if self.failures is None:
                self.failures = Histogram()
            self.failures.merge(other.failures)
        self.untimed_successes += other.untimed_successes
        self.untimed_failures += other.untimed_failures
        if other.bytes_count:
            self.add_bytes(other.bytes_count, other.bytes_sum, other.bytes_min, other.bytes_max)
        if other.reasons:
            self._add_reasons(other.reasons)

    def copy(self) -> Summary:
        """Return a Summary of its own with the same results."""
        return Summary(
            self.successes.copy(),
            None if self.failures is None else self.failures.copy(),
            self.untimed_successes,
            self.untimed_failures,
            self.bytes_count,
            self.bytes_sum,
            self.bytes_min,
            self.bytes_max,
            self.reasons.copy(),
        )

    def response_times(self) -> Histogram:
        """Return the response times of successes and failures together, in a histogram of its own."""
        together = self.successes.copy()
        if self.failures is not None:
            together.merge(self.failures)
        return together

    def add_bytes(self, count: int, total: int, low: int, high: int) -> None:
        """Add the lengths of `count` responses, at least one."""
        if self.bytes_count:
            # As in Histogram.add.
            if low < self.bytes_min:  # noqa: PLR1730
                self.bytes_min = low
            if high > self.bytes_max:  # noqa: PLR1730
                self.bytes_max = high
        else:
            self.bytes_min, self.bytes_max = low, high
        self.bytes_count += count
        self.bytes_sum += total

    def _add_reasons(self, reasons: dict[str, int]) -> None:
        """Add counts by reason and keep the most frequent; of equally frequent ones the first by name."""
        tally = self.reasons
        for reason, count in reasons.items():
            tally[reason] = tally.get(reason, 0) + count
        named = sorted((reason for reason in tally if reason != OTHER_REASONS), key=lambda r: (-tally[r], r))
        for reason in named[MAX_REASONS:]:
            tally[OTHER_REASONS] = tally.get(OTHER_REASONS, 0) + tally.pop(reason)


def merged(summaries: Sequence[Summary]) -> Summary:
    """Return what all of them hold, which stay as they are: of a single one itself, else a Summary of its own."""
    first, *others = summaries
    if not others:
        return first
    together = first.copy()
    for other in others:
        together.merge(other)
    return together
