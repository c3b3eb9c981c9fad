"""A report: the bytes that we add to it, and what its handling takes the master, against Locust's own."""

from __future__ import annotations

import time
import zlib
from collections import defaultdict
from dataclasses import dataclass

import gevent
import msgpack
from locust.rpc.protocol import Message

from bench.figures import Figure
from bench.pair import Pair, cpu_s, held_s
from bench.traffic import REPORT_S, RUN_ID, Report, reports
from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.wire.frame import decode
from locust_cw_dist.core.wire.frame_rows import ROW_BYTES
from locust_cw_dist.core.wire.messages import MASTER_MESSAGE, REPORT_KEY, MasterMessage

ENDPOINTS, RESULTS = 50, 60
HEAD = 8
"""Where the head of a frame begins."""

WORD_DATA = MasterMessage(time.time(), RUN_ID, 10, epoch="0" * 32, seq=1).pack()
WORKERS = 10
RESOLUTION_S = 10
TURNS = 10
"""Of reports of all workers: three windows, each of which ends in one report of each worker."""
FIRST_TURNS = 4
"""Before these, where whole windows are shipped: then each frame brings one that was recorded from its begin."""

WHOLE = "the same where whole windows are asked for (more than 50 workers): "


def figures(*, full: bool) -> list[Figure]:
    """Measure bytes and CPU, as a master of few workers and one of many get their frames."""
    turns = TURNS * (2 if full else 1)
    each, whole = (_reports(turns, whole_windows=whole_windows) for whole_windows in (False, True))
    what = f"bytes we add to a report, of Locust's own message: {ENDPOINTS} endpoints, {RESULTS} results each"
    straddling = [report for report in each.measured if _windows(report) > 1]
    found = [
        _bytes("report_bytes", what, each.measured, 0.25),
        _bytes("report_bytes_straddling", f"{what}, of the reports that straddle two windows alone", straddling),
        _bytes("report_bytes_whole", f"{WHOLE}bytes, on average with and without a frame", whole.measured, 0.25),
    ]
    what = "CPU of decoding, checking, merging, acknowledging and closing, of Locust's own handling of that report"
    bare = "the same of inflating, unpacking, looking at each endpoint and acknowledging, without any check or sum"
    with_each, with_whole = _cpu(each), _cpu(whole)
    return [
        *found,
        # Without a target: up to 50 workers it is not felt.
        with_each.figure("report_cpu", what),
        with_each.floor("report_cpu_floor", bare),
        with_whole.figure("report_cpu_whole", f"{WHOLE}CPU, on average with and without a frame", 0.25),
        _hold(full=full),
    ]


@dataclass(frozen=True)
class Traffic:
    """Reports of `WORKERS` workers, in the order of time: those that are measured, and those before them."""

    before: list[Report]
    measured: list[Report]


def _reports(turns: int, *, whole_windows: bool) -> Traffic:
    first_turns = FIRST_TURNS if whole_windows else 0
    begin_s = time.time() - (first_turns + turns) * REPORT_S - 60
    made = list(
        reports(
            WORKERS,
            first_turns + turns,
            endpoints=ENDPOINTS,
            results=RESULTS,
            begin_s=begin_s,
            resolution_s=RESOLUTION_S,
            whole_windows=whole_windows,
        )
    )
    before = first_turns * WORKERS
    return Traffic(made[:before], made[before:])


def _windows(report: Report) -> int:
    return len({section.start_s for frame in report.frames for section in decode(frame).sections})


def _bytes(name: str, what: str, measured: list[Report], target: float | None = None) -> Figure:
    ours, locusts = defaultdict(int), defaultdict(int)
    for report in measured:
        bare = len(report.message())
        locusts[report.worker_id] += bare
        ours[report.worker_id] += len(_loaded(report)) - bare
    shares = tuple(ours[worker_id] / locusts[worker_id] for worker_id in ours)
    each = len(measured)
    details = {"ours": sum(ours.values()) / each, "locusts": sum(locusts.values()) / each, "reports": each}
    return Figure(name, what, shares, "", target, details=details)


def _loaded(report: Report) -> bytes:
    """Return Locust's message with what we put into it."""
    return Message("stats", report.data | {REPORT_KEY: report.frame}, report.worker_id).serialize()


class Spent:
    """CPU of each report of each worker, in seconds: ours, Locust's own, and what nobody can do without."""

    def __init__(self) -> None:
        """Begin."""
        self.ours: defaultdict[str, float] = defaultdict(float)
        self.locusts: defaultdict[str, float] = defaultdict(float)
        self.bare: defaultdict[str, float] = defaultdict(float)
        self.reports = 0
        self.closing_s = 0.0

    def figure(self, name: str, what: str, target: float | None = None) -> Figure:
        """Return what is ours; a worker's reports are one sample, for some straddle two windows or bring no frame."""
        closing_s = self.closing_s / WORKERS
        samples = tuple((self.ours[worker] + closing_s) / self.locusts[worker] for worker in self.ours)
        sums = {"ours": self.ours, "floor": self.bare, "locusts": self.locusts}
        details = {f"{whose}_ms": sum(spent.values()) / self.reports * 1e3 for whose, spent in sums.items()}
        return Figure(
            name, what, samples, "", target, details=details | {"closing_ms": self.closing_s / self.reports * 1e3}
        )

    def floor(self, name: str, what: str) -> Figure:
        """Return the same of what nobody can do without."""
        return Figure(name, what, tuple(self.bare[worker] / self.locusts[worker] for worker in self.ours))


def _cpu(traffic: Traffic) -> Spent:
    spent = Spent()
    with Pair() as pair:
        for report in traffic.before:
            _take(pair, report)
            gevent.sleep(0)
        for report in traffic.measured:
            _spend(pair, report, spent)
            gevent.sleep(0)
    spent.closing_s = _closing_s(traffic)
    return spent


def _spend(pair: Pair, report: Report, spent: Spent) -> None:
    message = report.message()
    known_id = pair.worker.runner.client_id  # of workers that Locust does not know it takes nothing but statistics

    def handle() -> None:
        pair.master_locusts.worker_report.fire(client_id=known_id, data=Message.unserialize(message).data)

    def touch() -> None:
        _touch(report.frame)
        pair.master.runner.send_message(MASTER_MESSAGE, WORD_DATA, report.worker_id)

    unpacking_s = _unpacking_s(report)
    spent.reports += 1
    spent.locusts[report.worker_id] += cpu_s(handle)
    spent.ours[report.worker_id] += cpu_s(lambda: _take(pair, report)) + unpacking_s
    spent.bare[report.worker_id] += (cpu_s(touch) if report.frame else 0.0) + unpacking_s


def _take(pair: Pair, report: Report) -> None:
    pair.master_ours.worker_report.fire(client_id=report.worker_id, data={REPORT_KEY: report.frame})


def _touch(data: bytes) -> None:
    """Do with a frame what nobody can do without."""
    head_ends = HEAD + int.from_bytes(data[HEAD - 4 : HEAD], "big")
    body = msgpack.unpackb(zlib.decompress(data[HEAD:head_ends]), unicode_errors="surrogatepass")
    zlib.decompress(data[head_ends:])
    endpoints, looked = list(zip(body[11], body[12], strict=True)), {}
    for _, start_s, rows, _ in body[13]:
        for number in range(len(rows) // ROW_BYTES):
            looked[start_s, endpoints[number]] = number


def _unpacking_s(report: Report) -> float:
    """What Locust's msgpack takes longer for a report with our bytes in it; below 0 by chance, which evens out."""
    bare, loaded = report.message(), _loaded(report)
    return cpu_s(lambda: Message.unserialize(loaded)) - cpu_s(lambda: Message.unserialize(bare))


def _closing_s(traffic: Traffic) -> float:
    """CPU of closing windows while the reports come that are measured, a look each second."""
    collector = Collector(resolution_s=RESOLUTION_S, grace_s=15)
    spent_s, looked_s = 0.0, 0.0
    begin_s = traffic.measured[0].sent_s
    for report in (*traffic.before, *traffic.measured):
        if report.frame:
            collector.accept(decode(report.frame), report.sent_s)
        if report.sent_s >= looked_s + 1:
            looked_s = report.sent_s
            closing_s = cpu_s(lambda now_s=looked_s: collector.close(now_s))
            spent_s += closing_s if looked_s >= begin_s else 0.0
    return spent_s


def _hold(*, full: bool) -> Figure:
    """How long the largest frame of a worker with 1,000 endpoints holds the master's hub."""
    samples = []
    with Pair() as pair:
        for report in reports(1, 20 if full else 2, endpoints=1_000, results=133, begin_s=time.time() - 120):
            for frame in report.frames:

                def take(report: Report = report, frame: bytes = frame) -> None:
                    pair.master_ours.worker_report.fire(client_id=report.worker_id, data={REPORT_KEY: frame})

                samples.append(held_s(take) * 1e3)
                gevent.sleep(0)
    what = "longest time that one frame holds the hub on the master: a worker with 1,000 endpoints, 133 results each"
    return Figure("frame_hold", what, (max(samples),), "ms", 10, details={"all_ms": samples})
