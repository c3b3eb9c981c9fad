"""Master: receives the workers' frames, acknowledges them, and stays at the end until it has them all.

Who runs what: `_on_report` and `on_message` in the greenlet that reads the workers' messages, which must
not yield before a frame is merged (Locust kills that greenlet when it quits); `quit` and `drain` in the greenlet that
ends the process, the latter when that reader is dead.
"""

from __future__ import annotations

import logging
import zlib
from dataclasses import replace
from typing import Any

import gevent
from locust.runners import STATE_MISSING

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.master.report_intervals import ReportIntervals
from locust_cw_dist.core.master.worker_processes import Seen, WorkerProcess
from locust_cw_dist.core.verdict.generator_health import SKEW_S
from locust_cw_dist.core.wire.frame import (
    MALFORMED,
    NOT_FOR_GOOD,
    OTHER_VERSION,
    WIRE_VERSION,
    Frame,
    FrameError,
    decode,
)
from locust_cw_dist.core.wire.messages import FRAME, HELLO, MASTER_MESSAGE, REPORT_KEY, MasterMessage, is_id, read_hello
from locust_cw_dist.live.master.missing_plugins import MissingPlugins, mend_early_report
from locust_cw_dist.live.master.own_results import OwnResults
from locust_cw_dist.live.platform.clock import Clock
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.locust_internals import USUAL_REPORT_INTERVAL_S, MasterLink, report_interval_s
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.verdict.health_watch import HealthWatch

logger = logging.getLogger("locust_cw_dist")

SILENCE_S = 18.0
"""How long a worker must have been silent, at the end, before the master stops waiting for it: longer than the 8 s for
which workers were seen to freeze, and than a link that is away for 10 s. TCP sends again after 0.2 s and then after
twice as long each time, so what was sent into such a hole arrives, or meets a reset, up to 13 s after its beginning;
a new connection was seen to bring its first message after 14.6 s."""

ASK_AGAIN_S = 2.0
"""After this long a worker that still shows signs of life is told again to quit: a report of several seconds of
results takes as long over a slow link, and what was said into a connection that has been reset since is lost."""

FAILED_RECEIVE_PAUSE_S = 0.01
"""Pause after a failure to read from the socket, which may fail for good."""

HINTED_SLACK_S = 5.0
"""From here on it is said that windows wait longer; less is a busy machine."""

MANY_WORKERS = 50
"""Workers above which whole windows are asked for. Up to here frames with each report take a master 3 % of a core (50
endpoints, on a slow machine), and a worker that is killed loses a few seconds at most; above it one worker is a small
part of the load, and the master's core what is short."""


class Master:
    """The plugin on the master, but for publishing.

    Attributes:
        collector: Merges what comes.
        own: What fires on the master itself: a canary, a figure of the test's own.
        without_plugin: Ids of workers that report and have no plugin, or another wire version.
    """

    def __init__(
        self,
        environment: Any,
        collector: Collector,
        health: HealthWatch,
        runs: Runs,
        clock: Clock,
        once: LogOnce,
        *,
        resolution_s: int,
        with_messages: bool,
    ) -> None:
        """Serve `environment`, whose runner is a MasterRunner."""
        self.collector = collector
        self._missing = MissingPlugins(once)
        self.without_plugin = self._missing.workers
        self._environment = environment
        self._runner = environment.runner
        self._health = health
        self._runs = runs
        self._clock = clock
        self._once = once
        self._resolution_s = resolution_s
        self._with_messages = with_messages
        self._link = MasterLink(self._runner)
        self._listeners = Listeners(environment)
        self.own = OwnResults(
            environment,
            collector,
            runs,
            clock,
            once,
            name="master",
            resolution_s=resolution_s,
            with_messages=with_messages,
        )
        self._intervals = ReportIntervals(USUAL_REPORT_INTERVAL_S)
        self._heartbeats_s: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}  # at the end: when each worker that had more to bring was told last

    def attach(self) -> None:
        """Listen to Locust's events; the plugin registers for our own messages."""
        for mode in self._link.lesser_modes:
            logger.warning("locust-cw: with this version of Locust %s", mode)
        self._link.keep_handover()
        self._listeners.add_first("worker_report", self._on_report)
        self._listeners.add("heartbeat_sent", self._on_heartbeat)
        self.own.attach()

    def detach(self) -> None:
        """Stop listening."""
        self._listeners.close()
        self.own.detach()

    def announce(self) -> None:
        """Tell the workers the current run and the settings; before Locust tells them to spawn users.

        Only those that have greeted: a worker without the plugin would complain about a message that it does not know.
        """
        self.own.begin_run()
        for name, process in self.collector.processes.items():
            if not process.final and name != self.own.epoch:
                self._send_to(process.worker_id, self._master_message())

    def keep_link(self) -> None:
        """Look after the connection, and after how often workers report; call it now and then."""
        self._link.keep_handover()
        self._keep_slack()
        silent_since_s = self._clock.now_s() - SILENCE_S
        self._heartbeats_s = {worker: at_s for worker, at_s in self._heartbeats_s.items() if at_s >= silent_since_s}

    def _keep_slack(self) -> None:
        slack_s = self.collector.slack_s = self._intervals.slack_s(report_interval_s(), self.worker_ids())
        if slack_s >= HINTED_SLACK_S:
            self._once.warning(
                "interval",
                "locust-cw: workers report about every %.0f s instead of every %.0f s (WORKER_REPORT_INTERVAL): "
                "windows are published up to %.0f s later, once all workers have reported",
                slack_s + USUAL_REPORT_INTERVAL_S,
                USUAL_REPORT_INTERVAL_S,
                slack_s,
            )

    def count(self) -> tuple[int, int]:
        """Return the users and the workers of now."""
        return self._runner.user_count, self._runner.worker_count

    def seen(self) -> dict[str, Seen]:
        """Return what Locust knows of each worker."""
        return {
            worker_id: Seen(str(node.state), self._heartbeats_s.get(worker_id))
            for worker_id, node in self._runner.clients.items()
        }

    def processes(self, run_id: str) -> list[WorkerProcess]:
        """Return the workers' processes that took part in a run or may take part in the next, the latest last."""
        known = self.collector.run(run_id).processes | self.collector.processes
        return [one for epoch, one in known.items() if epoch != self.own.epoch]

    def worker_ids(self) -> set[str]:
        """Return the ids of the workers that are there, as far as Locust knows."""
        return {worker_id for worker_id, node in self._runner.clients.items() if node.state != STATE_MISSING}

    def has_no_worker(self) -> bool:
        """Whether there should be workers and none is left."""
        return not self.worker_ids()

    def quit(self, *, quit_runner: bool) -> None:
        """End the test and Locust's own reader, whatever `quit_runner` says: a master's last results come only then."""
        try:
            self._runner.quit()
        except Exception:  # a listener of the user's, or of another plugin
            self._once.error("quit", "locust-cw: Locust's master could not quit; its workers are asked to")

    def drain(self, deadline_s: float) -> None:
        """Receive until every worker is done, or the clock says `deadline_s`; after `quit`. It may be cut off."""
        try:
            self._receive_last(deadline_s)
        finally:
            self._missing.note_end({process.worker_id for process in self.collector.processes.values()})

    def _receive_last(self, deadline_s: float) -> None:
        # This process is no worker to be waited for.
        self.own.is_final = True
        self.own.hand_over()
        self._ask_to_quit()
        while (left_s := deadline_s - self._clock.now_s()) > 0:
            is_unfinished = self._unfinished()
            message = self._receive(min(left_s, 0.25) if is_unfinished else 0.0)
            if message is not None:
                self._dispatch(message)
            elif not is_unfinished:
                # Not before: of a worker that was away, what ends its silence may wait in the socket.
                break

    def _unfinished(self) -> bool:
        """Whether a worker has more to bring and was heard lately, if only by a heartbeat of Locust's.

        A worker that is back from behind a dead link may beat for two reports before it sends its frame again.
        """
        silent_since_s = self._clock.now_s() - SILENCE_S
        return any(
            max(process.heard_at_s, self._heartbeats_s.get(process.worker_id, 0.0)) >= silent_since_s
            for process in self.collector.run(self._runs.current.run_id).waiting_for(0.0)
        )

    def _ask_to_quit(self) -> None:
        # After a stop in the web UI Locust has forgotten its workers, and tells none of them.
        for process in self.collector.processes.values():
            if not process.final and process.worker_id not in self._runner.clients:
                self._tell_to_quit(process.worker_id)
        now_s = self._clock.now_s()
        self._asked_s = {one.worker_id: now_s for one in self.collector.processes.values() if not one.final}

    def _ask_again(self, worker_id: str) -> None:
        """Tell a worker again to quit that goes on: its connection may have been reset since it was told."""
        now_s, process = self._clock.now_s(), self.collector.process_of(worker_id)
        if now_s - self._asked_s[worker_id] >= ASK_AGAIN_S and process is not None and not process.final:
            self._asked_s[worker_id] = now_s
            self._tell_to_quit(worker_id)

    def _tell_to_quit(self, worker_id: str) -> None:
        try:
            self._runner.send_message("quit", client_id=worker_id)
        except Exception as e:  # one that can't be told must not keep the master from the others' results
            self._once.warning("send", "locust-cw: could not send a message at the end: %r", e)

    def _receive(self, timeout_s: float) -> Any | None:
        try:
            return self._link.receive(timeout_s)
        except Exception as e:  # whatever a stranger sent, or a socket that is gone
            self._once.warning("rpc", "locust-cw: could not read a message at the end: %r", e)
            gevent.sleep(min(timeout_s, FAILED_RECEIVE_PAUSE_S))
            return None

    def _dispatch(self, message: Any) -> None:
        if message.type == "stats":
            self._pass_on(message)
        elif message.type != "heartbeat":
            self.on_message(message)
            return
        # Ids are whatever a message says.
        if is_id(message.node_id) and message.node_id in self._asked_s:
            self._on_heartbeat(message.node_id)
            self._ask_again(message.node_id)

    def _pass_on(self, message: Any) -> None:
        """Hand a late report to every listener, Locust's own totals included."""
        try:
            self._environment.events.worker_report.fire(client_id=message.node_id, data=message.data)
        except Exception as e:  # Locust lets some through, as `StopUser`; ours has had the report by then
            self._once.warning("passed on", "locust-cw: a listener of `worker_report` raised at the end: %r", e)

    def _on_heartbeat(self, client_id: str, **_: Any) -> None:
        # Locust answers each heartbeat of a worker that it knows.
        self._heartbeats_s[client_id] = self._clock.now_s()
        self._health.note_sign(client_id)

    def _on_report(self, client_id: str, data: Any, **_: Any) -> None:
        try:
            value = data.get(REPORT_KEY) if isinstance(data, dict) else None
            if not is_id(client_id):
                self.collector.refuse(MALFORMED)
                return
            self._intervals.note(client_id, self._clock.now_s())
            is_early = isinstance(data, dict) and mend_early_report(data)
            if value:
                self._take(client_id, value)
            elif value is not None:
                self.collector.note_heartbeat(client_id, self._clock.now_s())
            elif not is_early:
                self._missing.note_bare_report(client_id, self._clock.now_s())
        except Exception:
            self._once.error("report", "locust-cw: could not process a worker's report")

    def on_message(self, msg: Any) -> None:
        """Take a message of ours; it is merged before anything yields."""
        # An answer to an id that is none would keep Locust trying to send it for nine seconds.
        if not is_id(msg.node_id):
            self.collector.refuse(MALFORMED)
        elif msg.type == HELLO:
            self._on_hello(msg)
        elif msg.type == FRAME:
            self._on_frame(msg)

    def _on_hello(self, msg: Any) -> None:
        try:
            hello = read_hello(msg.data)
            if hello is None:
                self.collector.refuse(MALFORMED)
            elif hello[0] != WIRE_VERSION:
                self._missing.note_other_version(msg.node_id, hello[0])
                self._send_to(msg.node_id, self._master_message())
            else:
                self.collector.greet(msg.node_id, hello[1], self._clock.now_s())
                self._send_to(msg.node_id, self._master_message())
        except FrameError as e:
            self._refuse(msg.node_id, e)
        except Exception:
            self._once.error("hello", "locust-cw: could not process a worker's greeting")

    def _on_frame(self, msg: Any) -> None:
        try:
            self._take(msg.node_id, msg.data.get("frame") if isinstance(msg.data, dict) else None)
        except Exception:
            self._once.error("frame", "locust-cw: could not process a worker's frame")

    def _take(self, client_id: str, data: object) -> None:
        """Merge a frame and acknowledge it, or refuse it; does not yield before it is merged."""
        try:
            frame = decode(data)
            is_new = self.collector.accept(frame, self._clock.now_s())
        except FrameError as e:
            self._refuse(client_id, e, data)
            return
        self._send_to(client_id, self._master_message(frame.epoch, frame.seq))
        if is_new:
            self._note(client_id, frame)

    def _note(self, client_id: str, frame: Frame) -> None:
        """Note what a frame tells of its worker."""
        self.collector.gauges.note_vitals(frame.vitals, self._clock.now_s())
        self._health.note_frame(frame)
        error_s = self._health.clock_error_s(frame)
        if error_s is not None and abs(error_s) > SKEW_S:
            self._once.warning_of(
                client_id,
                "skew",
                "locust-cw: the clock of worker %s is %.1f s off; its results are corrected",
                client_id,
                error_s,
            )

    def _refuse(self, client_id: str, error: FrameError, data: object = None) -> None:
        """Count what is refused, and tell its worker if it need not come again."""
        self.collector.refuse(error.reason)
        if error.reason == OTHER_VERSION:
            self._missing.note_other_version(client_id, error.version)
            self._send_to(client_id, self._master_message())
            return
        self._once.warning(
            f"refused {error.reason}", "locust-cw: a frame of worker %s was refused: %s", client_id, error
        )
        if isinstance(data, bytes) and error.reason not in NOT_FOR_GOOD:
            crc = zlib.crc32(data)
            self._send_to(client_id, replace(self._master_message(), refused=error.reason, refused_crc=crc))

    def _master_message(self, epoch: str = "", seq: int = 0) -> MasterMessage:
        return MasterMessage(
            self._clock.now_s(),
            self._runs.current.run_id,
            self._resolution_s,
            epoch=epoch,
            seq=seq,
            whole_windows=len(self._runner.clients) > MANY_WORKERS,
            with_messages=self._with_messages,
        )

    def _send_to(self, client_id: str, message: MasterMessage) -> None:
        self._runner.send_message(MASTER_MESSAGE, message.pack(), client_id)
