"""Verdict: whether a run itself can be relied on, whatever its figures are.

- *invalid*: its figures are not those of the test that was asked for. Results are missing, or the test did not get to
  its end.
- *suspect*: every result that was recorded is there, and something besides the service under test may have shaped them:
  a load generator without CPU, a worker that stood still, fewer users than asked for. Or Locust itself counted more.
- *valid*: none of that was seen.

A suspect run fails nothing by itself; what follows is the rules' to say (`exit_codes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from locust_cw_dist.core.names.plural import counted, plural
from locust_cw_dist.core.summaries.windows import time_of_day
from locust_cw_dist.core.verdict.cross_check import NOT_COMPARED, CrossCheck
from locust_cw_dist.core.verdict.generator_health import BUSY_PERCENT, THIS_PROCESS, Busy, Health, UsersShort

MAX_NAMED = 5
"""Workers that one kind of reason names; the rest is a number."""

MAX_WORDS = 2
"""Kinds of reasons that a verdict in words has; the rest is a number."""

RELIABLE = "measurement reliable"
MISSING = "results are missing"
SHORT_OF_CPU = "load generator was short of CPU"


class State(IntEnum):
    """What a run is; the worse, the greater."""

    VALID = 0
    SUSPECT = 1
    INVALID = 2

    @property
    def word(self) -> str:
        """The state as records and JSON have it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks against a run, and how much.

    Attributes:
        state: What the run is for it.
        text: What was seen, with names and numbers.
        words: What that means for the measurement, in a few words.
    """

    state: State
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a run.

    Attributes:
        reasons: What speaks against it, the worst first; none if it is valid.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def state(self) -> State:
        """The worst of the reasons."""
        return max((reason.state for reason in self.reasons), default=State.VALID)

    @property
    def words(self) -> str:
        """How far the measurement can be trusted, in a few words."""
        found = list(dict.fromkeys(reason.words for reason in self.reasons if reason.state is self.state))
        more = f", and {len(found) - MAX_WORDS} more" if len(found) > MAX_WORDS else ""
        return f"{', '.join(found[:MAX_WORDS])}{more}" or RELIABLE

    def lines(self) -> list[str]:
        """Return it for people, a reason a line; what would have made a lesser verdict stands beside it."""
        if not self.reasons:
            return ["  verdict: valid"]
        lead = {self.state: f"verdict: {self.state.word}"}
        return [f"  {lead.get(reason.state, 'also')}: {reason.text}" for reason in self.reasons]

    def as_json(self) -> dict[str, object]:
        """Return it for the line of JSON and the record: ``{"state": "suspect", "reasons": ["..."]}``."""
        return {"state": self.state.word, "reasons": [reason.text for reason in self.reasons]}


VALID = Verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a run's results on their way.

    Attributes:
        unheard: Workers that never said that they were done: (worker id, time up to which their results are in).
        without_plugin: Workers whose results are all missing.
        unreceived: Results that workers told of and that never came.
        unpublished: Results that came and that CloudWatch has not accepted; those that nobody could use not among them.
        doubtful: Results that were published and may count twice.
        has_doubtful_figures: Whether figures of CloudWatch's besides these may count twice.
        difference: What the ledger can't account for: a bug.
        required: Whether the user said that a run is worth nothing unless its results are published.
    """

    unheard: tuple[tuple[str, float], ...] = ()
    without_plugin: tuple[str, ...] = ()
    unreceived: int = 0
    unpublished: int = 0
    doubtful: int = 0
    has_doubtful_figures: bool = False
    difference: int = 0
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a verdict rests on.

    Attributes:
        delivery: What became of its results.
        health: How the load generators were while it went on.
        cut_short: How it ended before its planned end, if it did.
        cross_check: What Locust's own totals say of it.
    """

    delivery: Delivery = field(default_factory=Delivery)
    health: Health = field(default_factory=Health)
    cut_short: str | None = None
    cross_check: CrossCheck = NOT_COMPARED


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on a run."""
    reasons = [
        *_end(evidence),
        *_delivery(evidence.delivery),
        *_cross_check(evidence.cross_check),
        *_health(evidence),
    ]
    return Verdict(tuple(sorted(reasons, key=lambda reason: -reason.state)))


def _end(evidence: Evidence) -> Iterator[Reason]:
    if evidence.cut_short is not None:
        yield Reason(State.INVALID, f"cut short: {evidence.cut_short}", "run was cut short")


def _delivery(delivery: Delivery) -> Iterator[Reason]:
    yield from _each(
        State.INVALID,
        (
            f"worker {worker} was lost, with what it recorded after {time_of_day(until_s)}"
            for worker, until_s in delivery.unheard
        ),
        "lost",
        MISSING,
    )
    yield from _each(
        State.INVALID,
        (f"worker {worker} has no plugin: its results are missing" for worker in delivery.without_plugin),
        "no plugin",
        MISSING,
    )
    if delivery.unreceived > 0:
        yield Reason(State.INVALID, f"{_results(delivery.unreceived)} never reached the master", MISSING)
    if delivery.difference:
        yield Reason(State.INVALID, f"{_results(delivery.difference)} unaccounted for", MISSING)
    if delivery.unpublished > 0:
        # The master has them all, so rules and record are right; only the user can say that this is not enough.
        state = State.INVALID if delivery.required else State.SUSPECT
        text = f"{_results(delivery.unpublished)} received but not published"
        yield Reason(state, text, "CloudWatch has not all results")
    twice = "CloudWatch may count results twice"
    if delivery.doubtful:
        text = f"up to {_results(delivery.doubtful)} may count twice: calls got no answer"
        yield Reason(State.SUSPECT, text, twice)
    elif delivery.has_doubtful_figures:
        yield Reason(State.SUSPECT, "figures in CloudWatch may count twice: calls got no answer", twice)


def _results(count: int) -> str:
    return f"{count} {plural(count, 'result')}"


def _cross_check(check: CrossCheck) -> Iterator[Reason]:
    if check.finds_missing:
        yield Reason(State.SUSPECT, check.text, "Locust counted more than was recorded")


def _health(evidence: Evidence) -> Iterator[Reason]:
    health = evidence.health
    # Of a worker that never came back, the delivery has told.
    unheard = {worker for worker, _ in evidence.delivery.unheard}
    silences = [spell for spell in health.silences if spell.worker not in unheard]
    kinds = (
        ((_busy(busy) for busy in health.busy), "no CPU left", SHORT_OF_CPU),
        (
            (f"worker {one.worker} was silent for {one.seconds:.0f} s" for one in silences),
            "silent",
            "a worker stood still",
        ),
        (
            (f"worker {one.worker} left {one.seconds:.0f} s before the end" for one in health.departures),
            "left before the end",
            "a worker left before the end",
        ),
        (
            (f"the clock of worker {one.worker} was {one.seconds:.1f} s off" for one in health.skews),
            "clock off",
            "clocks of workers were off",
        ),
    )
    for texts, short, words in kinds:
        yield from _each(State.SUSPECT, texts, short, words)
    if health.held_s is not None:
        text = f"the event loop of this process was held for {health.held_s:.1f} s"
        yield Reason(State.SUSPECT, text, "load generator stood still")
    if health.users is not None:
        yield Reason(State.SUSPECT, _users(health.users), "fewer users than asked for")


def _busy(busy: Busy) -> str:
    who = "this process" if busy.worker == THIS_PROCESS else f"worker {busy.worker}"
    return f"{who} used over {BUSY_PERCENT:.0f} % CPU for {busy.seconds:.0f} s or more, up to {busy.percent:.0f} %"


def _users(users: UsersShort) -> str:
    if users.seconds is None:
        return f"only {users.users} of {counted(users.target, 'user')} reached"
    return f"users dropped to {users.users} of {users.target} for {users.seconds:.0f} s"


def _each(state: State, texts: Iterable[str], short: str, words: str) -> Iterator[Reason]:
    texts = list(texts)
    yield from (Reason(state, text, words) for text in texts[:MAX_NAMED])
    if (more := len(texts) - MAX_NAMED) > 0:
        yield Reason(state, f"{counted(more, 'more worker')}: {short}", words)
