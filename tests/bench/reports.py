"""A report: the bytes that we add to it, and what its handling takes the master, against Locust's own."""

from __future__ import annotations

import time
import zlib

import gevent
import msgpack
from locust.rpc.protocol import Message

from bench.figures import Figure
from bench.pair import Pair, cpu_s, held_s
from bench.traffic import REPORT_S, RUN_ID, Report, reports
from locust_cw_dist.core.collector import Collector
from locust_cw_dist.core.frame import decode
from locust_cw_dist.core.messages import REPORT_KEY, WORD, Word
from locust_cw_dist.core.packing import ROW_BYTES

ENDPOINTS, RESULTS = 50, 60
HEAD = 8
"""Where the head of a frame begins."""

WORD_DATA = Word(time.time(), RUN_ID, 10, epoch="0" * 32, seq=1).pack()
WORKERS = 10


def figures(*, full: bool) -> list[Figure]:
    """Measure bytes and CPU."""
    turns = 20 if full else 10  # ten reports are three windows of 10 s
    made = list(
        reports(WORKERS, turns, endpoints=ENDPOINTS, results=RESULTS, begin_s=time.time() - turns * REPORT_S - 60)
    )
    return [_bytes(made), *_cpu(made), _hold(full=full)]


def _bytes(made: list[Report]) -> Figure:
    rounds = [made[number::WORKERS] for number in range(WORKERS)]
    shares = tuple(sum(len(r.frame) for r in worker) / sum(len(r.message()) for r in worker) for worker in rounds)
    each = len(made)
    details = {"ours": sum(len(r.frame) for r in made) / each, "locusts": sum(len(r.message()) for r in made) / each}
    what = f"bytes we add to a report, of Locust's own message: {ENDPOINTS} endpoints, {RESULTS} results each"
    return Figure("report_bytes", what, shares, "", 0.25, details=details)


def _cpu(made: list[Report]) -> list[Figure]:
    ours, locusts, floor = [], [], []
    with Pair() as pair:
        worker_id = pair.worker.runner.client_id  # one that Locust knows: of others it takes nothing but statistics
        for report in made:
            message = report.message()

            def handle(message: bytes = message) -> None:
                data = Message.unserialize(message).data
                pair.master_locusts.worker_report.fire(client_id=worker_id, data=data)

            def take(report: Report = report) -> None:
                pair.master_ours.worker_report.fire(client_id=report.worker_id, data={REPORT_KEY: report.frame})

            def touch(report: Report = report) -> None:
                _touch(report.frame)
                pair.master.runner.send_message(WORD, WORD_DATA, report.worker_id)

            unpacking_s = _unpacking_s(report)
            locusts.append(cpu_s(handle))
            ours.append(cpu_s(take) + unpacking_s)
            floor.append(cpu_s(touch) + unpacking_s)
            gevent.sleep(0)
    closing_s = _closing_s(made) / len(made)
    # A whole turn of all workers at a time: some reports straddle two windows.
    turns = range(0, len(made), WORKERS)

    def share(spent: list[float], more_s: float) -> tuple[float, ...]:
        return tuple((sum(spent[i : i + WORKERS]) + WORKERS * more_s) / sum(locusts[i : i + WORKERS]) for i in turns)

    details = {
        "ours_ms": sum(ours) / len(ours) * 1e3,
        "closing_ms": closing_s * 1e3,
        "floor_ms": sum(floor) / len(floor) * 1e3,
        "locusts_ms": sum(locusts) / len(locusts) * 1e3,
    }
    what = "CPU of decoding, checking, merging, acknowledging and closing, of Locust's own handling of that report"
    bare = "the same of inflating, unpacking, looking at each endpoint and acknowledging, without any check or sum"
    return [
        Figure("report_cpu", what, share(ours, closing_s), "", 0.20, details=details),
        Figure("report_cpu_floor", bare, share(floor, 0.0)),
    ]


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
    """What Locust's msgpack takes longer for a report with our bytes in it."""
    bare = report.message()
    loaded = Message("stats", report.data | {REPORT_KEY: report.frame}, report.worker_id).serialize()
    return max(0.0, cpu_s(lambda: Message.unserialize(loaded)) - cpu_s(lambda: Message.unserialize(bare)))


def _closing_s(made: list[Report]) -> float:
    """CPU of closing the windows of these reports, a look each second."""
    collector = Collector(resolution_s=10, grace_s=15)
    spent_s, looked_s = 0.0, 0.0
    for report in made:
        collector.accept(decode(report.frame), report.sent_s)
        if report.sent_s >= looked_s + 1:
            looked_s = report.sent_s
            spent_s += cpu_s(lambda now_s=looked_s: collector.close(now_s))
    return spent_s


def _hold(*, full: bool) -> Figure:
    """How long the largest frame of a worker with 1,000 endpoints holds the master's hub."""
    samples = []
    with Pair() as pair:
        for report in reports(1, 20 if full else 4, endpoints=1_000, results=133, begin_s=time.time() - 120):
            for frame in report.frames:

                def take(report: Report = report, frame: bytes = frame) -> None:
                    pair.master_ours.worker_report.fire(client_id=report.worker_id, data={REPORT_KEY: frame})

                samples.append(held_s(take) * 1e3)
                gevent.sleep(0)
    what = "longest time that one frame holds the hub on the master: a worker with 1,000 endpoints, 133 results each"
    return Figure("frame_hold", what, (max(samples),), "ms", 10, details={"all_ms": samples})
