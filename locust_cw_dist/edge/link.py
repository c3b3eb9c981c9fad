"""Link: all that this program uses of Locust beyond its documented interface, in one file.

Needed are the sockets behind `runner.server` and `runner.client`, and the users behind `runner.user_greenlets`:

- to let a worker that reconnects take its old connection's place (ROUTER_HANDOVER): without it libzmq drops whatever
  comes from the new connection while the old one looks open;
- to read, at the end, what still waits in the master's socket: Locust's own reader is gone by then;
- to read, at the end, the acknowledgements that reach a worker whose own reader is gone;
- to end, before that, the users that Locust has left behind: where the master's word to spawn users comes after the
  worker's own stop, or a user quits the runner in a task, they go on for as long as the process does.

Each use is probed when the link is made. Where something is missing (another Locust), `lesser_modes` says in words what
is lost, and the methods do nothing.
"""

from __future__ import annotations

from typing import Any

import gevent

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
