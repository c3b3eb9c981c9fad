"""Patience: how long the end of this process may wait for something. Each ctrl-C makes it shorter; nothing else does.

    RECORD = Bounds(20.0, 5.0, 2.0)
    with patience.limit(RECORD) as limit:
        write()                 # given up after 20 s; 5 s after the first ctrl-C, 2 s after the second
    limit.is_over               # whether it was given up

The process ends in an order of steps (`live/end.py`), each within such a limit. So an interrupt never skips a step: it
is not raised there, only the waiting ends sooner. It is raised where code of the user's runs meanwhile, a listener of
`quitting` for one, whose waiting nobody else could end.

State: touched on the hub and in handlers of signals, which run on the same thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import gevent

from locust_cw_dist.live.platform import forks
from locust_cw_dist.live.platform.clock import monotonic_s

ENDS_AT_ONCE = 3
"""The interrupt during the end that ends the process, whatever is left."""


class Bounds(NamedTuple):
    """How long one step of the end may take, in seconds.

    Attributes:
        calm_s: At most.
        hurried_s: From the first interrupt on.
        pressed_s: From the second one on.
    """

    calm_s: float
    hurried_s: float
    pressed_s: float

    def after(self, interrupts: int) -> float:
        """Return the bound after so many interrupts."""
        return self[min(interrupts, len(self) - 1)]


class OutOfTime(BaseException):
    """Raised where something waits whose time is over; no `except Exception` on the way takes it."""


class Limit:
    """Gives up what runs in its `with` block when its time is over; may be entered again, for what is left of it.

    Attributes:
        is_over: Whether a block was given up.
    """

    def __init__(self, patience: Patience, bounds: Bounds) -> None:
        """Begin now; made by `Patience.limit`."""
        self.is_over = False
        self._patience = patience
        self._bounds = bounds
        self._end_s = monotonic_s() + bounds.after(patience.interrupts)
        self._error = OutOfTime()
        self._greenlet: Any = None
        self._timer: Any = None

    def __enter__(self) -> Self:
        """Begin to watch the greenlet of now."""
        self._greenlet = gevent.getcurrent()
        self._patience.limits.add(self)
        self._start_timer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop watching; what was raised here ends here."""
        self._greenlet = None
        self._patience.limits.discard(self)
        self._stop_timer()
        return error is self._error

    def shorten(self) -> None:
        """Look again at how long this may take; called when there was an interrupt."""
        self._end_s = min(self._end_s, monotonic_s() + self._bounds.after(self._patience.interrupts))
        if self._greenlet is not None:
            self._stop_timer()
            self._start_timer()

    def _start_timer(self) -> None:
        self._timer = gevent.get_hub().loop.timer(max(0.0, self._end_s - monotonic_s()))
        self._timer.start(self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _give_up(self) -> None:
        """Raise where the block waits; runs in the hub."""
        if self._greenlet is not None:
            self.is_over = True
            self._greenlet.throw(self._error)


class Patience:
    """The user's, with the end of one process.

    Attributes:
        has_begun: Whether the process has begun to end.
        interrupts: How often the user has asked since then to have it end sooner.
        limits: What is being waited for.
        on_interrupt: Told of each of these interrupts, in a greenlet of its own.
    """

    def __init__(self) -> None:
        """Have all that there is."""
        self.has_begun = False
        self.interrupts = 0
        self.limits: set[Limit] = set()
        self.on_interrupt: list[Callable[[int], object]] = []
        self._in_user_code: set[Any] = set()

    def begin(self) -> None:
        """Note that the process ends: interrupts count from now on, and none is raised outside of the user's code."""
        self.has_begun = True

    def limit(self, bounds: Bounds) -> Limit:
        """Return what gives up a step when its time is over."""
        return Limit(self, bounds)

    def note_interrupt(self) -> None:
        """Note that the user wants the end sooner. `shorten` must follow, in the hub or in a greenlet."""
        self.has_begun = True
        self.interrupts += 1

    def shorten(self, raised_in: Any = None) -> None:
        """Have all that waits wait no longer than `interrupts` says; does not yield.

        Code of the user's is interrupted, but in the greenlet `raised_in`, where that was done already.
        """
        for limit in list(self.limits):
            limit.shorten()
        for call in self.on_interrupt:
            forks.spawn(call, self.interrupts)
        for greenlet in self._in_user_code - {raised_in}:
            gevent.get_hub().loop.run_callback(self._raise_in, greenlet)

    @contextmanager
    def user_code(self) -> Iterator[None]:
        """Have interrupts raised in what runs here, until `own_code` or the end of the block."""
        self.begin()
        greenlet = gevent.getcurrent()
        self._in_user_code.add(greenlet)
        try:
            yield
        finally:
            self._in_user_code.discard(greenlet)

    def enter_user_code(self) -> None:
        """Have interrupts raised in this greenlet from now on, until `own_code`."""
        self._in_user_code.add(gevent.getcurrent())

    def own_code(self) -> None:
        """Have no interrupt raised in this greenlet any more."""
        self._in_user_code.discard(gevent.getcurrent())

    @property
    def is_in_user_code(self) -> bool:
        """Whether the greenlet of now runs code of the user's at the end of the process."""
        return gevent.getcurrent() in self._in_user_code

    def _raise_in(self, greenlet: Any) -> None:
        """Interrupt a greenlet, if it still runs code of the user's; runs in the hub."""
        if greenlet in self._in_user_code:
            greenlet.throw(KeyboardInterrupt)
