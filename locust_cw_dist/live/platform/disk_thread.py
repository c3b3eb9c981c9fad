"""DiskThread: blocking calls on a native thread, so that the hub goes on; for the disk.

What runs there must not log, print or take any other lock that the hub may want: gevent's locks do not always wake a
waiter on another thread. What it raises is raised by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gevent.threadpool import ThreadPool

from locust_cw_dist.live.platform.forks import Door

P = ParamSpec("P")
T = TypeVar("T")


class DiskThread:
    """One thread, made with the first call; calls take turns."""

    def __init__(self) -> None:
        """Have no thread yet."""
        self._pool: ThreadPool | None = None
        self._door = Door()

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns; other greenlets run meanwhile.

        Raises:
            Exception: Whatever the call raised.
        """
        self._door.pass_through()
        if self._pool is None:
            self._pool = ThreadPool(1)
        outcome: list[T] = []
        # An exception that leaves the thread would be printed there.
        error = self._pool.apply(_attempt, (call, args, kwargs, outcome))
        if error is not None:
            raise error
        return outcome[0]


def _attempt(call: Callable[..., T], args: tuple, kwargs: dict, outcome: list[T]) -> Exception | None:  # type: ignore[type-arg]
    try:
        outcome.append(call(*args, **kwargs))
    except Exception as e:
        return e
    return None
