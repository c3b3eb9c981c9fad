"""Simulated workers: each a ZeroMQ connection that sends what a worker sends, and takes what the master answers.

Arguments: the master's port, how many, endpoints of each, seconds, ours or nothing, a number of this process. Prints
"ready" when all are connected, and begins to report at the next line of stdin. Prints at the end, as JSON, the results
in all frames, and how many reports and frames were sent before the end.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass

import msgpack
import zmq
from locust import __version__ as LOCUST_VERSION  # noqa: N812

from bench.traffic import REPORT_S, SimulatedWorker
from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.windows import window_start_s
from locust_cw_dist.core.wire.frame import Frame, Vitals, decode, encode
from locust_cw_dist.core.wire.messages import FRAME, HELLO, MASTER_MESSAGE, REPORT_KEY, pack_hello, read_master_message
from locust_cw_dist.core.worker.outbox import MAX_SUMMARIES_PER_FRAME, NOTHING

RESULTS = 60
RESOLUTION_S = 10


@dataclass
class Sim:
    """One worker."""

    number: int
    socket: zmq.Socket
    node_id: str
    epoch: str
    run_id: str = ""
    seq: int = 0
    acked: int = 0
    sent: int = 0
    frames: int = 0
    whole_windows: bool = False
    cut_at_s: float = -math.inf

    def say(self, kind, data):
        self.socket.send(msgpack.packb((kind, data, self.node_id)))

    def hear(self):
        while self.socket.poll(0):
            kind, data, _ = msgpack.unpackb(self.socket.recv(), strict_map_key=False)
            word = read_master_message(data) if kind == MASTER_MESSAGE else None
            if word is not None:
                self.run_id, self.whole_windows = word.run_id, word.whole_windows
                if word.epoch == self.epoch:
                    self.acked = max(self.acked, word.seq)

    def report(self, templates, number, now_s):
        """Return the frames that are due with a report, as `Outbox` does: of what there is, or of a whole window."""
        window_s = window_start_s(now_s, RESOLUTION_S)
        if self.is_waiting or (self.whole_windows and window_s <= self.cut_at_s <= now_s):
            return []
        self.cut_at_s = now_s
        if self.whole_windows:
            # Of the window that goes on nothing is shipped, so that all results are in the frames up to its begin.
            return self.cut([window_s - RESOLUTION_S], pick(templates.whole, number), window_s)
        if now_s < window_s + REPORT_S:
            return self.cut([window_s - RESOLUTION_S, window_s], pick(templates.straddling, number), now_s)
        return self.cut([window_s], pick(templates.within, number), now_s)

    @property
    def is_waiting(self):
        """Whether no frame can be cut: one is not acknowledged, or no master has told its run."""
        return self.acked < self.seq or not self.run_id

    def cut(self, starts_s, windows, until_s, *, final=False):
        """Make frames of the summaries of windows."""
        sections = [Section.of(self.run_id, at_s, part) for at_s, part in zip(starts_s, windows, strict=True)]
        frames = []
        while sections or not frames:
            here, sections = split(sections, MAX_SUMMARIES_PER_FRAME)
            self.seq += 1
            self.sent += sum(section.results for section in here)
            frames.append(
                encode(
                    Frame(
                        self.node_id, self.epoch, self.seq, self.acked, self.run_id, until_s, 0.0, final, final,
                        Vitals(10, 12.5, 80_000_000), {self.run_id: RunCounters(self.sent)}, tuple(here),
                    )
                )
            )  # fmt: skip
        return frames


@dataclass(frozen=True)
class Templates:
    """What is sent over and over.

    Attributes:
        within: Summaries of reports that lie within one window, each a list of that window alone.
        straddling: Those of reports that straddle two windows.
        whole: Those of whole windows.
        data: What Locust puts into a report.
    """

    within: list
    straddling: list
    whole: list
    data: dict


def pick(templates, number):
    return templates[number % len(templates)]


def split(sections, max_summaries):
    """Return the first sections with at most so many summaries together, and the rest; a section may be divided."""
    first = []
    for number, section in enumerate(sections):
        summaries = list(section.summaries.items())
        if len(summaries) > max_summaries:
            within, beyond = (
                Section.of(section.run_id, section.start_s, dict(part))
                for part in (summaries[:max_summaries], summaries[max_summaries:])
            )
            return [*first, *([within] if max_summaries else [])], [beyond, *sections[number + 1 :]]
        first.append(section)
        max_summaries -= len(summaries)
    return first, []


def main(port, count, endpoints, seconds, ours, process):
    templates = make_templates(endpoints, ours=ours)
    context = zmq.Context()
    sims = []
    for number in range(count):
        socket = context.socket(zmq.DEALER)
        node_id = f"host-{process}-{number}_{number:032x}"
        socket.setsockopt(zmq.IDENTITY, node_id.encode())
        socket.connect(f"tcp://127.0.0.1:{port}")
        sims.append(Sim(number, socket, node_id, f"{process:016x}{number:016x}"))
        sims[-1].say("client_ready", LOCUST_VERSION)
        if ours:
            sims[-1].say(HELLO, pack_hello(sims[-1].epoch))
    time.sleep(2.0)
    print("ready", flush=True)
    sys.stdin.readline()
    reports = run(sims, templates, seconds, ours)
    frames = sum(sim.frames for sim in sims)
    if ours:
        end(sims)
    print(json.dumps({"sent": sum(sim.sent for sim in sims), "reports": reports, "frames": frames}), flush=True)
    sys.stdin.read()


def make_templates(endpoints, *, ours):
    """Return what is in the reports of three windows."""
    by_report, data = windows_of_reports(endpoints, turns=10 if ours else 1, whole_windows=False)
    whole = windows_of_reports(endpoints, turns=10, whole_windows=True)[0] if ours else []
    within, straddling = ([windows for windows in by_report if len(windows) == count] for count in (1, 2))
    return Templates(within, straddling, [windows for windows in whole if windows], data)


def windows_of_reports(endpoints, *, turns, whole_windows):
    """Return the summaries of each report, by window, and what Locust put into the last one."""
    worker = SimulatedWorker(
        1, endpoints=endpoints, results=RESULTS, resolution_s=RESOLUTION_S, whole_windows=whole_windows
    )
    found, report = [], None
    for turn in range(turns):
        report = worker.report(1_795_000_000.0 + REPORT_S * turn)
        windows = {}
        for section in (section for frame in report.frames for section in decode(frame).sections):
            windows.setdefault(section.start_s, {}).update(section.summaries)
        found.append(list(windows.values()))
    return found, report.data


def run(sims, templates, seconds, ours):
    """Report each three seconds, the workers one after the other, and send a heartbeat each second.

    Returns how many reports were sent in time.
    """
    begin_s = time.monotonic()
    step_s = REPORT_S / len(sims)
    sent = 0
    while (now_s := time.monotonic()) < begin_s + seconds:
        due = int((now_s - begin_s) / step_s) + 1
        for turn in range(sent, due):
            if time.monotonic() > begin_s + seconds:
                return turn
            report(sims[turn % len(sims)], templates, turn, ours)
        if due // (len(sims) // 3 or 1) > sent // (len(sims) // 3 or 1):
            for sim in sims:
                sim.say("heartbeat", {"state": "running", "current_cpu_usage": 12.5, "current_memory_usage": 8 * 10**7})
        sent = due
        time.sleep(0.005)
    return sent


def report(sim, templates, number, ours):
    """Send a report of Locust's with a frame of ours, if one is due, and the frames that follow it."""
    sim.hear()
    wall_s = time.time()
    data = replace_times(templates.data, wall_s)
    if ours:
        frames = sim.report(templates, number, wall_s)
        sim.frames += len(frames)
        data[REPORT_KEY] = frames[0] if frames else NOTHING
    sim.say("stats", data)
    for frame in frames[1:] if ours else ():
        sim.say(FRAME, {"frame": frame})


def replace_times(data, now_s):
    """Locust keeps requests by second: those of now."""
    second = int(now_s)
    stats = [
        entry | {"num_reqs_per_sec": {second - ago: entry["num_requests"] // 3 for ago in range(3)},
                 "last_request_timestamp": now_s}
        for entry in (*data["stats"], data["stats_total"])
    ]  # fmt: skip
    return data | {"stats": stats[:-1], "stats_total": stats[-1]}


def end(sims):
    """See that each frame is acknowledged, and send a last one."""
    deadline_s = time.monotonic() + 60
    waiting = list(sims)
    finals = set()
    while waiting and time.monotonic() < deadline_s:
        for sim in list(waiting):
            sim.hear()
            if sim.acked == sim.seq and sim.number in finals:
                waiting.remove(sim)
            elif not sim.is_waiting:
                finals.add(sim.number)
                sim.say(FRAME, {"frame": sim.cut([], [], time.time(), final=True)[0]})
        time.sleep(0.02)
    assert not waiting, f"{len(waiting)} workers were never acknowledged"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]), sys.argv[5] == "ours", int(sys.argv[6]))
