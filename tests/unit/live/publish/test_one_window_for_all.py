"""CloudWatch, the rules and the record are told of the same windows, and each makes of them what it would alone."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.live.records.record_writer import RecordWriter
from locust_cw_dist.live.records.run_facts import begin_document
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.testing import ScriptedSink
from support.publishing.endings import close_record, finish_rules
from support.publishing.publisher import NOW_S, Bench

pytestmark = pytest.mark.once

GROUPS = (("/item/.*", "/item"),)


def test_windows_that_merge_for_cloudwatch_are_whole_for_rules_and_record(tmp_path):
    """While CloudWatch is away: windows become coarser; names are grouped, endpoints beyond the cap, results late."""
    rules = ("count >= 60", "count(/item) >= 40", "count < 13, window_s=10")
    bench = Bench(ScriptedSink(), record=str(tmp_path), rule=rules, groups=GROUPS, max_endpoints=1)
    bench.publisher._backlog = Backlog(max_windows=2)
    environment = SimpleNamespace(runner=None, web_ui=None, parsed_options=None, shape_class=None)
    parts = bench.settings, bench.runs, bench.clock, bench.once
    record = RecordWriter(
        *parts,
        begin=lambda run: begin_document(
            SimpleNamespace(), bench.settings, run, bench.clock, None, is_distributed=True
        ),
        status=lambda *_: {},
    )
    judge = RuleWatch(environment, *parts)
    seen = []
    bench.publisher.on_closed += [
        lambda window: seen.append((window, copy.deepcopy(dict(window.summaries)))),
        record.take,
        judge.take,
    ]
    record.open()
    judge.open()
    for number in range(5):
        bench.deliver("/item/1", "/item/2", "/b", count=4, at_s=NOW_S + 10 * number)
        bench.clock.time_s = NOW_S + 10 * number + 30
        bench.publisher.tick()
    bench.deliver("/item/3", at_s=NOW_S)
    bench.flush()
    finish_rules(judge, lambda _: False)
    close_record(record)
    judge.close()

    assert all(window.summaries == before for window, before in seen)
    assert [(window.results, window.gauges is None) for window, _ in seen if window.results] == [
        *[(12, False)] * 5,
        (1, True),
    ]
    assert (bench.balance.published, bench.balance.late, bench.balance.difference) == (61, 1, 0)
    published = {dict(d.dimensions).get("Request"): d.value.counts for d in bench.sent("RequestCount") if d.dimensions}
    assert published.keys() == {"/item", "(other)"}
    kept = read_file(next(tmp_path.glob("*.cwrecord")))
    assert {name: summary.count for (name, _), summary in kept.endpoints().items()} == {"/item": 41, "/b": 20}
    counts = [sum(summary.count for summary in point.summaries.values()) for point in kept.points]
    assert [count for count in counts if count] == [13, 12, 12, 12, 12]
    ((_, outcome),) = judge.outcomes()
    assert [one.observed for one in outcome.rules] == [61, 41, 13]
