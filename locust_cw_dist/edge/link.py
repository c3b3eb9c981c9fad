"""Link: all that this program uses of Locust beyond its documented interface, in one file.

Needed are the sockets behind `runner.server` and `runner.client`, and the users behind `runner.user_greenlets`:

- to let a worker that reconnects take its old connection's place (ROUTER_HANDOVER): without it libzmq drops whatever
  comes from the new connection while the old one looks open;
- to read, at the end, what still waits in the master's socket: Locust's own reader is gone by then;
- to read, at the end, the acknowledgements that reach a worker whose own reader is gone;
- to end, before that, the users that Locust has left behind: where the master's word to spawn users comes after the
  worker's own stop, or a user quits the runner in a task, they go on for as long as the process does.

And, where the process ends, the order of the listeners of `quitting` and what Locust's own exit code comes from: to
have the last word on that code (`EndLink`).

Each use is probed when the link is made. Where something is missing (another Locust), `lesser_modes` says in words what
is lost, and the methods do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from locust import log as locust_log

ROUTER_HANDOVER = 56
"""libzmq's number of the option; the name is not in every pyzmq that Locust allows."""


class MasterLink:
    """The master's end.

    Attributes:
        lesser_modes: What can't be done with this Locust; empty if everything can.
    """

    def __init__(self, runner: Any) -> None:
        """Probe a `MasterRunner`."""
        self.lesser_modes: list[str] = []
        self._runner = runner
        self._server: Any = None
        self._can_receive = callable(getattr(getattr(runner, "server", None), "recv_from_client", None))
        if not self._can_receive:
            self.lesser_modes.append("reports that arrive after Locust has stopped reading are lost")
        if not callable(getattr(getattr(getattr(runner, "server", None), "socket", None), "setsockopt", None)):
            self.lesser_modes.append("a worker that reconnects over a half-open connection is not heard again")

    def keep_handover(self) -> None:
        """Set ROUTER_HANDOVER, again whenever Locust has made a new server socket."""
        server = getattr(self._runner, "server", None)
        if server is self._server:
            return
        self._server = server
        set_option = getattr(getattr(server, "socket", None), "setsockopt", None)
        if callable(set_option):
            set_option(ROUTER_HANDOVER, 1)

    def receive(self, timeout_s: float) -> Any | None:
        """Return the next message that waits in the socket, or None if none comes in time.

        Only when Locust's own reader is dead: two readers would take each other's messages.
        """
        if not self._can_receive:
            gevent.sleep(timeout_s)
            return None
        message = None
        with gevent.Timeout(timeout_s, False):
            _, message = self._runner.server.recv_from_client()
        return message


class WorkerLink:
    """A worker's end.

    Attributes:
        lesser_modes: What can't be done with this Locust; empty if everything can.
    """

    def __init__(self, runner: Any) -> None:
        """Probe a `WorkerRunner`."""
        self.lesser_modes: list[str] = []
        self._runner = runner
        self._can_receive = callable(getattr(getattr(runner, "client", None), "recv", None))
        if not self._can_receive:
            self.lesser_modes.append("a worker can't wait at its end until the master has its last results")
        if not callable(getattr(getattr(runner, "user_greenlets", None), "kill", None)):
            self.lesser_modes.append("users that Locust leaves behind go on while a worker waits at its end")

    @property
    def connection(self) -> object:
        """Stands for the connection: another object after each reconnect."""
        return getattr(self._runner, "client", None)

    def end_users(self, timeout_s: float) -> None:
        """End the users that still run, and wait for that until `timeout_s` have passed."""
        users: Any = getattr(self._runner, "user_greenlets", None)
        if callable(getattr(users, "kill", None)) and gevent.getcurrent() not in users:
            users.kill(block=True, timeout=timeout_s)

    def receive(self, timeout_s: float) -> Any | None:
        """Return the next message from the master, or None if none comes in time; see `MasterLink.receive`."""
        if not self._can_receive:
            gevent.sleep(timeout_s)
            return None
        message = None
        with gevent.Timeout(timeout_s, False):
            message = self._runner.client.recv()
        return message  # noqa: RET504 - gevent's timeout leaves the block without a word


class EndLink:
    """The end of Locust's process, on a master or in a single process.

    Attributes:
        lesser_modes: What can't be done with this Locust; empty if everything can.
        can_be_last: Whether a listener of `quitting` can be made to run after all others.
    """

    def __init__(self, environment: Any, log: Any = locust_log) -> None:
        """Probe an `Environment` and Locust's module of logs."""
        self.lesser_modes: list[str] = []
        self._environment = environment
        self._log = log
        self._quitting = environment.events.quitting
        self.can_be_last = isinstance(getattr(self._quitting, "_handlers", None), list)
        if not self.can_be_last:
            self.lesser_modes.append(
                "a `quitting` listener of your own may replace the exit code of a rule or of an invalid run"
            )
        runner = environment.runner
        self._knows_errors = runner is None or isinstance(getattr(runner, "exceptions", None), dict)
        self._knows_errors &= isinstance(getattr(log, "unhandled_greenlet_exception", None), bool)
        if not self._knows_errors:
            self.lesser_modes.append("rules can't decide about failed requests: Locust's own exit code for them stays")

    def run_last(self, listener: Callable[..., None]) -> None:
        """Have `listener` called after all other listeners of `quitting`; call this once, before that event is fired.

        Locust calls them in the reverse of the order in which they were added: the first one is the last.
        """
        if self.can_be_last:
            self._quitting._handlers.insert(0, listener)  # noqa: SLF001 - there is no other way to the end of the line

    def has_exceptions(self) -> bool:
        """Whether tasks of users raised, as Locust counts it; True if that can't be known."""
        runner = self._environment.runner
        return not self._knows_errors or (runner is not None and len(runner.exceptions) > 0)

    def has_unhandled(self) -> bool:
        """Whether a listener or a greenlet of the user's raised."""
        return bool(getattr(self._log, "unhandled_greenlet_exception", False))
