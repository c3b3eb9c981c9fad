"""What this program does at exit: after functions of the users' own, which may fire results.

Python calls what was registered with `atexit` last first, so the place is taken as early as can be: when
`locust_cw_dist.auto` is imported, mostly before anything else of a locustfile runs,
and not when the plugin is installed.
"""

from __future__ import annotations

import atexit
import functools
from collections.abc import Callable

_calls: list[Callable[[], object]] = []


@functools.cache
def take_place() -> None:
    """Have what is registered here called after what others register from now on; does nothing the second time."""
    atexit.register(_call_all)


def register(call: Callable[[], object]) -> None:
    """Have `call`, which never raises, called at exit."""
    take_place()
    _calls.append(call)


def register_last(call: Callable[[], object]) -> None:
    """Have `call`, which never raises, called at exit after all others."""
    take_place()
    _calls.insert(0, call)


def unregister(call: Callable[[], object]) -> None:
    """Undo `register`, if it was done."""
    if call in _calls:
        _calls.remove(call)


def _call_all() -> None:
    while _calls:
        _calls.pop()()
