"""DiskThread: blocking calls on a native thread, so that the hub goes on; for the disk.

What runs there must not log, print or take any other lock that the hub may want: gevent's locks do not always wake a
waiter on another thread. What it raises is raised by the caller.

A disk may hang. A caller that has waited long enough gives its call up (by a timeout, which is raised where it waits);
until that call comes back after all, every other one fails at once, instead of waiting behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

import gevent
from gevent.threadpool import ThreadPool

from locust_cw_dist.live.platform.clock import monotonic_s
from locust_cw_dist.live.platform.forks import Door
from locust_cw_dist.live.platform.patience import OutOfTime

P = ParamSpec("P")
T = TypeVar("T")


HUNG_S = 0.5
"""How long a call that was given up may still take: its time may have been over for another reason."""

POLL_S = 0.02


class HungDiskError(OSError):
    """A call that was given up is still under way."""


class DiskThread:
    """One thread, made with the first call; calls take turns."""

    def __init__(self) -> None:
        """Have no thread yet."""
        self._pool: ThreadPool | None = None
        self._door = Door()
        self._given_up: _Call | None = None
        self._gave_up_s = 0.0

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns; other greenlets run meanwhile.

        Raises:
            HungDiskError: The disk hangs.
            Exception: Whatever the call raised.
        """
        self._door.pass_through()
        self._look_at_given_up()
        if self._pool is None:
            self._pool = ThreadPool(1)
        attempt = _Call(partial(call, *args, **kwargs))
        try:
            self._pool.apply(attempt.make)
        except (gevent.Timeout, TimeoutError, OutOfTime):
            self._given_up, self._gave_up_s = attempt, monotonic_s()
            raise
        if attempt.error is not None:
            raise attempt.error
        return attempt.outcome[0]  # type: ignore[no-any-return]

    def _look_at_given_up(self) -> None:
        """Raise HungDiskError if a call that was given up is still under way."""
        while self._given_up is not None and not self._given_up.is_done:
            if monotonic_s() - self._gave_up_s >= HUNG_S:
                raise HungDiskError("the disk does not respond")
            gevent.sleep(POLL_S)
        self._given_up = None


class _Call:
    """One call on the thread; what it raised is kept, since an exception that leaves the thread is printed there."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.outcome: list[Any] = []
        self.error: Exception | None = None
        self.is_done = False
        self._call = call

    def make(self) -> None:
        try:
            self.outcome.append(self._call())
        except Exception as e:
            self.error = e
        finally:
            self.is_done = True
