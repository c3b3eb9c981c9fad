"""Forks: whatever this program has in a process is inert in a process that is forked from it.

A task may call `os.fork` or start a `multiprocessing.Process`. The child is a copy: it has the same results, listeners,
greenlets, files, locks and connections, and without this module it would publish them a second time. What it must not
use it is told of here, before any other code runs in it. What the child makes anew, a plugin of its own too, works.

    self._door = Door()             made with what must not be used in a child
    self._door.pass_through()       ends the greenlet that comes here in a child

The handler is one for the whole process, since Python can't unregister it, and holds nothing alive.
"""

from __future__ import annotations

import functools
import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import gevent


class Forkable(Protocol):
    """Something that a forked process inherits and must not use."""

    def abandon(self) -> None:
        """Become inert: called in the child alone, right after the fork; must neither wait nor switch."""
        ...


_inherited: weakref.WeakSet[Any] = weakref.WeakSet()
_greenlets: weakref.WeakSet[gevent.Greenlet] = weakref.WeakSet()


def watch(thing: Forkable) -> None:
    """Have `thing` abandoned in every process that is forked from this one, for as long as it is alive."""
    _register()
    _inherited.add(thing)


def spawn(call: Callable[..., object], *args: object) -> gevent.Greenlet:
    """Return a greenlet that runs `call` in this process, and that ends in a fork of it, before all else there."""
    _register()
    greenlet = gevent.spawn(call, *args)
    _greenlets.add(greenlet)
    return greenlet


def sever(file: int) -> None:
    """Let go of a file descriptor, whose number may still be in use: it leads nowhere from now on.

    Closing it here leaves the parent's lock, name or connection alone. A number that is free would soon be another's.
    """
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(nowhere, file, inheritable=False)
        os.close(nowhere)


class Door:
    """Open in the process that made it, shut in those that are forked from that."""

    def __init__(self) -> None:
        """Be open."""
        self._is_shut = False
        watch(self)

    def abandon(self) -> None:
        """Shut it."""
        self._is_shut = True

    def pass_through(self) -> None:
        """Do nothing, or end the greenlet that calls this in a forked process.

        Raises:
            GreenletExit: This is such a process.
        """
        if self._is_shut:
            raise gevent.GreenletExit


def _abandon_all() -> None:
    things, greenlets = list(_inherited), list(_greenlets)
    _inherited.clear()
    _greenlets.clear()
    for thing in things:
        # The rest must be abandoned all the same, and a child has nobody to tell.
        with suppress(Exception):
            thing.abandon()
    for greenlet in greenlets:
        with suppress(Exception):
            _end(greenlet)


def _end(greenlet: gevent.Greenlet) -> None:
    """End a greenlet now: had it one more turn, because what it waits for has come, it could send a call twice."""
    if greenlet.dead or greenlet is gevent.getcurrent():
        greenlet.kill(block=False)
        return
    # Where it goes when it has ended: by itself it would go to the hub, and this one would never be resumed.
    greenlet.parent = gevent.getcurrent()
    greenlet.throw(gevent.GreenletExit)


@functools.cache
def _register() -> None:
    """Register the handler, the first time: importing this registers nothing."""
    os.register_at_fork(after_in_child=_abandon_all)
