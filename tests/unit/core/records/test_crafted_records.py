"""Records that somebody crafted: what they cost is bounded, and what they say does no harm to who reads it."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
import zlib

import pytest

from locust_cw_dist.core.records.blocks import FIRST_LINE, Kind
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.live.records.record_file import read_bytes
from locust_cw_dist.tools.cli.main import main
from support.records.records import RESOLUTION_S, START_S, Simulation

pytestmark = [pytest.mark.once, pytest.mark.slow]

MAX_MIB = 90
BEGIN = {"run_id": "r", "started_s": START_S, "resolution_s": RESOLUTION_S, "edges_ms": EDGES}
FULL = [1e9, 0.1, 9e5, 1, *([2**21 - 1] * (len(EDGES) - 1))]
FEW = [3, 1, 2, 5, 2]


def block(kind, text):
    body = zlib.compress(text if isinstance(text, bytes) else json.dumps(text).encode(), 9)
    head = struct.pack("<cI", kind, len(body))
    return head + struct.pack("<I", zlib.crc32(body, zlib.crc32(head))) + body


def record(*blocks, begin=BEGIN):
    return FIRST_LINE + b"".join([block(b"B", begin), *blocks])


def points(number, *, endpoints=1, first=False, histogram=FEW, reasons=0):
    """A block of one point."""
    rows = [[n, histogram, histogram, 0, reasons] for n in range(endpoints)]
    named = [[f"/{n}", "GET"] for n in range(endpoints)] if first else []
    point = {"start_s": START_S + RESOLUTION_S * number, "span_s": RESOLUTION_S, "gauges": {}, "rows": rows}
    return {"endpoints": named, "points": [point]}


def gauges(number):
    """A block of one point with thousands of gauges."""
    named = {f"{number}-{n}": [1, 1, 1, 1] for n in range(10_000)}
    return {"endpoints": [], "points": [{"start_s": START_S + 10 * number, "span_s": 10, "rows": [], "gauges": named}]}


CRAFTED = {
    "lists": lambda: record(*[block(b"P", b'{"endpoints":[' + b"[]," * 5_000_000 + b"0]}")] * 3),
    "lists within the bound": lambda: record(*[block(b"P", b"[" + b"[]," * 300_000 + b"0]")] * 3),
    "an unknown kind": lambda: record(*[block(b"Z", b"[" + b"[]," * 5_000_000 + b"0]")] * 3),
    "names": lambda: record(
        *[
            block(b"P", {"endpoints": [[f"{n}-{m}-" + "x" * 4000, "x"] for m in range(200)], "points": []})
            for n in range(100)
        ]
    ),
    "gauges": lambda: record(*(block(b"P", gauges(n)) for n in range(20))),
    "times far apart": lambda: record(
        *[
            block(
                b"P",
                {"endpoints": [], "points": [{"start_s": n * 10**8, "span_s": 1, "rows": []} for n in range(2000)]},
            )
        ]
        * 3
    ),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_what_a_crafted_record_costs_is_bounded(kind):
    content = CRAFTED[kind]()
    assert len(content) < 1_200_000
    tracemalloc.start()
    try:
        found = read_bytes(content, kind, 300)
        peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak_mib < MAX_MIB, f"{len(content):,} bytes, {peak_mib:.0f} MiB, {found.damage}"


ODD = {
    "a far time": {"started_s": 1e308},
    "a time before all": {"started_s": -1e308},
    "a number that no float holds": {"started_s": 10**400, "labels": {"a": 10**400}},
    "a text for a number": {"started_s": "noon"},
    "a lone surrogate": {"labels": {"a\udc80": "\ud800 b"}, "run_id": "r\udc80"},
    "escape codes": {
        "run_id": "\x1b]0;title\x07",
        "labels": {"\x1b[2J": "\x9b31m"},
        "options": {"cw_service": "\x1b["},
    },
    "markup": {"run_id": "[/red] [bold]"},
    "lists for objects": {"labels": [1], "options": [1], "versions": 3},
    "nesting": {"options": {"cw_groups": json.loads("[" * 400 + "]" * 400)}},
}
ENDS = [
    {},
    {"stopped_s": 1e308, "workers": 7, "ledger": [1], "left_out": "\x1b[2J"},
    {"stopped_s": -5, "workers": [{"memory_bytes": "much", "worker": "\x1b["}, 3], "ledger": {"published": 1e308}},
]
OUTCOMES = [
    {},
    {"rules": 3, "verdict": {"state": {"\x1b": 1}, "reasons": 5}},
    {"rules": [{"rule": "nonsense", "observed": "x", "state": [1]}, {"rule": 3, "observed": 1e308}], "verdict": []},
]


@pytest.mark.parametrize(("number", "odd"), [*enumerate(ODD)])
def test_what_a_record_says_of_itself_ends_no_command_and_reaches_no_terminal(number, odd, tmp_path, capsys):
    end, outcome = ENDS[number % len(ENDS)], OUTCOMES[number % len(OUTCOMES)]
    pytest.importorskip("plotly")
    good = Simulation(windows=12).write(tmp_path)
    bad = tmp_path / "bad.cwrecord"
    blocks = good.read_bytes()[len(FIRST_LINE) :]
    length = struct.unpack("<I", blocks[1:5])[0]
    begin = json.loads(zlib.decompress(blocks[9 : 9 + length])) | ODD[odd]
    ending = block(Kind.STATUS.value, end) + block(Kind.OUTCOME.value, outcome)
    bad.write_bytes(FIRST_LINE + block(b"B", begin) + blocks[9 + length :] + ending)
    page = tmp_path / "page.html"
    assert main(["report", str(bad), "-o", str(page)]) == 0
    assert main(["compare", str(good), str(bad), "--html", str(page)]) == 0
    assert main(["compare", str(good), str(bad), "--json"]) == 0
    page.read_text(encoding="utf-8")
    said = "".join(capsys.readouterr())
    said.encode()
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
    assert {path.name for path in tmp_path.iterdir()} == {good.name, bad.name, page.name}


def test_the_newest_record_that_can_be_read_is_taken_and_the_others_are_named(tmp_path, capsys):
    pytest.importorskip("plotly")
    good = Simulation(windows=3).write(tmp_path)
    (tmp_path / "30001.cwrecord").write_bytes(b"junk")
    os.mkfifo(tmp_path / "30002.cwrecord")
    (tmp_path / "30003.cwrecord").mkdir()
    (tmp_path / "30004.cwrecord").symlink_to("/dev/zero")
    (tmp_path / "30005\x1b[2J.cwrecord").write_bytes(record(block(b"P", b"[" * 200_000), begin={"run_id": "x"}))
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 0
    out, err = capsys.readouterr()
    assert good.stem in out
    named = {"30001": "not a run record", "30002": "not a regular", "30003": "Is a directory", "30004": "not a regular"}
    for name, why in named.items():
        assert any(name in line and why in line for line in err.splitlines()), err
    assert r"30005\x1b[2J" in err
    assert "\x1b" not in err
    # A gate must not pass on an older run unnoticed.
    assert main(["compare", str(good), str(tmp_path), "--fail-on", "any", "--json"]) == 4
    good.unlink()
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 1
    assert "no record (*.cwrecord) in it that can be read" in capsys.readouterr().err


def test_a_record_that_is_a_fifo_or_a_device_is_one_line(tmp_path, capsys):
    os.mkfifo(fifo := tmp_path / "pipe.cwrecord")
    for path in (str(fifo), "/dev/zero"):
        assert main(["compare", path, path, "--json"]) == 1
        assert capsys.readouterr().err == f"locust-cw compare: {path}: it is not a regular file\n"


@pytest.mark.parametrize(
    "row",
    [{"histogram": FULL}, {"reasons": {f"{n}" + "y" * 4000: 1 for n in range(20)}}],
    ids=["histograms", "reasons"],
)
def test_points_that_would_take_too_much_become_coarser_and_keep_every_result(row, monkeypatch):
    monkeypatch.setattr("locust_cw_dist.core.records.record.BASE_BYTES", 2**20)
    content = record(*(block(b"P", points(n, endpoints=8, first=n == 0, **row)) for n in range(40)))
    found = read_bytes(content, "full", 1000)
    assert not found.damage.reason
    assert 1 < len(found.points) <= 20
    assert sum(s.count for s in found.endpoints().values()) == 40 * 8 * 2 * sum(row.get("histogram", FEW)[4:])
