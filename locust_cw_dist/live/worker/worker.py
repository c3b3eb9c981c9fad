"""Worker: ships what the request listener folded, in Locust's own reports, and waits at the end for the master.

Who runs what: `_on_report` in the runner's reporting greenlet (and once more where Locust sends its last report),
`_on_master_message` in the greenlet that reads the master's messages, `_on_quit` in whichever greenlet ends the
process, when the other two are dead and all other listeners of `quit` have fired what they have. A SIGTERM can make two
greenlets end the process at once; a lock lets one do the work while the other waits.

A worker needs no option and no environment variable of ours, and imports neither boto3 nor anything of the master.
"""

from __future__ import annotations

import logging
import math
import uuid
from typing import Any

import gevent
import gevent.lock

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.wire.frame import WIRE_VERSION
from locust_cw_dist.core.wire.messages import (
    FRAME,
    HELLO,
    MASTER_MESSAGE,
    REPORT_KEY,
    MasterMessage,
    pack_hello,
    read_master_message,
)
from locust_cw_dist.core.worker.clock_offset import ClockSync
from locust_cw_dist.core.worker.outbox import Moment, Outbox
from locust_cw_dist.core.worker.run_naming import RunNaming
from locust_cw_dist.live.platform import at_exit, forks
from locust_cw_dist.live.platform.clock import Clock, SystemClock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.locust_internals import Guard, WorkerLink, end_users, report_interval_s
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Bounds, Patience
from locust_cw_dist.live.worker.request_listener import RequestListener, vitals_of

logger = logging.getLogger("locust_cw_dist")

FINAL_FRAME_TIMEOUT_S = 18.0
"""How long a worker stays for the acknowledgement of its last frame: as long as the master waits for it, longer than a
link that was away for 10 s, shorter than the 30 s that Kubernetes gives a pod by default."""

HURRIED_FINAL_FRAME_S = 2.0
"""The same from a ctrl-C during the end on; after a second one, the frame is sent and not waited for."""

UNHEARD_TIMEOUT_S = 2.0
"""The same for a worker that never heard of a master with the plugin, or not for as long as it would stay: Locust's
worker has waited a minute for its master's heartbeat when it ends by itself."""

END_USERS_TIMEOUT_S = 2.0
"""How long users that Locust has left behind may take to end."""

SECOND_QUIT_S = 5.0
"""How long the second of two greenlets that end the process is held back: the first one exits meanwhile. Where both
exit, Python prints the second SystemExit with a traceback."""

FAILED_RECEIVE_PAUSE_S = 0.1
"""Pause after a failure to read from the socket, which may fail for good."""

RESEND_AFTER_S = 1.0
"""Pause before a last frame is sent again."""

AFTER_END_S = 0.5
"""How long a worker whose last frame was acknowledged stays for what fired meanwhile."""

STEP_BACK_S = 1.0
"""A correction of the clock by less than this never makes it go back, so that results don't fall into windows that the
last frame has vouched for; by more, it was wrong before and must."""


class MasterClock:
    """The master's clock, as far as this worker knows it.

    Attributes:
        ticks: The own clock's; they stay as they are when the offset changes.
    """

    def __init__(self, clock: Clock) -> None:
        """Correct `clock`."""
        self.ticks = clock.ticks
        self._clock = clock
        self._sync = ClockSync()
        self._latest_s = 0.0

    @property
    def offset_s(self) -> float | None:
        """What is added to the own clock; None before the master has told."""
        return self._sync.offset_s

    def now_s(self) -> float:
        """Return seconds since the epoch on the master's clock; on the own one before that is known."""
        now_s = self._clock.now_s() + (self._sync.offset_s or 0.0)
        if self._latest_s - STEP_BACK_S < now_s < self._latest_s:
            return self._latest_s
        self._latest_s = now_s
        return now_s

    def note(self, asked_s: float, sent_s: float) -> float:
        """Take the time at which the master sent something that just came; return by how much the clock moved.

        `asked_s` is a time of the own clock before which the master did not send it.
        """
        before_s = self._sync.offset_s or 0.0
        self._sync.note(asked_s, sent_s, self._clock.now_s())
        return (self._sync.offset_s or 0.0) - before_s


class Worker:
    """The plugin on a worker."""

    def __init__(self, environment: Any, once: LogOnce, patience: Patience, clock: Clock | None = None) -> None:
        """Serve `environment`, whose runner is a WorkerRunner, and which ends as soon as `patience` asks."""
        self._environment = environment
        self._runner = environment.runner
        self._once = once
        self._patience = patience
        self._own_clock = clock or SystemClock()
        self._clock = MasterClock(self._own_clock)
        self._link = WorkerLink(self._runner)
        self._connection = self._link.connection
        self._listeners = Listeners(environment)
        self._request_listener = RequestListener(self._clock, once)
        # Made here and not at import: with --processes, one import serves all the forks.
        self._epoch = uuid.uuid4().hex
        self._outbox = Outbox(self._request_listener.buffer, worker_id=self._runner.client_id, epoch=self._epoch)
        self._naming = RunNaming(self._request_listener.buffer, self._outbox)
        self._greeted_at_s = self._cut_at_s = self._own_clock.now_s()
        self._heard_at_s = -math.inf
        self._end = gevent.lock.RLock()
        self._ended = False
        forks.watch(self)

    def attach(self) -> None:
        """Listen to Locust's events and greet the master."""
        for mode in self._link.lesser_modes:
            logger.warning("locust-cw: with this version of Locust %s", mode)
        self._link.keep_sendable()
        self._request_listener.attach(self._environment)
        self._listeners.add("test_start", self._on_test_start)
        self._listeners.add_after("report_to_master", self._after_report)
        quit_hook = self._environment.events.quit
        if Guard.can_guard(quit_hook):
            Guard.add(quit_hook, self._after_quit).around = self._patience.user_code
        else:
            logger.warning("locust-cw: with this version of Locust, results of later `quit` listeners are lost")
            self._listeners.add("quit", self._on_quit)
        self._listeners.add("quitting", self._on_quitting)
        self._patience.on_interrupt.append(self._on_interrupt)
        # For a locustfile that ends the process with sys.exit.
        at_exit.register(self._on_exit)
        self._listeners.add_message(MASTER_MESSAGE, self._on_master_message)
        self._runner.send_message(HELLO, pack_hello(self._epoch))

    def close(self, timeout_s: float | None = None) -> None:
        """Send what is left and wait until the master has it; for library use, when the runner has quit."""
        try:
            self._send_final_frame(timeout_s)
        finally:
            self._stop()
            self._listeners.close()

    def abandon(self) -> None:
        """Be inert, in a forked process: the results are the parent's to send."""
        self._ended = True
        self._end = gevent.lock.RLock()
        at_exit.unregister(self._on_exit)
        Guard.remove(self._environment.events.quit, self._after_quit)

    def _moment(self) -> Moment:
        return Moment(self._clock.now_s(), self._clock.offset_s, self._request_listener.over, vitals_of(self._runner))

    def _on_test_start(self, **_: Any) -> None:
        if not self._naming.begin():
            # The master may think that nothing more comes from here, and end before the next report.
            self._try_to_send(HELLO, pack_hello(self._epoch))

    def _after_report(self, raised: BaseException | None, fields: dict[str, Any]) -> BaseException | None:
        """Add to a report when all listeners have had it, for one of the user's may empty it.

        What Locust lets through of theirs would end its greenlet for reports, or the one that reads the master's word.
        """
        self._on_report(**fields)
        if not isinstance(raised, Exception):
            return raised
        self._once.warning("reporting", "locust-cw: a listener of `report_to_master` raised: %r", raised)
        return None

    def _on_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if client_id != self._runner.client_id:
            # Of another worker in this process, on the same events.
            return
        try:
            self._request_listener.keep_place()
            if self._link.connection is not self._connection:
                self._connection = self._link.connection
                self._link.keep_sendable()
                self._outbox.on_reconnect()
            if self._outbox.is_abandoned and not self._outbox.has_stopped:
                self._stop_recording()
                self._say_abandoned()
            if not self._outbox.is_waiting:
                self._cut_at_s = self._own_clock.now_s()
            data[REPORT_KEY] = self._outbox.on_report(self._moment())
        except Exception:
            self._once.error("report", "locust-cw: could not make a frame")

    def _on_master_message(self, environment: Any, msg: Any, **_: Any) -> None:
        try:
            word = read_master_message(msg.data)
            if word is None:
                self._once.warning("word", "locust-cw: the master sent a message that can't be read")
            elif word.version != WIRE_VERSION:
                self._stop_recording()
                self._once.warning(
                    "version",
                    "locust-cw: the master has wire version %s, this worker %s: results of this worker are not "
                    "recorded; install the same version of locust-cw-dist everywhere",
                    word.version,
                    WIRE_VERSION,
                )
            else:
                self._take(word)
        except Exception:
            self._once.error("word", "locust-cw: could not process the master's message")

    def _take(self, word: MasterMessage) -> None:
        self._heard_at_s = self._own_clock.now_s()
        if not word.recording:
            self._stop_recording()
            return
        if self._outbox.has_stopped:
            self._outbox.resume()
            self._request_listener.is_on = True
        is_answer = word.epoch == self._epoch and word.seq == self._outbox.waiting_seq
        moved_s = self._clock.note(self._cut_at_s if is_answer else self._greeted_at_s, word.clock_s)
        if moved_s:
            self._request_listener.look_at_clock()
        answered_seq = word.seq if is_answer else None
        self._naming.learn(word.run_id, answered_seq, clock_moved_s=moved_s, is_running=self._request_listener.running)
        self._request_listener.buffer.use_resolution(word.resolution_s)
        self._request_listener.use_reasons(with_messages=word.with_messages)
        self._outbox.whole_windows = word.whole_windows
        if word.refused:
            self._note_refusal(word)
        elif word.epoch == self._epoch and self._outbox.on_acknowledgement(word.seq):
            self._follow_up()

    def _note_refusal(self, word: MasterMessage) -> None:
        lost = self._outbox.on_refusal(word.refused_crc, word.refused)
        if lost:
            self._once.warning(
                f"refused {word.refused}",
                "locust-cw: the master refused a frame of this worker (%s): %s lost, and counted as such",
                word.refused,
                counted(lost, "result"),
            )

    def _follow_up(self) -> None:
        """Send what the acknowledged frame had no room for: the next report is seconds away."""
        if data := self._outbox.follow_up(self._moment()):
            self._runner.send_message(FRAME, {"frame": data})

    def _stop_recording(self) -> None:
        self._request_listener.is_on = False
        self._outbox.stop()

    def _on_quitting(self, **_: Any) -> None:
        self._patience.begin()

    def _on_interrupt(self, _: int) -> None:
        """Have no task waited for any more, as --stop-timeout may ask."""
        self._end_users()

    def _on_exit(self) -> None:
        """End where nothing of Locust's has: its reader, which still runs, must not take what is read here."""
        self._patience.begin()
        if not self._ended:
            try:
                self._runner.quit()
            except Exception:
                self._once.error("runner", "locust-cw: Locust's worker could not quit")
            self._on_quit()
        self._stop()

    def _stop(self) -> None:
        """Record nothing any more, and say what came after the last frame."""
        at_exit.unregister(self._on_exit)
        self._request_listener.detach()
        Guard.remove(self._environment.events.quit, self._after_quit)
        if self._outbox.has_ended and self._outbox.unacknowledged:
            logger.warning(
                "locust-cw: lost: %s of this worker, fired after its last frame",
                counted(self._outbox.unacknowledged, "result"),
            )

    def _after_quit(self, raised: BaseException | None, _: dict[str, Any]) -> BaseException | None:
        self._on_quit()
        # What the user has interrupted has done its part: Locust goes on to end.
        return None if isinstance(raised, KeyboardInterrupt) and self._patience.interrupts else raised

    def _on_quit(self, **_: Any) -> None:
        is_second = self._ended
        try:
            self._send_final_frame(None)
        except Exception:
            self._once.error("quit", "locust-cw: could not send the last results of this worker")
        if is_second:
            gevent.sleep(SECOND_QUIT_S)

    def _send_final_frame(self, timeout_s: float | None) -> None:
        with self._end:
            if self._ended:
                return
            self._ended = True
            self._end_users()
            began_s = self._own_clock.now_s()
            timeout_s = self._final_timeout_s() if timeout_s is None else timeout_s
            with self._patience.limit(Bounds(timeout_s + AFTER_END_S, HURRIED_FINAL_FRAME_S, 0.0)):
                self._send_until_acknowledged(began_s + timeout_s)
            if not self._outbox.has_ended:
                self._give_up(self._own_clock.now_s() - began_s)

    def _final_timeout_s(self) -> float:
        # Twice: behind a link that was away for as long, a report more may have gone unanswered.
        recent_s = 2 * max(FINAL_FRAME_TIMEOUT_S, report_interval_s())
        was_heard = self._own_clock.now_s() - self._heard_at_s < recent_s
        return FINAL_FRAME_TIMEOUT_S if was_heard else UNHEARD_TIMEOUT_S

    def _send_until_acknowledged(self, deadline_s: float) -> None:
        """Send the last frame, and what fires meanwhile, until the master has it all; it may be cut off."""
        clock = self._own_clock
        while data := self._outbox.final_frame(self._moment()):
            if clock.now_s() >= deadline_s:
                return
            self._try_to_send(FRAME, {"frame": data})
            self._await_answer(min(deadline_s, clock.now_s() + RESEND_AFTER_S))
            if self._outbox.has_ended:
                # Whatever code of the user's goes on to fire: the master may be gone now.
                deadline_s = min(deadline_s, clock.now_s() + AFTER_END_S)

    def _end_users(self) -> None:
        try:
            end_users(self._runner, END_USERS_TIMEOUT_S)
        # A user's own code.
        except Exception:
            self._once.error("users", "locust-cw: could not end the users that still run")

    def _try_to_send(self, kind: str, data: Any) -> None:
        """Send a message; one that fails is sent again if it matters."""
        try:
            self._runner.send_message(kind, data)
        except Exception as e:
            self._once.warning("send", "locust-cw: could not send a message to the master: %r", e)

    def _give_up(self, timeout_s: float) -> None:
        if not self._outbox.owes_results:
            return
        if self._heard_at_s == -math.inf:
            self._say_abandoned()
        else:
            logger.warning(
                "locust-cw: the master has not acknowledged the last results of this worker within %.0f s; they may be "
                "lost",
                timeout_s,
            )

    def _say_abandoned(self) -> None:
        self._once.warning(
            "abandoned", "locust-cw: no master with this plugin has answered; results of this worker are not recorded"
        )

    def _await_answer(self, until_s: float) -> None:
        """Read the master's messages until what was sent is acknowledged, or until then."""
        while self._outbox.is_waiting and (left_s := until_s - self._own_clock.now_s()) > 0:
            message = self._receive(left_s)
            if message is not None and message.type == MASTER_MESSAGE:
                self._on_master_message(self._environment, message)

    def _receive(self, timeout_s: float) -> Any | None:
        try:
            return self._link.receive(timeout_s)
        except Exception as e:
            self._once.warning("rpc", "locust-cw: could not read a message of the master at the end: %r", e)
            gevent.sleep(min(timeout_s, FAILED_RECEIVE_PAUSE_S))
            return None
