"""Listeners: what one part of this program listens to in an environment; it ends as one, and in a forked process.

Several environments may share one `Events` object, as a master and its workers in one process do. Each event then
reaches the listeners of all of them, and Locust's own statistics count it once for each. Ours count it once: an event
that names its environment goes to that one's listeners, and one that does not (`request`, `worker_report`) to the
environment whose users or reader have fired it, else to the one that listened first.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from locust_cw_dist.live.platform import forks, locust_internals

Listener = Callable[..., object]


class Listeners:
    """All that one part listens to."""

    def __init__(self, environment: Any) -> None:
        """Listen to nothing of `environment` yet."""
        self._environment = environment
        self._undo: list[Callable[[], None]] = []
        self._first: list[tuple[str, Listener]] = []
        forks.watch(self)

    def add(self, event: str, listener: Listener) -> None:
        """Listen to an event by its name; to that of another environment only where it names none."""
        hook, own = self._hook(event), partial(_tell_own, self._environment, listener)
        hook.add_listener(own)
        self._undo.append(partial(locust_internals.remove, hook, own))

    def add_first(self, event: str, listener: Listener) -> None:
        """Listen to an event that names no environment, before all other listeners.

        None of them can keep it from `listener` by an exception that Locust lets through.
        """
        hook = self._hook(event)
        desk = _desks.get(hook)
        if desk is None:
            desk = _desks[hook] = _Desk(hook)
        desk.add(self._environment, listener)
        self._first.append((event, listener))
        self._undo.append(partial(desk.remove, listener))

    def retake(self) -> bool:
        """Be first again where code has taken that away, or put another event in its place; return whether any has."""
        taken = [one for one in self._first if (desk := _desks.get(self._hook(one[0]))) is None or desk.is_gone]
        for event, listener in taken:
            self._first.remove((event, listener))
            self.add_first(event, listener)
        return bool(taken)

    def add_after(self, event: str, after: locust_internals.After) -> None:
        """Call `after` when all listeners of an event have been called, also later ones; see `Guard`."""
        hook = self._hook(event)
        if locust_internals.Guard.can_guard(hook):
            locust_internals.Guard.add(hook, after)
            self._undo.append(partial(locust_internals.Guard.remove, hook, after))
        else:
            self.add(event, lambda **fields: after(None, fields))

    def add_message(self, kind: str, listener: Listener) -> None:
        """Take messages of this kind from the runner."""
        runner = self._environment.runner
        runner.register_message(kind, listener)
        self._undo.append(partial(locust_internals.remove_message, runner, kind))

    def close(self) -> None:
        """Listen to nothing any more; does nothing the second time."""
        while self._undo:
            self._undo.pop()()
        self._first = []

    abandon = close

    def _hook(self, event: str) -> Any:
        return getattr(self._environment.events, event)


def _tell_own(own: Any, listener: Listener, **fields: Any) -> None:
    if fields.get("environment", own) is own:
        listener(**fields)


class _Desk:
    """The first place among the listeners of an event, for one environment or for several that share it."""

    def __init__(self, hook: Any) -> None:
        self._hook = hook
        self._members: list[tuple[Any, Listener]] = []
        self._placed: Listener | None = None

    @property
    def is_gone(self) -> bool:
        return self._placed is not None and not locust_internals.is_listening(self._hook, self._placed)

    def add(self, environment: Any, listener: Listener) -> None:
        if self.is_gone:
            self._placed = None
        if (environment, listener) not in self._members:
            self._members.append((environment, listener))
        self._take_place()

    def remove(self, listener: Listener) -> None:
        self._members = [member for member in self._members if member[1] != listener]
        self._take_place()
        if not self._members:
            _desks.pop(self._hook, None)

    def _take_place(self) -> None:
        before, self._placed = self._placed, self._choose()
        if before == self._placed:
            return
        # In this order: a request that is fired meanwhile must find one of them.
        if self._placed is not None:
            locust_internals.add_first(self._hook, self._placed)
        if before is not None:
            locust_internals.remove(self._hook, before)

    def _choose(self) -> Listener | None:
        """Return what is to be called: the only listener itself, since more would cost users' time."""
        if len(self._members) > 1:
            return self._tell
        return self._members[0][1] if self._members else None

    def _tell(self, **fields: Any) -> None:
        for environment, listener in self._members:
            if locust_internals.is_own_greenlet(environment.runner):
                listener(**fields)
                return
        self._members[0][1](**fields)


_desks: weakref.WeakKeyDictionary[Any, _Desk] = weakref.WeakKeyDictionary()
