"""Frame: what one worker ships to the master in one report, and its form on the wire.

On the wire a frame is ``MAGIC + version byte + length of the head (4 bytes, big-endian) + head + planes``: one `bytes`
value that Locust carries without looking inside. Head and planes are each compressed by zlib; the head is
``msgpack(...)``, the planes are the histograms' (see `frame_rows`). The version stands before everything that could
change, so that a master can name a worker of another version. Endpoints are written once in a frame and referred to by
number.

The port is open to whoever reaches it, so `decode` believes nothing: sizes are bounded before anything is unpacked,
every value's type and range is checked, and what a histogram claims (minimum, maximum, sum) must fit its bins. A frame
that fails any check is refused whole with a `FrameError`, whose `reason` is one of `REFUSALS`.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgpack

from locust_cw_dist.core.summaries import checked_values
from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS
from locust_cw_dist.core.summaries.request_result import MAX_NAME_CHARS, UNTIMED_REASONS
from locust_cw_dist.core.summaries.run_counters import MAX_ENDPOINTS_PER_WORKER, MAX_WINDOWS, RunCounters
from locust_cw_dist.core.summaries.sections import EndpointKey, Section
from locust_cw_dist.core.summaries.summary import MAX_REASONS
from locust_cw_dist.core.wire.frame_rows import ROW_BYTES, Planes, pack_section, read_section

MAGIC = b"LCW"
WIRE_VERSION = 4

HEAD_STARTS = 4
"""Bytes after the version that tell how long the head is."""

MAX_FRAME_BYTES = 4 * 2**20
"""Compressed. A hundred endpoints come to some 10 kB, with names and reasons of full length to less than 3 MB; Locust
was seen to carry 10 MB in a report."""

MAX_INFLATED_BYTES = 4 * 2**20
"""What a frame may inflate to: bounds what a forged one can take, which as Python's objects is up to thirty times as
much in memory (120 MB) and a second of a slow processor. A hundred endpoints with names, reasons and histograms of full
length come to less, and a worker cuts smaller frames before it comes to this."""

MAX_ENDPOINTS_PER_FRAME = MAX_ENDPOINTS_PER_WORKER + 1
"""One more for `(other)`."""

COMPRESSION_LEVEL = 1
"""Level 1 halves a head for a tenth of the time of level 6, which gains a few per cent more."""

PLANES_STRATEGY = zlib.Z_RLE
"""Planes are sparse bits, the higher ones nearly all zeros, in which there is nothing to find but runs: to look for
those alone is faster than level 1, and what comes out is a sixth smaller."""

MAX_ID_CHARS = 320
"""Ids are host names with a UUID (Locust's) or made by us: at most 255 characters, an underscore and 32 digits."""

MAX_CPU_PERCENT = 1e6
"""100 for each processor of a process: more than any machine has, and far from where sums lose precision."""

MAX_RUNS = 64
"""Runs whose results may wait in one worker; each needs a start and a stop of the whole test."""

MAX_CONTAINERS = 4 * MAX_ENDPOINTS_PER_FRAME * (MAX_WINDOWS + MAX_RUNS)
"""Lists and maps in one frame: a Summary with failures has three, a window two more. An empty one is a byte on the
wire and 64 in memory, so that without this bound a forged frame of 20 kB could take a gigabyte."""

REFUSALS = (
    "not a frame",
    "wire version",
    "too large",
    "malformed",
    "inconsistent",
    "time out of range",
    "sequence",
    "no room",
)
"""Every reason for which a frame is refused."""

NOT_A_FRAME, OTHER_VERSION, TOO_LARGE, MALFORMED, INCONSISTENT, TIME_OUT_OF_RANGE, SEQUENCE, NO_ROOM = REFUSALS

NOT_FOR_GOOD = frozenset({OTHER_VERSION, NO_ROOM})
"""Refusals after which a worker keeps what it has: another master, or this one later, may take it."""

NOT_PACKED = "could not be packed"
LOST_REASONS = (*REFUSALS, NOT_PACKED)
"""Why a worker gives results up: the master refuses the frame that they are in, or there can be none with them."""


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
        run_id: The run that the worker is in; empty as long as no master has told. What waits of earlier runs is in the
            sections all the same.
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
    def results(self) -> Counter[str]:
        """The number of results in the sections, by run."""
        results: Counter[str] = Counter()
        for section in self.sections:
            results[section.run_id] += section.results
        return results


def encode(frame: Frame) -> bytes:
    """Return the frame as bytes for the wire.

    Raises:
        FrameError: It is larger than `decode` takes (`TOO_LARGE`); with fewer or smaller sections it is not.
    """
    numbers: dict[EndpointKey, int] = {}
    planes: list[bytes] = []
    sections = [pack_section(section, numbers, planes) for section in frame.sections]
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
        [[run_id, c.recorded, c.held, dict(c.untimed), dict(c.lost)] for run_id, c in frame.counters.items()],
        [name for name, _ in numbers],
        [method for _, method in numbers],
        sections,
    ]
    packed, all_planes = msgpack.packb(body, unicode_errors="surrogatepass"), b"".join(planes)
    _check_size(len(packed) + len(all_planes), MAX_INFLATED_BYTES)
    head = zlib.compress(packed, COMPRESSION_LEVEL)
    data = b"".join((MAGIC, bytes([WIRE_VERSION]), struct.pack(">I", len(head)), head, _deflate_planes(all_planes)))
    _check_size(len(data), MAX_FRAME_BYTES)
    return data


def _deflate_planes(planes: bytes) -> bytes:
    deflater = zlib.compressobj(COMPRESSION_LEVEL, strategy=PLANES_STRATEGY)
    return deflater.compress(planes) + deflater.flush()


def decode(data: object) -> Frame:
    """Return the frame that `encode` made.

    Raises:
        FrameError: Whatever else `data` is; nothing of it may be used then.
    """
    packed, planes = _inflate_both(_strip_header(data))
    body = _unpack(packed)
    try:
        return _Reader(body, Planes(planes)).frame()
    except checked_values.InconsistentError as e:
        raise FrameError(INCONSISTENT, str(e)) from e
    except ValueError as e:
        raise FrameError(MALFORMED, str(e)) from e


def _strip_header(data: object) -> bytes:
    if not isinstance(data, bytes) or len(data) <= len(MAGIC) or not data.startswith(MAGIC):
        raise FrameError(NOT_A_FRAME)
    version = data[len(MAGIC)]
    if version != WIRE_VERSION:
        raise FrameError(OTHER_VERSION, f"{version}, this side reads {WIRE_VERSION}", version)
    _check_size(len(data), MAX_FRAME_BYTES)
    return data[len(MAGIC) + 1 :]


def _check_size(size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise FrameError(TOO_LARGE, f"{size_bytes} bytes, at most {limit_bytes}")


def _inflate_both(data: bytes) -> tuple[bytes, bytes]:
    """Return head and planes."""
    if len(data) < HEAD_STARTS:
        raise FrameError(MALFORMED, "torn")
    end = HEAD_STARTS + struct.unpack(">I", data[:HEAD_STARTS])[0]
    packed = _inflate(data[HEAD_STARTS:end], MAX_INFLATED_BYTES)
    return packed, _inflate(data[end:], MAX_INFLATED_BYTES - len(packed))


def _inflate(data: bytes, limit_bytes: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, limit_bytes + 1)
    except zlib.error as e:
        raise FrameError(MALFORMED, str(e)) from e
    _check_size(len(inflated), limit_bytes)
    if not inflater.eof or inflater.unused_data:
        raise FrameError(MALFORMED, "torn, or followed by something else")
    return inflated


def _unpack(packed: bytes) -> Any:
    containers = itertools.count(1)

    def count(container: Any) -> Any:
        if next(containers) > MAX_CONTAINERS:
            raise FrameError(TOO_LARGE, f"over {MAX_CONTAINERS} lists and maps")
        return container

    try:
        return msgpack.unpackb(
            packed,
            unicode_errors="surrogatepass",
            strict_map_key=True,
            max_str_len=4 * MAX_NAME_CHARS,  # in UTF-8 bytes
            max_array_len=MAX_ENDPOINTS_PER_FRAME,
            max_map_len=len(UNTIMED_REASONS) + MAX_REASONS + 1,
            max_bin_len=ROW_BYTES * MAX_ENDPOINTS_PER_FRAME,
            max_ext_len=0,
            list_hook=count,
            object_hook=count,
        )
    except FrameError:
        raise
    # msgpack documents ValueError and subclasses, and raises RecursionError's kin on deep nesting.
    except Exception as e:
        raise FrameError(MALFORMED, f"{type(e).__name__}: {e}"[:200]) from e


FAR_FUTURE_S = 1e11
"""Bounds what is taken for a time, so that arithmetic on it stays finite; the collector checks nearness."""

MAX_CLOCK_OFFSET_S = FAR_FUTURE_S
"""A machine without a battery for its clock starts in 1970."""


class _Reader:
    """Reads the unpacked body of one frame, checking as it goes."""

    def __init__(self, body: Any, planes: Planes) -> None:
        fields = checked_values.listing(body, 14, 14)
        (self.worker_id, self.epoch, self.seq, self.acked, self.run_id, self.cut_at_s, self.offset_s) = fields[:7]
        (self.final, self.idle, self.vitals, self.counters, names, methods, self.sections) = fields[7:]
        self._planes = planes
        self._endpoints = list(zip(_names(names), _names(methods), strict=True))

    def frame(self) -> Frame:
        seq = checked_values.integer(self.seq, 1, checked_values.MAX_COUNT)
        sections = tuple(
            self._section(section) for section in checked_values.listing(self.sections, MAX_WINDOWS + MAX_RUNS)
        )
        checked_values.require(self._planes.is_used_up, "planes of nobody")
        checked_values.require(len({(s.run_id, s.start_s) for s in sections}) == len(sections), "a window twice")
        frame = Frame(
            worker_id=checked_values.identifier(self.worker_id, MAX_ID_CHARS),
            epoch=checked_values.identifier(self.epoch, MAX_ID_CHARS),
            seq=seq,
            acked=checked_values.integer(self.acked, 0, seq - 1),
            run_id=checked_values.identifier(self.run_id, MAX_ID_CHARS, empty=True),
            cut_at_s=checked_values.number(self.cut_at_s, 0, FAR_FUTURE_S),
            clock_offset_s=self._offset(),
            final=checked_values.boolean(self.final),
            idle=checked_values.boolean(self.idle),
            vitals=self._vitals(),
            counters=dict(self._counters()),
            sections=sections,
        )
        checked_values.require(not sections or self.offset_s is not None, "results of no clock")
        _check_results(frame)
        return frame

    def _offset(self) -> float | None:
        return (
            None
            if self.offset_s is None
            else checked_values.number(self.offset_s, -MAX_CLOCK_OFFSET_S, MAX_CLOCK_OFFSET_S)
        )

    def _vitals(self) -> Vitals:
        users, cpu_percent, memory_bytes = checked_values.listing(self.vitals, 3, 3)
        return Vitals(
            checked_values.integer(users, 0, checked_values.MAX_COUNT),
            checked_values.number(cpu_percent, 0, MAX_CPU_PERCENT),
            checked_values.integer(memory_bytes, 0, checked_values.MAX_COUNT),
        )

    def _counters(self) -> list[tuple[str, RunCounters]]:
        counters = []
        for entry in checked_values.listing(self.counters, MAX_RUNS):
            run_id, *totals, untimed, lost = checked_values.listing(entry, 5, 5)
            recorded, held = (checked_values.integer(total, 0, checked_values.MAX_COUNT) for total in totals)
            tally = Counter(checked_values.tally(untimed, len(UNTIMED_REASONS), MAX_REASON_CHARS))
            checked_values.require(tally.keys() <= set(UNTIMED_REASONS), "an unknown reason for no response time")
            checked_values.agree(tally.total() <= recorded, "more results without a response time than results")
            given_up = Counter(checked_values.tally(lost, len(LOST_REASONS), MAX_REASON_CHARS))
            checked_values.require(given_up.keys() <= set(LOST_REASONS), "an unknown reason for lost results")
            counters.append(
                (checked_values.identifier(run_id, MAX_ID_CHARS), RunCounters(recorded, tally, held, given_up))
            )
        checked_values.require(len(dict(counters)) == len(counters), "a run twice")
        return counters

    def _section(self, section: Any) -> Section:
        run_id, start_s, packed, rest = checked_values.listing(section, 4, 4)
        checked_values.identifier(run_id, MAX_ID_CHARS)
        checked_values.integer(start_s, 0, int(FAR_FUTURE_S))
        checked_values.require(type(packed) is bytes, "rows expected")
        return read_section(run_id, start_s, packed, rest, self._endpoints, self._planes)


def _names(names: Any) -> list[str]:
    checked_values.listing(names, MAX_ENDPOINTS_PER_FRAME)
    if names and (set(map(type, names)) != {str} or not all(names) or max(map(len, names)) > MAX_NAME_CHARS):
        raise ValueError(f"strings of 1 to {MAX_NAME_CHARS} characters expected")
    return names  # type: ignore[no-any-return]


def _check_results(frame: Frame) -> None:
    """Check that the worker tells of at least as many results as the frame holds or leaves behind."""
    told = {run_id: counters.shipped for run_id, counters in frame.counters.items()}
    for section in frame.sections:
        told[section.run_id] = told.get(section.run_id, 0) - section.results
    checked_values.agree(min(told.values(), default=0) >= 0, "more results than the worker counted")
