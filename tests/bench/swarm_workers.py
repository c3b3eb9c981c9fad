"""Simulated workers: each a ZeroMQ connection that sends what a worker sends, and takes what the master answers.

Arguments: the master's port, how many, endpoints of each, seconds, ours or nothing, a number of this process. Prints
"reporting" when the first report is about to be sent, and at the end the results in all frames.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace

import msgpack
import zmq
from locust import __version__ as LOCUST_VERSION  # noqa: N812

from bench.traffic import REPORT_S, SimulatedWorker
from locust_cw_dist.core.buffer import RunCounters
from locust_cw_dist.core.frame import Frame, Vitals, decode, encode
from locust_cw_dist.core.messages import FRAME, HELLO, REPORT_KEY, WORD, pack_hello, read_word
from locust_cw_dist.core.outbox import MAX_SUMMARIES_PER_FRAME
from locust_cw_dist.core.sections import Section

RESULTS = 60
TEMPLATES = 4
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

    def say(self, kind, data):
        self.socket.send(msgpack.packb((kind, data, self.node_id)))

    def hear(self):
        while self.socket.poll(0):
            kind, data, _ = msgpack.unpackb(self.socket.recv(), strict_map_key=False)
            word = read_word(data) if kind == WORD else None
            if word is not None:
                self.run_id = word.run_id
                if word.epoch == self.epoch:
                    self.acked = max(self.acked, word.seq)

    def cut(self, template, now_s, *, final=False):
        """Make frames of a template's summaries, with the windows of now; until all are acknowledged, there is none."""
        if self.acked < self.seq or not self.run_id:
            return []
        sections = []
        if not final:
            window_s = int(now_s // RESOLUTION_S) * RESOLUTION_S
            starts = [window_s] if len(template) == 1 else [window_s - RESOLUTION_S, window_s]
            sections = [Section(self.run_id, at_s, part) for at_s, part in zip(starts, template, strict=True)]
        frames = []
        while sections or not frames:
            here, sections = split(sections, MAX_SUMMARIES_PER_FRAME)
            self.seq += 1
            self.sent += sum(section.results for section in here)
            frames.append(
                encode(
                    Frame(
                        self.node_id, self.epoch, self.seq, self.acked, self.run_id, now_s, 0.0, final, final,
                        Vitals(10, 12.5, 80_000_000), {self.run_id: RunCounters(self.sent)}, tuple(here),
                    )
                )
            )  # fmt: skip
        return frames


def split(sections, max_summaries):
    """Return the first sections with at most so many summaries together, and the rest; a section may be divided."""
    first = []
    for number, section in enumerate(sections):
        summaries = list(section.summaries.items())
        if len(summaries) > max_summaries:
            within, beyond = (
                replace(section, summaries=dict(part))
                for part in (summaries[:max_summaries], summaries[max_summaries:])
            )
            return [*first, *([within] if max_summaries else [])], [beyond, *sections[number + 1 :]]
        first.append(section)
        max_summaries -= len(summaries)
    return first, []


def main(port, count, endpoints, seconds, ours, process):
    templates, data = make_templates(endpoints)
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
    print("reporting", flush=True)
    run(sims, templates, data, seconds, ours)
    if ours:
        end(sims)
    print(sum(sim.sent for sim in sims), flush=True)
    sys.stdin.read()


def make_templates(endpoints):
    """Return summaries of one window or of two, as they are in reports, and what Locust puts into a report."""
    worker = SimulatedWorker(1, endpoints=endpoints, results=RESULTS, resolution_s=RESOLUTION_S)
    templates, data = [], None
    for turn in range(10):
        report = worker.report(1_795_000_000.0 + REPORT_S * turn)
        windows = {}
        for section in (section for frame in report.frames for section in decode(frame).sections):
            windows.setdefault(section.start_s, {}).update(section.summaries)
        templates.append(list(windows.values()))
        data = report.data
    return templates, data


def run(sims, templates, data, seconds, ours):
    """Report each three seconds, the workers one after the other, and send a heartbeat each second."""
    begin_s = time.monotonic()
    step_s = REPORT_S / len(sims)
    sent = 0
    while (now_s := time.monotonic()) < begin_s + seconds:
        due = int((now_s - begin_s) / step_s) + 1
        for turn in range(sent, due):
            sim = sims[turn % len(sims)]
            sim.hear()
            wall_s = time.time()
            # Three of ten reports straddle two windows of 10 s, as those of real workers do.
            straddles = wall_s % RESOLUTION_S < REPORT_S
            fitting = [template for template in templates if (len(template) == 2) == straddles]
            template = fitting[turn % len(fitting)]
            frames = sim.cut(template, wall_s) if ours else []
            sim.say("stats", replace_times(data, wall_s) | ({REPORT_KEY: frames[0]} if frames else {}))
            for frame in frames[1:]:
                sim.say(FRAME, {"frame": frame})
        if due // (len(sims) // 3 or 1) > sent // (len(sims) // 3 or 1):
            for sim in sims:
                sim.say("heartbeat", {"state": "running", "current_cpu_usage": 12.5, "current_memory_usage": 8 * 10**7})
        sent = due
        time.sleep(0.005)


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
            elif sim.acked == sim.seq and (frames := sim.cut([], time.time(), final=True)):
                finals.add(sim.number)
                sim.say(FRAME, {"frame": frames[0]})
        time.sleep(0.02)
    assert not waiting, f"{len(waiting)} workers were never acknowledged"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), float(sys.argv[4]), sys.argv[5] == "ours", int(sys.argv[6]))
