"""Writes the sample frame of the wire version at hand: `python tests/support/records/wire.py` when it changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire.frame import WIRE_VERSION, Frame, Vitals, encode

FRAMES = Path(__file__).parents[2] / "frames"


def sample_frame() -> Frame:
    """Return a frame that has something in every field."""
    buy, home = Summary(), Summary()
    for number in range(50):
        buy.record_success(12.5 * (number + 1), 1000 + number)
        home.record_failure(0.25 * number, f"HTTP {500 + number % 2}")
    buy.record_success(None, 1000)
    for _ in range(2):
        home.record_failure(None, "ConnectionError")
    return Frame(
        worker_id="host_0123456789abcdef",
        epoch="fedcba9876543210",
        seq=7,
        acked=6,
        run_id="20261124T010203Z-00c0ffee",
        cut_at_s=1_795_000_003.25,
        clock_offset_s=-1.5,
        final=False,
        idle=False,
        vitals=Vitals(users=12, cpu_percent=34.5, memory_bytes=67_000_000),
        counters={"20261124T010203Z-00c0ffee": RunCounters(103, Counter({"response_time missing": 3}))},
        sections=(
            Section.of("20261124T010203Z-00c0ffee", 1_795_000_000, {("/buy", "POST"): buy, ("/caf\xe9", "GET"): home}),
        ),
    )


def frame_path(version: int) -> Path:
    """Return where the sample of a version lies."""
    return FRAMES / f"wire-{version}.frame"


if __name__ == "__main__":
    frame_path(WIRE_VERSION).write_bytes(encode(sample_frame()))
