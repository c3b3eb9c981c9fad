"""Evaluation: finds out whether the rules hold, from the merged windows of one run.

A rule without a window of its own is about the whole run: one value, at the end. One with a sliding window is about
every such window, wherever in the run: each that ends with a closed window of `resolution` seconds gives a value, and
the worst one decides. Sliding windows lie between the first closed window and the last; where a figure adds up
(requests per second, count) and must not fall below a limit, only those that lie in the run as a whole are looked at,
for a part of one always has less. Results that come late count, and the windows that they belong to are looked at
again.

A rule that may stop the run is looked at with each closed window: over a sliding window or over the run so far.

Generators stop after each piece of work, so that whoever runs them can let others have the processor.

State: touched by whoever judges only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from locust_cw_dist.core.rules import messages
from locust_cw_dist.core.rules.matched_requests import MAX_LATE_S, Feed, Feeds
from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Rule, RuleSet, Severity
from locust_cw_dist.core.summaries.window import ClosedWindow
from locust_cw_dist.core.summaries.windows import window_start_s


@dataclass(frozen=True, slots=True)
class Span:
    """When the test of a run started, and when it stopped; inf as long as it goes on."""

    started_s: float
    stopped_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Sight:
    """What a rule saw at some time: up to when, the value (None: nothing to judge), and of how many requests."""

    end_s: int
    value: float | None
    requests: int


@dataclass(slots=True)
class Tally:
    """What a rule saw in all its sliding windows so far.

    Attributes:
        windows: Windows that were looked at.
        judged: Those with a value.
        broken: Those in which the rule did not hold.
        worst: The one with the worst value.
        most_requests: The largest number of requests in a window, with a value or not.
    """

    windows: int = 0
    judged: int = 0
    broken: int = 0
    worst: Sight | None = None
    most_requests: int = 0

    def add(self, rule: Rule, sight: Sight) -> None:
        """Count one window."""
        self.windows += 1
        self.most_requests = max(self.most_requests, sight.requests)
        if sight.value is None:
            return
        self.judged += 1
        self.broken += not rule.holds(sight.value)
        if self.worst is None or self.worst.value is None or _is_worse(rule, sight.value, self.worst.value):
            self.worst = sight

    def copy(self) -> Tally:
        """Return one of its own with the same counts."""
        return Tally(self.windows, self.judged, self.broken, self.worst, self.most_requests)


def _is_worse(rule: Rule, value: float, than: float) -> bool:
    return value > than if rule.is_upper_limit else value < than


@dataclass(slots=True)
class _Watch:
    """One rule, and what it has seen.

    Attributes:
        seen: By the end of a sliding window, what was seen in it, as long as late results may change that.
        settled: The sliding windows before these.
        until_s: Up to when all sliding windows have been looked at.
        broken_since_s: Since when the rule has been broken at every look; None if it held at the last one.
        aborted_at_s: When that had lasted long enough to stop the run.
    """

    rule: Rule
    feed: Feed
    resolution_s: int
    seen: dict[int, Sight] = field(default_factory=dict)
    settled: Tally = field(default_factory=Tally)
    until_s: int | None = None
    broken_since_s: int | None = None
    aborted_at_s: int | None = None

    def due(self, span: Span, complete_s: int) -> list[int]:
        """Return the ends of sliding windows that have not been looked at since something changed in them."""
        window_s, step_s, first_s = self.rule.window_s or 0, self.resolution_s, self._first_s(span)
        looked_until_s = first_s if self.until_s is None else self.until_s
        self.until_s = complete_s
        ends_s = set(range(looked_until_s + step_s, complete_s + 1, step_s))
        for start_s in self.feed.touched:
            ends_s.update(range(start_s + step_s, min(start_s + window_s, complete_s) + 1, step_s))
        return sorted(end_s for end_s in ends_s if first_s <= end_s - window_s and self._may_judge(span, end_s))

    def look(self, end_s: int) -> Iterator[None]:
        """Look at the sliding window that ends then."""
        window_s = self.rule.window_s or 0
        times = yield from self.feed.between(end_s - window_s, end_s, self.resolution_s)
        is_new = end_s not in self.seen
        sight = Sight(end_s, times.value(self.rule, window_s), times.requests(self.rule))
        self.seen[end_s] = sight
        if is_new:
            self.note(sight)

    def look_at_all(self, span: Span, complete_s: int) -> Sight:
        """Look at the whole run so far."""
        total = self.feed.total
        begin_s = max(span.started_s, self.feed.begin_s)
        end_s = min(span.stopped_s, complete_s)
        return Sight(complete_s, total.value(self.rule, end_s - begin_s), total.requests(self.rule))

    def note(self, sight: Sight) -> None:
        """Note for how long the rule has been broken; a look without a value changes nothing."""
        if self.rule.abort_after_s is None or sight.value is None:
            return
        if self.rule.holds(sight.value):
            self.broken_since_s = None
            return
        if self.broken_since_s is None:
            self.broken_since_s = sight.end_s
        if self.aborted_at_s is None and sight.end_s - self.broken_since_s >= self.rule.abort_after_s:
            self.aborted_at_s = sight.end_s

    def settle(self, complete_s: int) -> None:
        """Count for good the sliding windows that no late result can change any more."""
        for end_s in [end_s for end_s in self.seen if end_s <= complete_s - MAX_LATE_S]:
            self.settled.add(self.rule, self.seen.pop(end_s))

    def tally(self) -> Tally:
        """Return what was seen in all sliding windows."""
        tally = self.settled.copy()
        for sight in self.seen.values():
            tally.add(self.rule, sight)
        return tally

    def _first_s(self, span: Span) -> int:
        if self.feed.begin_s > span.started_s:
            return int(self.feed.begin_s)
        return int(min(window_start_s(span.started_s, self.resolution_s), self.feed.first_s))

    def _may_judge(self, span: Span, end_s: int) -> bool:
        if self.rule.is_upper_limit or not self.rule.figure.adds_up:
            return True
        return span.started_s <= end_s - (self.rule.window_s or 0) and end_s <= span.stopped_s


class Evaluation:
    """Judges one run.

    Attributes:
        aborted_by: The rule that was broken for so long that the run is to be stopped; the first one.
    """

    def __init__(self, rule_set: RuleSet, started_s: float, resolution_s: int) -> None:
        """Judge a run that started then by `rule_set`, from windows of `resolution_s`."""
        self.aborted_by: Rule | None = None
        self._rule_set = rule_set
        self._span = Span(started_s)
        self._resolution_s = resolution_s
        self._feeds = Feeds(rule_set.rules, started_s, resolution_s)
        self._watches = [_Watch(rule, self._feeds.of(rule), resolution_s) for rule in rule_set.rules]
        self._complete_s = window_start_s(started_s, resolution_s)

    def stop(self, stopped_s: float) -> None:
        """Note when the test stopped."""
        self._span = Span(self._span.started_s, stopped_s)

    def observe(self, window: ClosedWindow) -> Iterator[None]:
        """Take a window, or a supplement to one."""
        yield from self._feeds.add(window, self._complete_s)
        self._complete_s = max(self._complete_s, window.start_s + self._resolution_s)

    def look(self) -> Iterator[None]:
        """Look at what has changed since the last look."""
        for watch in self._watches:
            if watch.rule.window_s is not None:
                for end_s in watch.due(self._span, self._complete_s):
                    yield from watch.look(end_s)
                watch.settle(self._complete_s)
            elif watch.rule.abort_after_s is not None:
                watch.note(watch.look_at_all(self._span, self._complete_s))
            if watch.aborted_at_s is not None and self.aborted_by is None:
                self.aborted_by = watch.rule
            yield
        for feed in self._feeds:
            feed.touched.clear()
            feed.forget(self._complete_s - MAX_LATE_S)
            yield

    def outcomes(self, offset_s: int = 0) -> Iterator[RuleOutcome]:
        """Yield each rule's outcome, as things stand; times in it are those of the windows and `offset_s`."""
        for watch in self._watches:
            if watch.feed.unmatched:
                yield _unmatched(watch)
            else:
                yield (
                    self._sliding(watch, offset_s) if watch.rule.window_s is not None else self._whole(watch, offset_s)
                )

    def outcome_of(self, rules: tuple[RuleOutcome, ...]) -> Outcome:
        """Return the outcome that the rules' own outcomes come to."""
        deciding = self._rule_set.failure_rules if self._rule_set.failures_decide else ()
        passed = {one.rule.name for one in rules if one.state is RuleState.PASSED}
        decided = bool(deciding) and all(rule.name in passed for rule in deciding)
        return Outcome(rules=rules, failures_decided=decided, aborted_by=self.aborted_by)

    def _whole(self, watch: _Watch, offset_s: int) -> RuleOutcome:
        sight = watch.look_at_all(self._span, self._complete_s)
        untimed = watch.feed.total.untimed(watch.rule)
        if sight.value is None:
            return _no_data(watch, messages.too_few(watch.rule, sight.requests, sight.requests, untimed=untimed))
        return _judged(watch, sight, messages.of_run(watch.rule, sight.value, sight.requests), offset_s)

    def _sliding(self, watch: _Watch, offset_s: int) -> RuleOutcome:
        rule, tally = watch.rule, watch.tally()
        if tally.worst is not None and tally.worst.value is not None:
            sight = tally.worst
            text = messages.of_window(
                rule,
                tally.worst.value,
                sight.requests,
                sight.end_s + offset_s,
                broken=tally.broken,
                judged=tally.judged,
            )
            return _judged(watch, sight, text, offset_s)
        if tally.windows:
            requests = watch.feed.total.requests(rule)
            untimed = watch.feed.total.untimed(rule)
            return _no_data(watch, messages.too_few(rule, requests, tally.most_requests, untimed=untimed))
        return self._shorter(watch, offset_s)

    def _shorter(self, watch: _Watch, offset_s: int) -> RuleOutcome:
        """Judge a run that was shorter than the rule's window, as far as that is possible."""
        rule = watch.rule
        sight = watch.look_at_all(self._span, self._complete_s)
        if sight.value is None or (rule.figure.adds_up and not rule.is_upper_limit):
            untimed = watch.feed.total.untimed(rule)
            return _no_data(watch, messages.no_window(rule, sight.requests, untimed=untimed))
        text = f"{messages.of_run(rule, sight.value, sight.requests)}; the run was shorter than the rule's window"
        return _judged(watch, sight, text, offset_s)


def _judged(watch: _Watch, sight: Sight, text: str, offset_s: int) -> RuleOutcome:
    rule = watch.rule
    is_broken = watch.aborted_at_s is not None or sight.value is None or not rule.holds(sight.value)
    notes = [text]
    if watch.aborted_at_s is not None:
        notes.append(messages.aborted(rule, watch.aborted_at_s + offset_s))
    if watch.feed.too_late and rule.window_s is not None:
        notes.append(messages.too_late(watch.feed.too_late))
    return RuleOutcome(
        rule=rule,
        state=RuleState.BROKEN if is_broken else RuleState.PASSED,
        observed=sight.value,
        requests=sight.requests,
        message="; ".join(notes),
        failed=is_broken and rule.severity is Severity.FAIL,
    )


def _no_data(watch: _Watch, text: str) -> RuleOutcome:
    rule, requests = watch.rule, watch.feed.total.requests(watch.rule)
    return RuleOutcome(
        rule=rule,
        state=RuleState.NO_DATA,
        observed=None,
        requests=requests,
        message=text,
        # Without any such request, or any that has a time, the rule or the test is wrong; too few are bad luck.
        failed=rule.severity is Severity.FAIL and not requests,
    )


def _unmatched(watch: _Watch) -> RuleOutcome:
    """Return the outcome of a rule that may not have seen all that it means: that is no pass."""
    return RuleOutcome(
        rule=watch.rule,
        state=RuleState.NO_DATA,
        observed=None,
        requests=watch.feed.total.requests(watch.rule),
        message=watch.feed.unmatched,
        failed=watch.rule.severity is Severity.FAIL,
    )
