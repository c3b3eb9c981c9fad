"""A window that has closed is the same for whoever looks at it, whatever others have made of it meanwhile."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.core.publish.backlog import Backlog
from locust_cw_dist.core.publish.datums import MetricPlan
from locust_cw_dist.core.publish.ledger import RunLedger
from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.publish.window_datums import window_datums
from locust_cw_dist.core.records.points import Gatherer, Point
from locust_cw_dist.core.records.points_json import Packer
from locust_cw_dist.core.rules.evaluation import Evaluation
from locust_cw_dist.core.rules.rule import RuleSet
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.summaries.endpoint_cap import EndpointCap
from locust_cw_dist.core.summaries.reason_cap import ReasonCap
from locust_cw_dist.core.summaries.run_counters import RunCounters
from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire.frame import Frame, Vitals, decode, encode
from support.strategies import NOW_S, record, results_of_few_endpoints

START_S = int(NOW_S)
RULES = ("p95 < 1 ms, window_s=30, abort_after_s=10", "count(/a) > 1", "failure_ratio < 1 %, window_s=10")


class Consumers:
    """The stages of publisher, rules and record, each with little room, so that each merges what it can."""

    def __init__(self):
        self.selection = Selection(groups=(("/[ab]", "/group"),))
        self.cap, self.backlog = EndpointCap(1), Backlog(max_windows=2)
        self.evaluation = Evaluation(RuleSet(rules=tuple(map(parse, RULES))), NOW_S, 10)
        self.record_cap, self.reasons, self.packer = EndpointCap(1), ReasonCap(1), Packer()
        self.points = Gatherer(10, max_points=1)

    def take(self, window):
        """As the publisher hands a window over; returns what it hands over."""
        selected = replace(window, summaries=self.selection.apply(window.summaries)[0])
        list(self.evaluation.observe(selected))
        list(self.evaluation.look())
        point = Point.of(replace(selected, summaries=self.reasons.apply(self.record_cap.apply(selected.summaries))), 10)
        list(self.packer.pack(point))
        self.points.add(point)
        self.backlog.add(selected)
        return selected

    def publish(self):
        plan, ledger = MetricPlan(frozenset(METRIC_NAMES)), RunLedger()
        for window in iter(self.backlog.take, None):
            list(window_datums(plan, replace(window, summaries=self.cap.apply(window.summaries)), "-", ledger))


def a_frame(seq, start_s, delivered):
    recorded = sum(summary.count for summary in delivered.values())
    section = Section.of("run", start_s, delivered)
    counters = {"run": RunCounters(recorded, held=0)}
    return Frame("w", "e", seq, seq - 1, "run", NOW_S, 0.0, False, False, Vitals(), counters, (section,))


def summaries_of(results):
    made = defaultdict(Summary)
    for result in results:
        record(made[result.name, result.method], result)
    return dict(made)


deliveries = st.lists(
    st.tuples(st.integers(0, 3), st.lists(results_of_few_endpoints, min_size=1, max_size=6).map(summaries_of)),
    min_size=2,
    max_size=8,
)


@settings(max_examples=50)
@given(deliveries, st.booleans())
def test_no_consumer_changes_a_window(deliveries, over_the_wire):
    collector, consumers, seen = Collector(resolution_s=10, grace_s=15.0), Consumers(), []
    for seq, (number, delivered) in enumerate(deliveries, 1):
        frame = a_frame(seq, START_S + 10 * number, delivered)
        collector.accept(decode(encode(frame)) if over_the_wire else frame, NOW_S)
        for window in collector.close(NOW_S, everything=True):
            seen.append((window, copy.deepcopy(dict(window.summaries)), window.results))
            selected = consumers.take(window)
            seen.append((selected, copy.deepcopy(dict(selected.summaries)), selected.results))
    consumers.publish()
    for window, before, results in seen:
        assert window.summaries == before
        assert window.results == sum(summary.count for summary in window.summaries.values()) == results
