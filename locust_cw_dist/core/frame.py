"""Frame: what one worker ships to the master in one report, and its form on the wire.

On the wire a frame is ``MAGIC + version byte + zlib(msgpack(...))``: one `bytes` value that Locust carries without
looking inside. The version stands before everything that could change, so that a master can name a worker of another
version. Endpoints are written once in a frame and referred to by number; bins are written as the first one and the
steps to the next, which are small numbers that compress.

The port is open to whoever reaches it, so `decode` believes nothing: sizes are bounded before anything is unpacked,
every value's type and range is checked, and what a histogram claims (minimum, maximum, sum) must fit its bins. A frame
that fails any check is refused whole with a `FrameError`, whose `reason` is one of `REFUSALS`.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import msgpack

from locust_cw_dist.core.buffer import MAX_ENDPOINTS_PER_WORKER, MAX_WINDOWS, EndpointKey, RunCounters, Section
from locust_cw_dist.core.histogram import EDGES, Histogram
from locust_cw_dist.core.result import MAX_NAME_CHARS, MAX_REASON_CHARS, MAX_RESPONSE_BYTES, REJECTIONS
from locust_cw_dist.core.summary import MAX_REASONS, Summary

MAGIC = b"LCW"
WIRE_VERSION = 1

MAX_FRAME_BYTES = 8 * 2**20
"""Compressed. 1,000 endpoints with 200 bins in ten windows come to 4 MB; Locust was seen to carry 10 MB in a report."""

MAX_INFLATED_BYTES = 64 * 2**20
"""What a frame may inflate to: bounds the memory that a forged one can take."""

COMPRESSION_LEVEL = 1
"""Level 1 halves a frame for a tenth of the time of level 6, which gains a few per cent more."""

MAX_COUNT = 2**53
"""Above this a float, which is what CloudWatch keeps, no longer holds every integer."""

MAX_ID_CHARS = 256
"""Ids are host names with a UUID (Locust's) or made by us; a host name has at most 253 characters."""

MAX_RUNS = 64
"""Runs whose results may wait in one worker; each needs a start and a stop of the whole test."""

SUM_TOLERANCE = 1e-9
"""Relative error that adding up floats in another order may leave in a sum."""

REFUSALS = ("not a frame", "wire version", "too large", "malformed", "inconsistent", "time out of range", "sequence")
"""Every reason for which a frame is refused."""

NOT_A_FRAME, OTHER_VERSION, TOO_LARGE, MALFORMED, INCONSISTENT, TIME_OUT_OF_RANGE, SEQUENCE = REFUSALS


class FrameError(Exception):
    """A frame was refused.

    Attributes:
        reason: One of `REFUSALS`.
        version: The wire version that it has, where that could be read.
    """

    def __init__(self, reason: str, detail: str = "", version: int | None = None) -> None:
        """Refuse a frame for `reason`; `detail` says for people what was wrong."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.version = version


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a worker was when it cut the frame.

    Attributes:
        users: Users that it runs.
        cpu_percent: CPU of its process, as Locust measures it.
        memory_bytes: Resident memory of its process.
    """

    users: int = 0
    cpu_percent: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """What one worker ships in one report.

    Attributes:
        worker_id: Locust's id of the worker.
        epoch: Made anew in each process, after any fork.
        seq: 1 for the first frame of an epoch, then one more for each.
        acked: The highest sequence number that a master has acknowledged; 0 for none.
        run_id: The run that the worker is in; empty as long as no master has told, and then there are no sections.
        cut_at_s: The worker's clock, corrected by `clock_offset_s`, when the frame was cut: all results of before are
            in this frame or an earlier one. 0 as long as no master has told the offset.
        clock_offset_s: What was added to the worker's clock to get the master's; None as long as no master has told.
        final: Whether this is the last frame of the process.
        idle: Whether the worker has ended its part of the run: its test has started and stopped, no user is left, and
            this frame leaves nothing behind.
        vitals: How the worker was.
        counters: For each run, what this process has recorded since it began.
        sections: The summaries by run and window, oldest first.
    """

    worker_id: str
    epoch: str
    seq: int
    acked: int
    run_id: str
    cut_at_s: float
    clock_offset_s: float | None
    final: bool
    idle: bool
    vitals: Vitals
    counters: dict[str, RunCounters]
    sections: tuple[Section, ...]

    @property
    def results(self) -> int:
        """Number of results in all sections."""
        return sum(section.results for section in self.sections)


def encode(frame: Frame) -> bytes:
    """Return the frame as bytes for the wire."""
    numbers: dict[EndpointKey, int] = {}
    sections = [
        [
            section.run_id,
            section.start_s,
            [
                [numbers.setdefault(key, len(numbers)), *_pack_summary(summary)]
                for key, summary in section.summaries.items()
            ],
        ]
        for section in frame.sections
    ]
    body = [
        frame.worker_id,
        frame.epoch,
        frame.seq,
        frame.acked,
        frame.run_id,
        frame.cut_at_s,
        frame.clock_offset_s,
        frame.final,
        frame.idle,
        [frame.vitals.users, frame.vitals.cpu_percent, frame.vitals.memory_bytes],
        [[run_id, c.recorded, dict(c.rejected)] for run_id, c in frame.counters.items()],
        [list(key) for key in numbers],
        sections,
    ]
    packed = msgpack.packb(body, unicode_errors="surrogatepass")
    return MAGIC + bytes([WIRE_VERSION]) + zlib.compress(packed, COMPRESSION_LEVEL)


def decode(data: object) -> Frame:
    """Return the frame that `encode` made.

    Raises:
        FrameError: Whatever else `data` is; nothing of it may be used then.
    """
    body = _unpack(_inflate(_strip_header(data)))
    try:
        return _Reader(body).frame()
    except FrameError:
        raise
    except (TypeError, ValueError, IndexError, KeyError, OverflowError) as e:
        raise FrameError(MALFORMED, f"{type(e).__name__}: {e}"[:200]) from e


def _pack_summary(summary: Summary) -> list[Any]:
    packed: list[Any] = [_pack_histogram(summary.successes)]
    packed.append(_pack_histogram(summary.failures) if summary.failures is not None else None)
    if summary.bytes_count:
        packed.append([summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max])
    else:
        packed.append(None)
    packed.append(summary.reasons or None)
    return packed


def _pack_histogram(histogram: Histogram) -> list[Any] | None:
    if not histogram.bins:
        return None
    indices = sorted(histogram.bins)
    steps = [indices[0], *(after - before for before, after in pairwise(indices))]
    counts = [histogram.bins[index] for index in indices]
    return [steps, counts, histogram.sum_ms, histogram.min_ms, histogram.max_ms]


def _strip_header(data: object) -> bytes:
    if not isinstance(data, bytes) or len(data) <= len(MAGIC) or not data.startswith(MAGIC):
        raise FrameError(NOT_A_FRAME)
    version = data[len(MAGIC)]
    if version != WIRE_VERSION:
        raise FrameError(OTHER_VERSION, f"{version}, this side reads {WIRE_VERSION}", version)
    if len(data) > MAX_FRAME_BYTES:
        raise FrameError(TOO_LARGE, f"{len(data)} bytes, at most {MAX_FRAME_BYTES}")
    return data[len(MAGIC) + 1 :]


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(data, MAX_INFLATED_BYTES)
    except zlib.error as e:
        raise FrameError(MALFORMED, str(e)) from e
    if inflater.unconsumed_tail:
        raise FrameError(TOO_LARGE, f"inflates to over {MAX_INFLATED_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        raise FrameError(MALFORMED, "torn, or followed by something else")
    return packed


def _unpack(packed: bytes) -> Any:
    try:
        return msgpack.unpackb(
            packed,
            unicode_errors="surrogatepass",
            strict_map_key=True,
            max_str_len=4 * MAX_NAME_CHARS,  # in UTF-8 bytes
            max_array_len=MAX_ENDPOINTS_PER_WORKER * MAX_WINDOWS,
            max_map_len=MAX_ENDPOINTS_PER_WORKER,
            max_bin_len=0,
            max_ext_len=0,
        )
    # msgpack documents ValueError and subclasses, and raises RecursionError's kin on deep nesting.
    except Exception as e:
        raise FrameError(MALFORMED, f"{type(e).__name__}: {e}"[:200]) from e


def _require(condition: bool, detail: str) -> None:
    if not condition:
        raise FrameError(MALFORMED, detail)


def _integer(value: Any, low: int, high: int) -> int:
    _require(type(value) is int and low <= value <= high, f"an integer from {low} to {high} expected")
    return value  # type: ignore[no-any-return]


def _number(value: Any, low: float, high: float) -> float:
    _require(type(value) in (int, float) and low <= value <= high, f"a number from {low} to {high} expected")
    return float(value)


def _string(value: Any, limit: int, *, empty: bool = False) -> str:
    _require(type(value) is str and len(value) <= limit and (empty or value != ""), "a string expected")
    return value  # type: ignore[no-any-return]


def _list(value: Any, limit: int, length: int | None = None) -> list[Any]:
    _require(type(value) is list and len(value) <= limit, "a list expected")
    _require(length is None or len(value) == length, f"{length} values expected")
    return value  # type: ignore[no-any-return]


def _tally(value: Any, limit: int, key_chars: int) -> dict[str, int]:
    _require(type(value) is dict and len(value) <= limit, "a map expected")
    return {_string(key, key_chars): _integer(count, 1, MAX_COUNT) for key, count in value.items()}


FAR_FUTURE_S = 1e11
"""Bounds what is taken for a time, so that arithmetic on it stays finite; the collector checks nearness."""

MAX_CLOCK_OFFSET_S = 1e9


class _Reader:
    """Reads the unpacked body of one frame, checking as it goes."""

    def __init__(self, body: Any) -> None:
        fields = _list(body, 13, 13)
        (self.worker_id, self.epoch, self.seq, self.acked, self.run_id, self.cut_at_s, self.offset_s) = fields[:7]
        (self.final, self.idle, self.vitals, self.counters, endpoints, self.sections) = fields[7:]
        self._endpoints = [
            (_string(name, MAX_NAME_CHARS), _string(method, MAX_NAME_CHARS))
            for name, method in (_list(pair, 2, 2) for pair in _list(endpoints, MAX_ENDPOINTS_PER_WORKER + 1))
        ]

    def frame(self) -> Frame:
        _require(type(self.final) is bool and type(self.idle) is bool, "a boolean expected")
        seq = _integer(self.seq, 1, MAX_COUNT)
        sections = tuple(self._section(section) for section in _list(self.sections, MAX_WINDOWS + MAX_RUNS))
        _require(len({(s.run_id, s.start_s) for s in sections}) == len(sections), "a window twice")
        frame = Frame(
            worker_id=_string(self.worker_id, MAX_ID_CHARS),
            epoch=_string(self.epoch, MAX_ID_CHARS),
            seq=seq,
            acked=_integer(self.acked, 0, seq - 1),
            run_id=_string(self.run_id, MAX_ID_CHARS, empty=True),
            cut_at_s=_number(self.cut_at_s, 0, FAR_FUTURE_S),
            clock_offset_s=self._offset(),
            final=self.final,
            idle=self.idle,
            vitals=self._vitals(),
            counters=dict(self._counters()),
            sections=sections,
        )
        _require(not sections or (frame.run_id != "" and self.offset_s is not None), "results of no run or clock")
        for section in sections:
            _require(section.run_id in frame.counters, "a run without counters")
        return frame

    def _offset(self) -> float | None:
        return None if self.offset_s is None else _number(self.offset_s, -MAX_CLOCK_OFFSET_S, MAX_CLOCK_OFFSET_S)

    def _vitals(self) -> Vitals:
        users, cpu_percent, memory_bytes = _list(self.vitals, 3, 3)
        return Vitals(_integer(users, 0, MAX_COUNT), _number(cpu_percent, 0, 1e6), _integer(memory_bytes, 0, MAX_COUNT))

    def _counters(self) -> list[tuple[str, RunCounters]]:
        counters = []
        for entry in _list(self.counters, MAX_RUNS):
            run_id, recorded, rejected = _list(entry, 3, 3)
            tally = Counter(_tally(rejected, len(REJECTIONS), MAX_REASON_CHARS))
            _require(set(tally) <= set(REJECTIONS), "an unknown rejection")
            run = RunCounters(_integer(recorded, 0, MAX_COUNT), tally)
            if run.folded < 0:
                raise FrameError(INCONSISTENT, "more rejected than recorded")
            counters.append((_string(run_id, MAX_ID_CHARS), run))
        _require(len(dict(counters)) == len(counters), "a run twice")
        return counters

    def _section(self, section: Any) -> Section:
        run_id, start_s, packed = _list(section, 3, 3)
        summaries: dict[EndpointKey, Summary] = {}
        for entry in _list(packed, MAX_ENDPOINTS_PER_WORKER + 1):
            number, successes, failures, response_bytes, reasons = _list(entry, 5, 5)
            key = self._endpoints[_integer(number, 0, len(self._endpoints) - 1)]
            _require(key not in summaries, "an endpoint twice")
            summaries[key] = _summary(successes, failures, response_bytes, reasons)
        return Section(_string(run_id, MAX_ID_CHARS), _integer(start_s, 0, int(FAR_FUTURE_S)), summaries)


def _summary(successes: Any, failures: Any, response_bytes: Any, reasons: Any) -> Summary:
    summary = Summary()
    if successes is not None:
        summary.successes = _histogram(successes)
    if failures is not None:
        summary.failures = _histogram(failures)
    _require(summary.count > 0, "an empty summary")
    if response_bytes is not None:
        _read_bytes(summary, _list(response_bytes, 4, 4))
    # One more than MAX_REASONS: the entry for all others.
    summary.reasons = _tally({} if reasons is None else reasons, MAX_REASONS + 1, MAX_REASON_CHARS)
    if sum(summary.reasons.values()) != summary.failure_count:
        raise FrameError(INCONSISTENT, "failure reasons that don't add up to the failures")
    return summary


def _read_bytes(summary: Summary, packed: list[Any]) -> None:
    count = _integer(packed[0], 1, MAX_COUNT)
    low, high = _integer(packed[2], 0, MAX_RESPONSE_BYTES), _integer(packed[3], 0, MAX_RESPONSE_BYTES)
    total = _integer(packed[1], 0, 2**64 - 1)
    if not (count <= summary.successes.count and low <= high and count * low <= total <= count * high):
        raise FrameError(INCONSISTENT, "response bytes")
    summary.bytes_count, summary.bytes_sum, summary.bytes_min, summary.bytes_max = count, total, low, high


def _histogram(packed: Any) -> Histogram:
    steps, counts, sum_ms, min_ms, max_ms = _list(packed, 5, 5)
    _list(steps, len(EDGES))
    _list(counts, len(EDGES), len(steps))
    _require(bool(steps) and set(map(type, steps)) == {int} == set(map(type, counts)), "integers expected")
    _require(steps[0] >= 0 and min(steps[1:], default=1) >= 1, "bins out of order")
    _require(min(counts) >= 1 and max(counts) <= MAX_COUNT, "a count out of range")
    indices = list(accumulate(steps))
    _require(indices[-1] < len(EDGES), "a bin out of range")
    low, high = _number(min_ms, 0, EDGES[-1]), _number(max_ms, 0, EDGES[-1])
    total = _number(sum_ms, 0, math.inf)
    _require(_in_bin(low, indices[0]) and _in_bin(high, indices[-1]) and low <= high, "a minimum or maximum")
    _check_sum(total, indices, counts)
    return Histogram.restore(dict(zip(indices, counts, strict=True)), total, low, high)


def _in_bin(value: float, index: int) -> bool:
    return value == 0 if index == 0 else EDGES[index - 1] < value <= EDGES[index]


def _check_sum(total: float, indices: list[int], counts: list[int]) -> None:
    least = sum(EDGES[max(index - 1, 0)] * count for index, count in zip(indices, counts, strict=True))
    most = sum(EDGES[index] * count for index, count in zip(indices, counts, strict=True))
    if not least * (1 - SUM_TOLERANCE) <= total <= most * (1 + SUM_TOLERANCE):
        raise FrameError(INCONSISTENT, "a sum that its bins can't have")
