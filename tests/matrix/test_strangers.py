"""Whoever reaches the master's port: what a stranger sends while a run goes on changes no figure."""

from __future__ import annotations

import os
import signal
import zlib
from collections import Counter
from dataclasses import replace

import msgpack
import pytest

from locust_cw_dist.core.wire.frame import (
    MAGIC,
    MAX_FRAME_BYTES,
    MAX_INFLATED_BYTES,
    OTHER_VERSION,
    WIRE_VERSION,
    decode,
    encode,
)
from locust_cw_dist.core.wire.messages import FRAME, MASTER_MESSAGE, pack_hello
from support.cluster.figures import assert_equal
from support.cluster.matrix import wait_for_requests
from support.cluster.processes import wait_until
from support.cluster.stranger import Stranger
from support.records.wire import frame_path
from support.strategies import results_of

pytestmark = pytest.mark.once

HEADER = MAGIC + bytes([WIRE_VERSION])
EMPTY = zlib.compress(b"")


@pytest.fixture
def running(cluster):
    """A cluster under load, one of whose workers copies its frames to a folder."""
    (cluster.folder / "frames").mkdir()
    cluster.master(locustfile=f"short_silence.py,{cluster.locustfile}", run_time_s=60)
    cluster.worker()
    cluster.worker(locustfile="shopper.py,plugin.py,copy_frames.py")
    wait_until(lambda: len(full_frames(cluster)) >= 1, "a frame with results")
    return cluster


def full_frames(cluster):
    paths = sorted((cluster.folder / "frames").glob("*.frame"))
    return [data for data in (path.read_bytes() for path in paths) if results_of(decode(data))]


def packed(value):
    """Return a frame with any value for a body, and no planes."""
    return joined(zlib.compress(msgpack.packb(value)))


def joined(head, planes=EMPTY):
    return HEADER + len(head).to_bytes(4, "big") + head + planes


def forged(frame):
    """Return well-formed frames that can't be true, made of a true one, and why they are refused."""
    (section, *_), (run_id, counters), *_ = frame.sections, *frame.counters.items()
    stranger = replace(frame, epoch="stranger", acked=0, seq=1)
    return [
        (replace(frame, seq=frame.seq + 1000), "sequence"),
        (replace(stranger, seq=65), "sequence"),
        (replace(stranger, sections=(replace(section, start_s=section.start_s + 3600),)), "time out of range"),
        (replace(stranger, sections=(replace(section, start_s=0),)), "time out of range"),
        (replace(stranger, counters={run_id: replace(counters, recorded=0)}), "inconsistent"),
        (replace(stranger, counters={}), "inconsistent"),
    ]


def garbage(true_frame):
    """Return what is no frame at all, and why it is refused."""
    bomb = zlib.compress(bytes(8 * MAX_INFLATED_BYTES))
    flipped = bytearray(true_frame)
    flipped[-1] ^= 1  # in the checksum
    return [
        *((value, "not a frame") for value in (5, "text", b"LC", os.urandom(100), [[]], {"a": {}})),
        (HEADER, "malformed"),
        (HEADER + os.urandom(1000), "malformed"),
        (true_frame[:-1], "malformed"),
        (true_frame + b"x", "malformed"),
        (bytes(flipped), "malformed"),
        *((packed(value), "malformed") for value in (None, 1.5, [], [None] * 14, {"a": 1}, [[[[[[]]]]]] * 14)),
        (joined(bomb), "too large"),
        (joined(zlib.compress(msgpack.packb([])), planes=bomb), "too large"),
        (HEADER + bytes(MAX_FRAME_BYTES), "too large"),
    ]


def end(cluster):
    wait_for_requests(cluster, 300)
    cluster.processes["master"].signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 1, "worker-1": 0, "worker-2": 0}


def assert_untouched(cluster, refused):
    end(cluster)
    cluster.assert_exact()
    assert cluster.summary()["refused_frames"] == refused
    for reason in refused:
        assert cluster.processes["master"].log.count(f"was refused: {reason}") <= 1


def test_garbage_and_forged_frames(running):
    (true_frame, *_) = full_frames(running)
    wrong = garbage(true_frame) + [(encode(frame), reason) for frame, reason in forged(decode(true_frame))]
    with Stranger(running.port) as stranger:
        for frame, _ in wrong:
            stranger.send_frame(frame)
    assert_untouched(running, Counter(2 * [reason for _, reason in wrong]))


def test_replayed_frames(running):
    """Again and again, in anybody's name, and all at once."""
    with Stranger(running.port) as stranger:
        for _ in range(3):
            frames = full_frames(running)
            for frame in frames * 10:
                stranger.send_frame(frame)
                stranger.send(FRAME, {"frame": frame}, node_id=decode(frame).worker_id)
            wait_for_requests(running, 500)
    assert_untouched(running, {})
    assert running.summary()["duplicate_frames"] > 0


def test_frames_of_earlier_versions(running):
    """Of a worker of which nothing else has come: its frame alone tells why its results are missing, and who it is."""
    versions = range(1, WIRE_VERSION)
    for version in versions:
        with Stranger(running.port, f"worker of version {version}") as stranger:
            for _ in range(2):
                stranger.send_frame(frame_path(version).read_bytes())
    end(running)
    running.assert_clean()
    running.assert_balanced()
    log, summary, requests = running.processes["master"].log, running.summary(), running.truth().requests
    for version in versions:
        assert log.count(f"worker worker of version {version} has wire version {version}, this master reads") == 1
    assert summary["workers_without_plugin"] == [f"worker of version {version}" for version in versions]
    assert summary["refused_frames"] == {OTHER_VERSION: 4 * len(versions)}
    assert (summary["recorded"], summary["published"], summary["complete"]) == (len(requests), len(requests), False)
    assert_equal(requests, running.published())


def test_messages_that_are_none(running):
    """Wrong types everywhere, and names that nobody can be answered by: the master goes on to hear its workers."""
    with Stranger(running.port) as stranger:
        for data in (None, 5, "text", [], {}, {"version": "1"}, {"version": 1, "epoch": 7}, {"epoch": "x" * 10_000}):
            stranger.send_hello(data)
            stranger.send(FRAME, data)
            stranger.send(MASTER_MESSAGE, data)
        for name in (5, "", "x" * 10_000, b"bytes", 1.5, True):
            stranger.send_hello(pack_hello("stranger"), node_id=name)
            stranger.send(FRAME, {"frame": b""}, node_id=name)
    assert_untouched(running, {"malformed": 8 + 2 * 6, "not a frame": 8})


def test_greetings_of_workers_that_never_come(running):
    """They may have recorded something, for all the master knows: every figure is right, and the run not complete."""
    with Stranger(running.port) as stranger:
        for number in range(50):
            stranger.send_hello(pack_hello(f"stranger {number}"), node_id=f"nobody {number}")
    end(running)
    running.assert_clean()
    running.assert_balanced()
    summary, requests = running.summary(), running.truth().requests
    assert (summary["recorded"], summary["published"], summary["complete"]) == (len(requests), len(requests), False)
    assert {unheard["worker"] for unheard in summary["unheard_workers"]} == {f"nobody {n}" for n in range(50)}
    assert running.processes["master"].log.count("lost: what worker nobody") < 50
    assert_equal(requests, running.published())
