"""Health: how the load generators were while a run went on, noted as it goes and summed up at its end.

A `HealthBook` takes what is seen of one run: each sign of life of a worker, how its process was, whether the own event
loop was held, how many users there were. It keeps what `verdict` wants to know, by worker, and no more, so that its
size does not grow with the length of a run.

State: touched on the master's hub only.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BUSY_S = 6.0
"""How long in a row a worker's CPU must be too busy: longer than one measurement counts of Locust 2.32, which takes one
each 5 s; the first one of a process also sees its start."""

BUSY_PERCENT = 90.0
"""CPU above this is too busy, as for Locust's own warning."""

FROZEN_S = 6.0
"""Silence of a worker that is noted: two reports, where heartbeats come each second."""

HELD_S = 1.0
"""How late the own event loop must be for the run to be suspect: response times of a single process are then its own,
and a master is then behind with its workers."""

NOTED_HOLD_S = 0.25
"""Holds of the event loop that are kept, to tell a worker's silence from the own deafness."""

SKEW_S = 2.0
"""Clock offsets above this are said: below, they are the delay of the way."""

LEAVING_S = 5.0
"""A worker that leaves so shortly before the end left with it."""

BELOW_S = 10.0
"""How long in a row users must be below the target: Locust hands out the users of a lost worker anew in less."""

BELOW_RATIO = 0.95
"""Users below this part of the target are too few: users that end and are started anew are missing for a moment."""

MAX_WORKERS = 4096
"""Workers that are looked after; ids are whatever a message says."""

MAX_HOLDS = 1000
MAX_SILENCES = 1000


THIS_PROCESS = ""
"""Stands for a worker's id where users run in this process."""


def reachable_users(asked: int, users: int, fixed_counts: Sequence[int]) -> int:
    """Return how many users Locust can run, of those that were asked for.

    Where each class has a `fixed_count`, it spawns no more than the sum of these. What runs beyond them, of classes of
    an earlier step of a shape, stays.

    Args:
        asked: Users that were asked for.
        users: Users that run.
        fixed_counts: `fixed_count` of each class of users; 0 for any number.
    """
    return min(asked, max(users, sum(fixed_counts))) if fixed_counts and all(fixed_counts) else asked


@dataclass(frozen=True, slots=True)
class Spell:
    """So long something was so with a worker; for clocks, by how much it was off."""

    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Busy:
    """So long in a row a worker's CPU was too busy, and how much at most."""

    worker: str
    seconds: float
    percent: float


@dataclass(frozen=True, slots=True)
class UsersShort:
    """Users were below their target.

    Attributes:
        users: How many there were.
        target: How many there should have been.
        seconds: For how long in a row they were below, after they had been there; None if they never were.
    """

    users: int
    target: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """What was seen of a run; empty and None where there is nothing to say.

    Attributes:
        busy: Workers whose CPU was too busy.
        silences: The longest silence of each worker that was not heard of for a while.
        departures: Workers that left in order before the end, and how long before.
        skews: Workers whose clocks were off.
        held_s: The longest time for which the own event loop was held.
        users: How users were below their target.
    """

    busy: tuple[Busy, ...] = ()
    silences: tuple[Spell, ...] = ()
    departures: tuple[Spell, ...] = ()
    skews: tuple[Spell, ...] = ()
    held_s: float | None = None
    users: UsersShort | None = None


@dataclass(slots=True)
class _Cpu:
    since_s: float | None = None
    longest_s: float = 0.0
    percent: float = 0.0

    def note(self, percent: float, now_s: float) -> None:
        if percent <= BUSY_PERCENT:
            self.since_s = None
            return
        self.since_s = now_s if self.since_s is None else self.since_s
        self.longest_s = max(self.longest_s, now_s - self.since_s)
        self.percent = max(self.percent, percent)


@dataclass(slots=True)
class _Users:
    """Whether there were as many users as were asked for.

    Attributes:
        most: The most that there were.
        highest_target: The most that were asked for.
        worst: The longest time in a row below a target that had been reached.
    """

    most: int = 0
    highest_target: int = 0
    worst: UsersShort | None = None
    _target: int = 0
    _reached: bool = False
    _below_since_s: float | None = None
    _fewest: int = 0

    def note(self, users: int, target: int, now_s: float) -> None:
        self.most = max(self.most, users)
        self.highest_target = max(self.highest_target, target)
        if target != self._target:
            self._target, self._reached = target, False
        if users >= BELOW_RATIO * target:
            self._reached, self._below_since_s = True, None
        elif self._reached:
            self._note_below(users, now_s)

    def short(self) -> UsersShort | None:
        if self.most < BELOW_RATIO * self.highest_target:
            return UsersShort(self.most, self.highest_target, None)
        return self.worst

    def _note_below(self, users: int, now_s: float) -> None:
        if self._below_since_s is None:
            self._below_since_s, self._fewest = now_s, users
        self._fewest = min(self._fewest, users)
        seconds = now_s - self._below_since_s
        if seconds >= BELOW_S and (self.worst is None or seconds > (self.worst.seconds or 0.0)):
            self.worst = UsersShort(self._fewest, self._target, seconds)


class HealthBook:
    """What was seen of one run; see the module's docstring.

    Attributes:
        cut_short: How it ended before its planned end; None if it did not.
    """

    def __init__(self, workers: Iterable[str], now_s: float) -> None:
        """Begin with the workers that are there."""
        self._heard_s = dict.fromkeys(itertools.islice(workers, MAX_WORKERS), now_s)
        self.cut_short: str | None = None
        self._ended_s: float | None = None
        self._cpu: dict[str, _Cpu] = {}
        self._skew_s: dict[str, float] = {}
        self._left_s: dict[str, float] = {}
        self._silences: deque[tuple[str, float, float]] = deque(maxlen=MAX_SILENCES)
        self._holds: deque[tuple[float, float]] = deque(maxlen=MAX_HOLDS)
        self._held_s = 0.0
        self._users = _Users()

    @property
    def has_ended(self) -> bool:
        """Whether the test has been told to stop."""
        return self._ended_s is not None

    def end(self, now_s: float) -> None:
        """Note that the test stops: what users and workers do from now on is not the run's, but silences may end."""
        if self._ended_s is None:
            self._ended_s = now_s

    def note_sign(self, worker: str, now_s: float) -> None:
        """Note a sign of life of a worker."""
        before_s = self._heard_s.get(worker)
        if before_s is None and (self.has_ended or len(self._heard_s) >= MAX_WORKERS or worker in self._left_s):
            return
        if before_s is not None and min(now_s, self._end_s) - before_s > FROZEN_S:
            self._silences.append((worker, before_s, min(now_s, self._end_s)))
        self._heard_s[worker] = now_s

    def silent_since_s(self, now_s: float) -> dict[str, float]:
        """Return the workers that should be there and are silent, and when each was heard last."""
        since_s = now_s - FROZEN_S
        # While the own event loop was held, nobody was heard.
        if any(until_s >= since_s for _, until_s in self._holds):
            since_s -= sum(until_s - from_s for from_s, until_s in self._holds if until_s >= since_s)
        return {worker: heard_s for worker, heard_s in self._heard_s.items() if heard_s < since_s}

    def is_there(self, worker: str) -> bool:
        """Whether a worker has not said that it is done for good."""
        return worker in self._heard_s

    def note_departure(self, worker: str, now_s: float) -> None:
        """Note that a worker has said that it is done for good."""
        self._heard_s.pop(worker, None)
        if not self.has_ended and len(self._left_s) < MAX_WORKERS:
            self._left_s[worker] = now_s

    def note_cpu(self, worker: str, percent: float, now_s: float) -> None:
        """Note how much CPU a worker's process used lately."""
        if not self.has_ended and (worker in self._cpu or len(self._cpu) < MAX_WORKERS):
            self._cpu.setdefault(worker, _Cpu()).note(percent, now_s)

    def note_clock(self, worker: str, offset_s: float) -> None:
        """Note how far a worker's clock is off."""
        off_s = abs(offset_s)
        if off_s > SKEW_S and (worker in self._skew_s or len(self._skew_s) < MAX_WORKERS):
            self._skew_s[worker] = max(off_s, self._skew_s.get(worker, 0.0))

    def note_hold(self, due_s: float, now_s: float) -> None:
        """Note that something of this process that was due came only now."""
        held_s = now_s - due_s
        if held_s < NOTED_HOLD_S or self.has_ended:
            return
        self._holds.append((due_s, now_s))
        self._held_s = max(self._held_s, held_s)

    def note_users(self, users: int, target: int, now_s: float) -> None:
        """Note how many users there are, and should be."""
        if not self.has_ended:
            self._users.note(users, target, now_s)

    def health(self) -> Health:
        """Return what is to be said of the run."""
        busy = [
            Busy(worker, cpu.longest_s, cpu.percent) for worker, cpu in self._cpu.items() if cpu.longest_s >= BUSY_S
        ]
        left = [Spell(worker, self._end_s - at_s) for worker, at_s in self._left_s.items() if self.has_ended]
        return Health(
            busy=tuple(sorted(busy, key=lambda one: -one.seconds)),
            silences=_longest_first(self._silences_of_workers()),
            departures=_longest_first([spell for spell in left if spell.seconds > LEAVING_S]),
            skews=_longest_first([Spell(worker, off_s) for worker, off_s in self._skew_s.items()]),
            held_s=self._held_s if self._held_s > HELD_S else None,
            users=self._users.short(),
        )

    @property
    def _end_s(self) -> float:
        return math.inf if self._ended_s is None else self._ended_s

    def _silences_of_workers(self) -> list[Spell]:
        longest: dict[str, float] = {}
        for worker, since_s, until_s in self._silences:
            # While the own event loop was held, nobody was heard.
            deaf_s = sum(max(0.0, min(until_s, to_s) - max(since_s, from_s)) for from_s, to_s in self._holds)
            silent_s = until_s - since_s - deaf_s
            if silent_s > FROZEN_S:
                longest[worker] = max(silent_s, longest.get(worker, 0.0))
        return [Spell(worker, seconds) for worker, seconds in longest.items()]


def _longest_first(spells: list[Spell]) -> tuple[Spell, ...]:
    return tuple(sorted(spells, key=lambda spell: (-spell.seconds, spell.worker)))
