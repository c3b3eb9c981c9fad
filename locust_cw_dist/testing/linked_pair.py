"""LinkedPair: a master and a worker of Locust in one process, connected over loopback, each with the plugin.

Nothing is simulated but CloudWatch: these are Locust's own runners, ZeroMQ and msgpack. Locust is imported when a pair
is made, since the other test aids do without it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from locust_cw_dist.testing.recording_client import RecordingClient

if TYPE_CHECKING:
    from types import TracebackType

    from locust import User
    from locust.env import Environment

    from locust_cw_dist.plugin import Plugin
    from locust_cw_dist.settings.settings import Settings

_HOST = "127.0.0.1"
_POLL_S = 0.02
_CLOSE_TIMEOUT_S = 1.0

_INTERVALS = ("WORKER_REPORT_INTERVAL", "HEARTBEAT_INTERVAL")


class LinkedPair:
    """A master and a worker in this process, for the length of a `with` block.

        pair = LinkedPair([Buyer], Settings(service="checkout", resolution_s=1))
        with pair:
            pair.start(users=3)
            pair.wait_until(lambda: pair.fired["/buy"] > 100, "requests")
            pair.finish()
        assert pair.client.totals("RequestCount") == pair.fired

    The environments are there before the block is entered, to add listeners or options; the runners and plugins when it
    is. Locust patches the standard library for gevent when it is imported, so import it before anything else.

    Attributes:
        master: The master's environment.
        worker: The worker's environment.
        client: What the master sends with.
        fired: Request name -> results that were fired on the worker.
        master_plugin: The master's plugin.
        worker_plugin: The worker's plugin.
    """

    master_plugin: Plugin
    worker_plugin: Plugin

    def __init__(
        self,
        user_classes: Sequence[type[User]] = (),
        settings: Settings | None = None,
        *,
        client: RecordingClient | None = None,
        report_interval_s: float = 0.2,
    ) -> None:
        """Make the two environments.

        Args:
            user_classes: The users of both.
            settings: What to publish, as `install` takes it on the master.
            client: What the master sends with; a new `RecordingClient` by default.
            report_interval_s: How often the worker reports, and sends its heartbeat, within the block.
        """
        from locust.env import Environment

        self.master = Environment(user_classes=list(user_classes))
        self.worker = Environment(user_classes=list(user_classes))
        self.client = RecordingClient() if client is None else client
        self.fired: Counter[str] = Counter()
        self._settings = settings
        self._report_interval_s = report_interval_s
        self._before: dict[str, Any] = {}
        self.worker.events.request.add_listener(self._count)

    def __enter__(self) -> Self:
        from locust import runners

        for name in _INTERVALS:
            self._before[name] = getattr(runners, name)
            setattr(runners, name, self._report_interval_s)
        try:
            self._link()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def start(self, users: int, spawn_rate: float = 100.0) -> None:
        """Have the master start so many users on the worker, `spawn_rate` a second; returns when they run."""
        assert self.master.runner is not None  # noqa: S101 - made when the block was entered
        self.master.runner.start(users, spawn_rate)
        self.wait_until(lambda: self._count_users() == users, f"{users} users")

    def finish(self, timeout_s: float = 10.0) -> None:
        """End both as the master's Locust does, and flush the last results.

        Raises:
            TimeoutError: The worker, or the sending, did not come to its end.
        """
        import gevent

        ending = gevent.spawn(self.master_plugin.close, timeout_s=timeout_s)
        self.wait_until(lambda: not _is_running(self.worker), "end of the worker")
        self.worker_plugin.close(timeout_s=timeout_s)
        self.wait_until(ending.ready, "end of the master")
        ending.get()

    def wait_until(self, condition: Callable[[], object], what: str, deadline_s: float = 30.0) -> None:
        """Wait, with both at work, until a condition holds.

        Raises:
            TimeoutError: It did not hold in time; its text says which by `what`.
        """
        import gevent

        until_s = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > until_s:
                raise TimeoutError(f"no {what} within {deadline_s:g} s")
            gevent.sleep(_POLL_S)

    def _link(self) -> None:
        from locust_cw_dist.plugin import install

        master = self.master.create_master_runner(_HOST, 0)
        self.master_plugin = install(self.master, self._settings, client=self.client)
        self.worker.create_worker_runner(_HOST, master.server.port)
        self.worker_plugin = install(self.worker)
        self.wait_until(lambda: len(master.clients.ready) == 1, "ready worker")

    def _count(self, name: str, **_: Any) -> None:
        self.fired[name] += 1

    def _count_users(self) -> int:
        return 0 if self.worker.runner is None else self.worker.runner.user_count

    def _close(self) -> None:
        """End what still runs, without waiting for its results; what `finish` has ended stays as it is."""
        from locust import runners

        try:
            for plugin in ("master_plugin", "worker_plugin"):
                if hasattr(self, plugin):
                    getattr(self, plugin).close(timeout_s=_CLOSE_TIMEOUT_S)
            for environment in (self.worker, self.master):
                if environment.runner is not None and _is_running(environment):
                    environment.runner.quit()
        finally:
            for name, interval_s in self._before.items():
                setattr(runners, name, interval_s)


def _is_running(environment: Environment) -> bool:
    """Whether the runner has greenlets that work."""
    return environment.runner is not None and bool(environment.runner.greenlet)
