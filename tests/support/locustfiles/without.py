"""A locustfile without users that takes one mechanism out of the plugin, to see which test misses it.

`LCW_WITHOUT` names the mechanism, a function of this file; the tests of network and matrix then bring this file along.
"""

import contextlib
import math
import os
from types import SimpleNamespace

import gevent

from locust_cw_dist import plugin
from locust_cw_dist.core.master import collector, worker_processes
from locust_cw_dist.core.worker import clock_offset, outbox, run_naming
from locust_cw_dist.live.master import master
from locust_cw_dist.live.platform import locust_internals
from locust_cw_dist.live.worker import worker


def handover():
    locust_internals.MasterLink.keep_handover = lambda *_: None


def handover_again():
    def keep_first(self, keep=locust_internals.MasterLink.keep_handover):
        if self._server is None:
            keep(self)

    locust_internals.MasterLink.keep_handover = keep_first


def resending():
    """What was sent is forgotten at once."""

    def send_and_forget(self, moment, send=outbox.Outbox._send, **how):
        data = send(self, moment, **how)
        self.on_acknowledgement(self._sent.seq)
        return data

    outbox.Outbox._send = send_and_forget


def reconnect():
    """A frame is sent again after two reports, and no sooner after a reconnect."""
    outbox.Outbox.on_reconnect = lambda _: None


def deduplication():
    worker_processes.WorkerProcess.has_merged = lambda *_: False


def drain():
    """Locust's own half second at the end, and no more."""
    master.Master.drain = lambda *_: None


def asking_again():
    """A worker is told once to quit."""
    master.Master._ask_again = lambda *_: None


def patience():
    """A worker that has been silent for 10 s is done for."""
    master.SILENCE_S = 10.0


def late_results():
    """What comes after its window has closed is left out."""

    def accept(self, frame, now_s, accept=collector.Collector.accept):
        sections = [s for s in frame.sections if s.start_s >= self.run(s.run_id).closed_until_s]
        object.__setattr__(frame, "sections", tuple(sections))
        return accept(self, frame, now_s)

    collector.Collector.accept = accept


def grace():
    """A window waits for a silent worker for ever."""

    def init(self, *, resolution_s, grace_s, init=collector.Collector.__init__):
        init(self, resolution_s=resolution_s, grace_s=math.inf)

    collector.Collector.__init__ = init


def silence():
    """A worker that says nothing is waited for as long as the master may."""
    master.SILENCE_S = math.inf


def idleness():
    """Only a final frame says that a worker is done."""
    worker_processes.WorkerProcess.is_done = lambda self, _, silent_since_s: (
        self.final or self.heard_at_s < silent_since_s
    )


def last_frame():
    outbox.Outbox.final_frame = lambda *_: outbox.NOTHING


def last_acknowledgement():
    """A worker doesn't read what the master answers at its end."""
    locust_internals.WorkerLink.receive = lambda _, timeout_s: gevent.sleep(timeout_s)


def at_exit():
    """What ends with neither `quitting` nor `quit` ends without a last word."""
    plugin.atexit = worker.atexit = SimpleNamespace(register=lambda _: None, unregister=lambda _: None)


def lock():
    """The second greenlet that ends the process goes on while the first one is at work."""
    for kind, name in ((plugin.Plugin, "_ending"), (worker.Worker, "_end")):

        def init(self, *args, init=kind.__init__, name=name, **options):
            init(self, *args, **options)
            setattr(self, name, contextlib.nullcontext())

        kind.__init__ = init
    locust_internals.EndLink._wait_for_turn = lambda _: None
    second_quit()


def second_quit():
    """The second greenlet waits, and then exits the process too."""
    worker.Worker._on_quit = lambda self, **_: self._send_final_frame(None)


def end_of_users():
    """Users that Locust has left behind go on to the end of the process."""
    worker.end_users = lambda *_: None


def word_to_quit():
    """The master tells only the workers to quit that Locust knows of."""
    master.Master._ask_to_quit = lambda _: None


def runs():
    """A worker goes on with the run that it knows."""

    def begin(self):
        self._buffer.begin_run(self._buffer.run_id or self._announced)
        return True

    run_naming.RunNaming.begin = begin


def run_by_answer():
    """What is recorded after a start without word of its run waits for word of another run."""

    def hear(self, run_id, _, hear=run_naming.RunNaming.hear, **how):
        hear(self, run_id, None, **how)

    run_naming.RunNaming.hear = hear


def clock_correction():
    def offset_s(self):
        return 0.0 if self._bounds_s else None

    clock_offset.ClockSync.offset_s = property(offset_s)


def giving_up():
    """A worker goes on to record for a master that never answers."""
    outbox.Outbox.is_abandoned = property(lambda _: False)


def turning_down():
    """A worker goes on to record for a master that wants no results."""
    worker.Worker._stop_recording = lambda _: None


def addresses():
    """The master answers to whatever a message says it is from."""
    master.is_id = lambda _: True


def naming():
    """A frame of another version is refused as any other that is wrong."""
    master.Master._note_other_version = lambda *_: None


def sequence_bound():
    worker_processes.SEQUENCE_SPAN = math.inf


globals()[os.environ["LCW_WITHOUT"]]()
