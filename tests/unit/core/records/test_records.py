"""Run records on disk: what is read is what was kept, whatever became of the process that wrote."""

from __future__ import annotations

import json
import random

import pytest

from locust_cw_dist.core.records.blocks import FIRST_LINE, MAGIC, Kind, pack_block
from locust_cw_dist.core.records.points import MAX_POINTS, Point
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.core.summaries.grid import EDGES
from locust_cw_dist.core.summaries.summary import MAX_REASONS, Summary
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.live.records import record_file
from locust_cw_dist.live.records.record_file import RecordFile, read_file
from support.pages.readme import ROOT
from support.records.records import RESOLUTION_S, SHOP, START_S, Simulation, Traffic

pytestmark = pytest.mark.once

SAMPLES = ROOT / "tests" / "records"

DAYS_3_S = 3 * 86_400


def totals(points):
    """Counts, failures, reasons, sums and distributions by endpoint."""
    whole = {}
    for point in points:
        for key, summary in point.summaries.items():
            whole.setdefault(key, Summary()).merge(summary)
    return {
        key: (
            summary.count,
            summary.failure_count,
            summary.reasons,
            summary.bytes_sum,
            summary.successes.bins,
            pytest.approx(summary.response_times().sum_ms, rel=1e-8),
        )
        for key, summary in whole.items()
    }


def small_points(windows, *, span_s=RESOLUTION_S, endpoints=2):
    """Cheap windows: a handful of results each."""
    chance = random.Random(3)
    for number in range(windows):
        summaries = {}
        for endpoint in range(endpoints):
            summary = summaries[f"/{endpoint}", "GET"] = Summary()
            for _ in range(3):
                summary.record_success(chance.uniform(1, 1000), 10)
            summary.record_failure(5.0, "ReadTimeout")
        yield Point(START_S + number * span_s, span_s, summaries, {"users": StatisticSet(1, 3, 3, 3)})


def test_a_run_tells_more_reasons_than_one_of_its_windows(tmp_path):
    def window(number):
        summary = Summary()
        for reason in range(MAX_REASONS):
            summary.record_failure(5.0, f"window {number}, reason {reason}")
        return Point(START_S + number * RESOLUTION_S, RESOLUTION_S, {("/a", "GET"): summary})

    record = read_file(written(tmp_path, map(window, range(3))).path)
    assert record.reasons() == {
        ("/a", "GET", f"window {number}, reason {reason}"): 1 for number in range(3) for reason in range(MAX_REASONS)
    }


def written(folder, points, *, resolution_s=RESOLUTION_S, **limits):
    file = RecordFile(folder / "run.cwrecord", resolution_s, **limits)
    file.begin(json.dumps({"run_id": "run", "resolution_s": resolution_s, "edges_ms": EDGES}).encode())
    for point in points:
        list(file.packer.pack(point))
        file.packer.flush()
        file.append(Kind.POINTS, file.packer.take(), (point.start_s,))
    return file


def test_a_record_of_version_1_is_read():
    record = read_file(SAMPLES / "version-1.cwrecord")
    found = {
        key: (summary.count, summary.failure_count, sum(summary.reasons.values()), summary.bytes_sum)
        for key, summary in record.endpoints().items()
    }
    assert found == VERSION_1
    assert (record.run_id, record.labels, record.verdict) == ("20270115T080000Z-00000005", {"branch": "main"}, "valid")
    assert (len(record.points), record.span_s, record.duration_s, record.has_ended) == (12, 10, 120.0, True)
    assert record.gauge("users") == StatisticSet(12, 600.0, 50.0, 50.0)
    assert [worker["worker"] for worker in record.workers] == [f"locust-worker-{n}" for n in range(3)]
    assert record.damage.reason == ""


def test_a_record_of_version_2_is_read():
    record = read_file(SAMPLES / "version-2.cwrecord")
    found = {
        key: (summary.count, summary.failure_count, summary.untimed_successes, summary.untimed_failures)
        for key, summary in record.endpoints().items()
    }
    assert found == VERSION_2
    assert record.untimed_count() == 78
    assert record.damage.reason == ""


VERSION_2 = {("/search", "GET"): (358, 30, 57, 6), ("/cart", "POST"): (240, 0, 15, 0)}

VERSION_1 = {("/search", "GET"): (367, 33, 33, 361_960), ("/cart", "POST"): (240, 0, 0, 269_921)}


def test_a_file_that_is_cut_anywhere_is_read_up_to_its_last_whole_block(tmp_path):
    simulation = Simulation(traffic={("/a", "GET"): Traffic(rate=1.0)}, windows=4)
    whole = simulation.write(tmp_path).read_bytes()
    counts = set()
    first_block = len(FIRST_LINE) + 9 + int.from_bytes(whole[len(FIRST_LINE) + 1 : len(FIRST_LINE) + 5], "little")
    for cut in range(first_block, len(whole)):
        (tmp_path / "cut").write_bytes(whole[:cut])
        record = read_file(tmp_path / "cut")
        counts.add(len(record.points))
        assert not record.has_ended or not record.damage.reason
        assert record.damage.at_byte <= cut
    assert counts == {0, 1, 2, 3, 4}


def test_a_flipped_bit_is_noticed(tmp_path):
    path = Simulation(traffic={("/a", "GET"): Traffic(rate=1.0)}, windows=4).write(tmp_path)
    content = bytearray(path.read_bytes())
    content[-300] ^= 4
    path.write_bytes(content)
    record = read_file(path)
    assert record.damage.reason
    assert len(record.points) <= 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a run record"),
        (b"hello\n", "not a run record"),
        (MAGIC + b"7\n" + b"x" * 50, "version 7, this program reads up to 2"),
        (FIRST_LINE, "it is empty"),
        (FIRST_LINE + pack_block(Kind.POINTS, b"{}"), "does not begin"),
        (FIRST_LINE + pack_block(Kind.BEGIN, b'{"edges_ms": [1, 2]}'), "other bins"),
        (FIRST_LINE + pack_block(Kind.BEGIN, b"[1]"), "it is empty"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(tmp_path, content, reason):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(LocustCwError, match=reason) as refused:
        read_file(tmp_path / "file")
    assert str(tmp_path / "file") in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "points",
    [
        {"endpoints": [], "points": [{"start_s": 0, "span_s": 1, "rows": [[9, [1, 1, 1, 5, 1]]]}]},
        {"endpoints": [["/", "GET"]], "points": [{"start_s": 0, "span_s": 1, "rows": [[0, [1, 1, 1, 5000, 1]]]}]},
        {"endpoints": [["/", "GET"]], "points": [{"start_s": 0, "span_s": 1, "rows": [[0, [1, 1, 1, 5, -1]]]}]},
        {"endpoints": [["/", "GET"]], "points": [{"start_s": 0, "span_s": 0, "rows": []}]},
        {"endpoints": [["/", 3]], "points": []},
        {"points": 1},
        {"endpoints": [], "points": [7]},
    ],
)
def test_a_block_that_nobody_of_ours_writes_ends_the_record_there(tmp_path, points):
    file = written(tmp_path, small_points(3))
    file.append(Kind.POINTS, [json.dumps(points).encode()])
    file.close()
    record = read_file(file.path)
    assert "can't be read" in record.damage.reason
    assert len(record.points) == 3


def test_a_block_of_a_kind_to_come_is_skipped(tmp_path):
    file = written(tmp_path, small_points(2))
    file.close()
    block = bytearray(pack_block(Kind.STATUS, b"{}"))
    with file.path.open("ab") as more:
        import struct
        import zlib

        body = bytes(block[9:])
        more.write(
            struct.pack("<cII", b"Z", len(body), zlib.crc32(body, zlib.crc32(struct.pack("<cI", b"Z", len(body)))))
        )
        more.write(body)
        more.write(pack_block(Kind.STATUS, b'{"ended": true}'))
    assert read_file(file.path).has_ended


@pytest.mark.slow
def test_a_soak_of_three_days_stays_small_and_keeps_every_result(tmp_path):
    windows = DAYS_3_S // 60
    file = written(tmp_path, small_points(windows, span_s=60), resolution_s=60)
    file.append(Kind.STATUS, [b'{"ended": true, "stopped_s": %d}' % (START_S + DAYS_3_S)])
    file.close()
    record = read_file(file.path)
    assert MAX_POINTS / 4 <= len(record.points) <= MAX_POINTS
    assert file.path.stat().st_size < 2**20
    assert totals(record.points) == totals(small_points(windows, span_s=60))
    assert record.gauge("users").count == windows
    assert not list(tmp_path.glob("*.part"))


def test_an_hour_of_twenty_endpoints_takes_less_than_two_megabytes(tmp_path):
    # A million requests in an hour, as wide as real ones.
    traffic = {(f"/endpoint/{n}", "GET"): Traffic(20 * 1.2**n, 0.5, 14) for n in range(20)}
    path = Simulation(traffic=traffic, windows=60, seed=2).write(tmp_path)
    assert path.stat().st_size * 6 < 2_000_000


def test_what_is_too_long_becomes_coarser_too(tmp_path):
    file = written(tmp_path, small_points(60, endpoints=100), max_bytes=50_000)
    file.close()
    record = read_file(file.path)
    assert file.path.stat().st_size <= 50_000, "as much as is read of one"
    assert len(record.points) > 1
    assert totals(record.points) == totals(small_points(60, endpoints=100))


def test_points_that_come_late_add_up_also_after_the_file_became_coarser(tmp_path):
    points = list(small_points(50))
    file = written(tmp_path, points, max_points=20)
    late = points[3]
    list(file.packer.pack(late))
    file.packer.flush()
    file.append(Kind.POINTS, file.packer.take(), (late.start_s,))
    file.close()
    assert totals(read_file(file.path).points) == totals([*points, late])


def test_a_point_with_many_endpoints_takes_several_blocks_and_is_one_again(tmp_path):
    (point,) = small_points(1, endpoints=5_000)
    file = written(tmp_path, [point])
    file.close()
    assert file.path.read_bytes().count(b"x\x9c") > 2
    record = read_file(file.path)
    assert len(record.points) == 1
    assert totals(record.points) == totals([point])
    assert record.gauge("users").count == 1


def test_a_process_that_is_killed_while_it_rewrites_leaves_the_old_file(tmp_path, monkeypatch):
    file = written(tmp_path, small_points(20), max_points=20)

    def killed(*_):
        raise SystemExit

    monkeypatch.setattr(record_file.os, "fsync", killed)
    point = Point(START_S + 200, RESOLUTION_S, next(small_points(1)).summaries)
    list(file.packer.pack(point))
    file.packer.flush()
    with pytest.raises(SystemExit):
        file.append(Kind.POINTS, file.packer.take(), (point.start_s,))
    assert len(read_file(file.path).points) == 21


def test_a_record_that_is_there_is_never_written_over(tmp_path):
    file = written(tmp_path, small_points(2))
    file.close()
    content = file.path.read_bytes()
    with pytest.raises(FileExistsError):
        written(tmp_path, [])
    assert file.path.read_bytes() == content
    assert not list(tmp_path.glob("*.part"))


def test_coarser_points_are_gathered_to_one_span(tmp_path):
    path = Simulation(traffic=SHOP, windows=30).write(tmp_path)
    fine, coarse = read_file(path), read_file(path, max_points=5)
    assert (fine.span_s, coarse.span_s) == (10, 80)
    assert len(coarse.points) == 4
    assert totals(coarse.points) == totals(fine.points)


def test_endpoints_beyond_the_cap_go_to_other_and_those_that_were_there_stay():
    cap = EndpointCap(2)
    (first,) = small_points(1, endpoints=2)
    (second,) = small_points(1, endpoints=4)
    assert cap.apply(first.summaries) == first.summaries
    assert not cap.is_exceeded
    kept = cap.apply(second.summaries)
    assert {key: summary.count for key, summary in kept.items()} == {
        ("/0", "GET"): 4,
        ("/1", "GET"): 4,
        ("(other)", "ALL"): 8,
    }
    assert cap.is_exceeded
