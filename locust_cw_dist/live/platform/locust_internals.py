"""Link: all that this program uses of Locust beyond its documented interface, in one file.

Needed are the sockets behind `runner.server` and `runner.client`, and the users behind `runner.user_greenlets`:

- to let a worker that reconnects take its old connection's place (ROUTER_HANDOVER): without it libzmq drops whatever
  comes from the new connection while the old one looks open;
- to read, at the end, what still waits in the master's socket: Locust's own reader is gone by then;
- to read, at the end, the acknowledgements that reach a worker whose own reader is gone;
- to keep a worker's reports sendable: one odd value of a user's would keep Locust from sending any;
- to know how often workers report, which a locustfile may set, and whether several runners count the same events;
- to know which users Locust would spawn at most, where classes have a `fixed_count`;
- to know whether a change of the users in the web UI leaves the run time in force;
- to end, before that, the users that Locust has left behind: where the master's word to spawn users comes after the
  worker's own stop, or a user quits the runner in a task, they go on for as long as the process does.

The order of an event's listeners is Locust's list of them, and nothing else can change it:

- `request` and `worker_report` reach us before anybody else, since Locust lets some exceptions of a listener through
  (`RescheduleTask`, `StopUser`), and skips the listeners after that one;
- `report_to_master` reaches us after everybody else, whatever they raise: a listener may empty the report;
- where the process ends, each listener of `quitting` and `quit` is called whatever the others raise (`Guard`), and the
  exit code is decided on after all of them, together with what Locust's own code comes from (`EndLink`).

And the messages that a runner listens to, to take ours away again.

Each use is probed when the link is made, or in `order_modes`. Where something is missing (another Locust),
`lesser_modes` says in words what is lost, and the methods do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

import gevent
from locust import log as locust_log
from locust import runners
from locust.event import EventHook

from locust_cw_dist.live.platform.sendable import MESSAGES, SendableMessage

After = Callable[[BaseException | None, dict[str, Any]], BaseException | None]
"""What happens after all listeners of an event: it gets what was raised first, and the event's arguments; what it
returns is raised in its place."""

Around = Callable[[], AbstractContextManager[object]]
"""What a listener runs in."""

ROUTER_HANDOVER = 56
"""libzmq's number of the option; the name is not in every pyzmq that Locust allows."""

Listener = Callable[..., object]


def order_modes(environment: Any) -> list[str]:
    """Return what can't be done with this Locust, as `lesser_modes`: about listeners and messages."""
    modes = []
    events = environment.events
    if not (
        _has_order(events.request) and _has_order(events.worker_report) and Guard.can_guard(events.report_to_master)
    ):
        modes.append("a listener of your own that raises, or empties a report, may hide results")
    if environment.runner is not None and not isinstance(getattr(environment.runner, "custom_messages", None), dict):
        modes.append("the plugin can't be installed again after `Plugin.close`, for the same runner")
    return modes


def add_first(hook: Any, listener: Listener) -> None:
    """Have `listener` called before all other listeners of an event; where there is no order, after those of now.

    An event that is being fired just now may go through the list itself, so that is left as it is.
    """
    if _has_order(hook):
        hook._handlers = [listener, *hook._handlers]  # noqa: SLF001 - there is no other way
    else:
        hook.add_listener(listener)


def is_listening(hook: Any, listener: Listener) -> bool:
    """Whether a listener is still there; True where that can't be known."""
    return not _has_order(hook) or listener in hook._handlers  # noqa: SLF001 - as above


def remove(hook: Any, listener: Listener) -> None:
    """Take a listener away, if it is there; an event that is being fired just now skips no other one for it."""
    if not _has_order(hook):
        with suppress(ValueError):
            hook.remove_listener(listener)
        return
    left = list(hook._handlers)  # noqa: SLF001 - as above
    if listener in left:
        left.remove(listener)
    hook._handlers = left  # noqa: SLF001 - as above


def remove_message(runner: Any, kind: str) -> None:
    """Take away what a runner listens to for messages of this kind."""
    listeners = getattr(runner, "custom_messages", None)
    if isinstance(listeners, dict):
        listeners.pop(kind, None)


def is_own_greenlet(runner: Any) -> bool:
    """Whether the greenlet of now is a user of `runner` or one of its own, or was spawned by such a one."""
    groups = [getattr(runner, name, ()) for name in ("user_greenlets", "greenlet")]
    greenlet: Any = gevent.getcurrent()
    while greenlet is not None:
        if any(greenlet in group for group in groups):
            return True
        # gevent's own note, a weak reference; the main greenlet has none.
        spawner = getattr(greenlet, "spawning_greenlet", None)
        greenlet = spawner() if callable(spawner) else None
    return False


def _has_order(hook: Any) -> bool:
    return isinstance(getattr(hook, "_handlers", None), list)


def end_users(runner: Any, timeout_s: float) -> None:
    """End the users of `runner` that still run, and wait for that until `timeout_s` have passed."""
    users: Any = getattr(runner, "user_greenlets", None)
    if callable(getattr(users, "kill", None)) and gevent.getcurrent() not in users:
        users.kill(block=True, timeout=timeout_s)


USUAL_REPORT_INTERVAL_S = 3.0
"""How often Locust's workers report, unless a locustfile sets it."""


def report_interval_s() -> float:
    """Return how often workers report, as this process has it; Locust reads it anew each time."""
    interval_s = getattr(runners, "WORKER_REPORT_INTERVAL", None)
    return float(interval_s) if isinstance(interval_s, int | float) and interval_s > 0 else USUAL_REPORT_INTERVAL_S


class RunLink:
    """What a run is, on a master or in a single process.

    Attributes:
        lesser_modes: What can't be done with this Locust; empty if everything can.
    """

    def __init__(self, environment: Any) -> None:
        """Probe an `Environment`; its runner may be made or replaced later."""
        self.lesser_modes: list[str] = []
        self._environment = environment
        if self._handlers is None:
            self.lesser_modes.append("runners that share events may make a run incomplete: Locust counts each twice")
        runner = environment.runner
        if runner is not None and not hasattr(runner, "_users_dispatcher"):
            self.lesser_modes.append("a shape that chooses classes with a `fixed_count` may make a run suspect")

    def count_runners(self) -> int:
        """Return how many runners count each request that is fired; 1 where that can't be known."""
        if self._handlers is None:
            return 1
        return sum(getattr(handler, "__module__", None) == runners.__name__ for handler in self._handlers)

    @property
    def cancels_run_time(self) -> bool:
        """Whether a web form that names no run time ends an earlier one's; older versions let that stop the test."""
        return hasattr(getattr(self._environment, "web_ui", None), "_cancel_run_time_timer")

    def dispatched_classes(self) -> list[Any]:
        """Return the classes of which Locust spawns users now: those of the shape's last tick, or all."""
        dispatcher = getattr(self._environment.runner, "_users_dispatcher", None)
        classes = getattr(dispatcher, "_user_classes", None)
        return list(classes if isinstance(classes, list) else getattr(self._environment, "user_classes", ()))

    @property
    def _handlers(self) -> list[Any] | None:
        handlers = getattr(self._environment.events.request, "_handlers", None)
        return handlers if isinstance(handlers, list) else None


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
            self.lesser_modes.append("a worker that reconnects over a half-open connection is lost")

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
        if not callable(getattr(getattr(runner, "client", None), "send", None)):
            self.lesser_modes.append("a name, time or length that msgpack can't pack loses a worker's results")
        if not callable(getattr(getattr(runner, "user_greenlets", None), "kill", None)):
            self.lesser_modes.append("users that Locust leaves behind go on while a worker waits at its end")

    @property
    def connection(self) -> object:
        """Stands for the connection: another object after each reconnect."""
        return getattr(self._runner, "client", None)

    def keep_sendable(self) -> None:
        """Have reports that can't be packed mended, again whenever the connection was made anew."""
        client: Any = self.connection
        send = getattr(client, "send", None)
        if callable(send) and getattr(send, "func", None) is not _send_mended:
            client.send = partial(_send_mended, send)

    def receive(self, timeout_s: float) -> Any | None:
        """Return the next message from the master, or None if none comes in time; see `MasterLink.receive`."""
        if not self._can_receive:
            gevent.sleep(timeout_s)
            return None
        message = None
        with gevent.Timeout(timeout_s, False):
            message = self._runner.client.recv()
        return message  # noqa: RET504 - gevent's timeout leaves the block without a word


def _send_mended(send: Callable[[Any], None], message: Any) -> None:
    send(SendableMessage(message) if getattr(message, "type", None) in MESSAGES else message)


class Guard:
    """Fires an event in place of its hook: every listener is called, whatever the others raise.

    Locust's own `fire` goes on after an Exception of a listener, but not after `sys.exit`, ctrl-C or one of its own
    exceptions such as `StopUser`: these skip all later listeners.

    Attributes:
        before: Called before the listeners; it may wait.
        after: Called one after the other when all listeners have been.
        around: Entered for the time that a listener takes.
    """

    def __init__(self, hook: Any) -> None:
        """Stand in for the `fire` of `hook`."""
        self.before: Callable[[], object] = lambda: None
        self.after: list[After] = []
        self.around: Around = nullcontext
        self._hook = hook

    @staticmethod
    def can_guard(hook: object) -> bool:
        """Whether the listeners of `hook` can be called one by one."""
        return isinstance(hook, EventHook) and isinstance(getattr(hook, "_handlers", None), list)

    @classmethod
    def add(cls, hook: Any, after: After) -> Guard:
        """Call `after` when all listeners of `hook` have been called, each time that it is fired; return the guard."""
        guard = hook.fire if isinstance(hook.fire, Guard) else cls(hook)
        hook.fire = guard
        guard.after.append(after)
        return guard

    @classmethod
    def remove(cls, hook: Any, after: After) -> None:
        """Undo `add`."""
        guard = getattr(hook, "fire", None)
        if isinstance(guard, Guard) and after in guard.after:
            guard.after.remove(after)
            if not guard.after:
                del hook.fire

    def __call__(self, *, reverse: bool = False, **arguments: Any) -> None:
        """Fire; then raise what was raised first, unless what comes after makes something else of it."""
        self.before()
        raised: BaseException | None = None
        listeners = list(self._hook._handlers)  # noqa: SLF001 - Locust's `fire` can't be told to go on
        for listener in reversed(listeners) if reverse else listeners:
            raised = self._call(listener, arguments, raised)
        for after in list(self.after):
            raised = after(raised, arguments)
        if raised is not None:
            raise raised

    def _call(
        self, listener: Callable[..., Any], arguments: dict[str, Any], raised: BaseException | None
    ) -> BaseException | None:
        """Call one listener as Locust does; return what was raised first so far."""
        alone = type(self._hook)()
        alone.add_listener(listener)
        try:
            with self.around():
                alone.fire(**arguments)
        # It is raised when all have been called.
        except BaseException as e:
            return raised or e
        return raised


TURN_S = 0.05
"""How often a greenlet looks whether the end of the process is left to it."""


class EndLink:
    """The end of Locust's process, on a master or in a single process.

    Attributes:
        lesser_modes: What can't be done with this Locust; empty if everything can.
        can_be_last: Whether something can be done after all listeners of `quitting` and of `quit`.
    """

    def __init__(self, environment: Any, log: Any = locust_log) -> None:
        """Probe an `Environment` and Locust's module of logs."""
        self.lesser_modes: list[str] = []
        self._environment = environment
        self._log = log
        self._guarded: list[tuple[Any, After]] = []
        self._ending: Any = None
        events = environment.events
        self.can_be_last = Guard.can_guard(events.quitting) and Guard.can_guard(events.quit)
        if not self.can_be_last:
            self.lesser_modes.append(
                "a `quitting` listener of your own may replace the exit code of a rule or of an invalid run"
            )
        runner = environment.runner
        self._knows_errors = runner is None or isinstance(getattr(runner, "exceptions", None), dict)
        self._knows_errors &= isinstance(getattr(log, "unhandled_greenlet_exception", None), bool)
        if not self._knows_errors:
            self.lesser_modes.append("rules can't decide about failed requests: Locust's own exit code for them stays")

    def run_last(self, after_quitting: After, after_quit: After, around: Around = nullcontext) -> None:
        """Have these called after all listeners of the two events, whatever those raise; does nothing if it can't be.

        They get what was raised first, and the event's arguments; what they return is raised in its place. Each
        listener runs in `around`. Of several greenlets that end the process, one for each SIGTERM, one goes on.
        """
        if self.can_be_last:
            events = self._environment.events
            self._guarded = [(events.quitting, after_quitting), (events.quit, after_quit)]
            for hook, after in self._guarded:
                Guard.add(hook, after).around = around
            events.quitting.fire.before = self._wait_for_turn

    def _wait_for_turn(self) -> None:
        """Return in the greenlet that ends the process; in another one if that ended without the process."""
        greenlet = gevent.getcurrent()
        while self._ending not in {None, greenlet} and not self._ending.dead:
            gevent.sleep(TURN_S)
        self._ending = greenlet

    def release(self) -> None:
        """Undo `run_last`."""
        for hook, after in self._guarded:
            Guard.remove(hook, after)
        self._guarded = []

    def has_exceptions(self) -> bool:
        """Whether tasks of users raised, as Locust counts it; True if that can't be known."""
        runner = self._environment.runner
        return not self._knows_errors or (runner is not None and len(runner.exceptions) > 0)

    def has_unhandled(self) -> bool:
        """Whether a listener or a greenlet of the user's raised."""
        return bool(getattr(self._log, "unhandled_greenlet_exception", False))
