"""Rules on merged summaries say what they would say of the raw results, however windows come and whenever one looks.

Count, ratio, requests per second and maximum are exact, the mean but for rounding; percentiles are within 1 % of the
nearest rank.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from locust_cw_dist.core.rules.evaluation import Evaluation
from locust_cw_dist.core.rules.outcome import RuleState
from locust_cw_dist.core.rules.rule import Figure, Rule, RuleSet, Severity
from locust_cw_dist.core.summaries.grid import CEILING_MS
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.summaries.window import ClosedWindow
from support.publishing.endings import outcome_of

T0_S = 1_800_000_000
ENDPOINTS = [("/a", "GET"), ("/a", "POST"), ("/b?x=[1]", "GET"), ("/other", "grpc")]
PATTERNS = [None, "/a", "/b?x=[1]", "/.*", "/(a|other)", "/nothing"]
WINDOWS = 12
PERCENTILES = [50.0, 90.0, 95.0, 99.9, 12.5]


@dataclass(frozen=True)
class Raw:
    """One result as it was, and with which delivery of its window it comes: 0 with the window, later ones late."""

    at: int
    endpoint: tuple[str, str]
    time_ms: float
    failed: bool
    delivery: int


raw_results = st.builds(
    Raw,
    at=st.integers(0, WINDOWS - 1),
    endpoint=st.sampled_from(ENDPOINTS),
    time_ms=st.one_of(st.floats(0.01, CEILING_MS), st.floats(1, 1000), st.sampled_from([10.0, 20.0])),
    failed=st.sampled_from([False, False, True]),
    delivery=st.sampled_from([0, 0, 0, 1, 2]),
)


@st.composite
def rules(draw, resolution_s):
    figure = draw(st.sampled_from(Figure))
    if figure.is_time:
        limit = draw(st.one_of(st.floats(0.5, 2000), st.sampled_from([10.0, 20.0])))
    elif figure is Figure.FAILURE_RATIO:
        limit = draw(st.sampled_from([0.01, 0.25, 0.5, 0.9]))
    else:
        limit = draw(st.integers(1, 12))
    windows = draw(st.one_of(st.none(), st.integers(1, WINDOWS + 2)))
    return Rule(
        figure=figure,
        percentile=draw(st.sampled_from(PERCENTILES)) if figure is Figure.PERCENTILE else None,
        limit=limit,
        is_upper_limit=draw(st.booleans()),
        inclusive=draw(st.booleans()),
        request=draw(st.sampled_from(PATTERNS)),
        method=draw(st.sampled_from([None, None, "GET", "grpc"])),
        successful_only=figure is not Figure.FAILURE_RATIO and draw(st.booleans()),
        window_s=None if windows is None else windows * resolution_s,
        warm_up_s=draw(st.sampled_from([0, 0, 1, resolution_s, 3 * resolution_s - 1])),
        min_requests=draw(st.sampled_from([1, 1, 3])),
        severity=draw(st.sampled_from(Severity)),
        name=f"rule {draw(st.integers(0, 10**12))}",
    )


@st.composite
def runs(draw):
    resolution_s = draw(st.sampled_from([1, 10]))
    started_s = T0_S + draw(st.sampled_from([0.0, 0.25, 0.9])) * resolution_s
    stopped_s = T0_S + (WINDOWS - draw(st.sampled_from([0.0, 0.5, 1.0, 2.5]))) * resolution_s
    some = draw(st.lists(rules(resolution_s), min_size=1, max_size=6, unique_by=lambda rule: rule.name))
    return resolution_s, started_s, stopped_s, some, draw(st.lists(raw_results, max_size=60))


def a_window(start_s, results):
    made = defaultdict(Summary)
    for raw in results:
        if raw.failed:
            made[raw.endpoint].record_failure(raw.time_ms, "HTTP 500")
        else:
            made[raw.endpoint].record_success(raw.time_ms, 1)
    return ClosedWindow("run", start_s, made, None)


def judge(resolution_s, started_s, stopped_s, some, results, order):
    """Deliver each window, then its supplements at random times; look now and then."""
    evaluation = Evaluation(RuleSet(rules=tuple(some)), started_s, resolution_s)
    late = []
    for at in range(WINDOWS):
        start_s = T0_S + at * resolution_s
        if start_s + resolution_s > stopped_s:
            evaluation.stop(stopped_s)
        mine = [raw for raw in results if raw.at == at]
        list(evaluation.observe(a_window(start_s, [raw for raw in mine if raw.delivery == 0])))
        late += [(start_s, [raw for raw in mine if raw.delivery == number]) for number in (1, 2)]
        while late and order.random() < 0.4:
            supplement = late.pop(order.randrange(len(late)))
            list(evaluation.observe(a_window(*supplement)))
        if order.random() < 0.6:
            list(evaluation.look())
    order.shuffle(late)
    for start_s, more in late:
        list(evaluation.observe(a_window(start_s, more)))
    list(evaluation.look())
    return outcome_of(evaluation)


@dataclass(frozen=True)
class Truth:
    """What the raw results say: the values of all spans that are judged, and how many such requests there are."""

    values: list[float]
    requests: int


def means(rule, raw):
    """Whether a rule is about a result, said anew."""
    name, method = raw.endpoint
    by_name = rule.request is None or rule.request == name or re.fullmatch(rule.request, name)
    by_method = rule.method is None or rule.method == method
    return bool(by_name and by_method and not (rule.successful_only and raw.failed))


def figure_of(rule, results, seconds):
    """A figure by its definition; None where there is too little for it."""
    if len(results) < rule.min_requests:
        return None
    times = sorted(raw.time_ms for raw in results)
    if rule.figure is Figure.RPS:
        return len(results) / seconds if seconds > 0 else None
    definitions = {
        Figure.COUNT: lambda: len(results),
        Figure.FAILURE_RATIO: lambda: sum(raw.failed for raw in results) / len(results),
        Figure.MEAN: lambda: math.fsum(times) / len(times),
        Figure.MAX: lambda: times[-1],
        Figure.PERCENTILE: lambda: times[math.ceil(Fraction(str(rule.percentile)) * len(times) / 100) - 1],
    }
    return definitions[rule.figure]()


def truth(rule, resolution_s, started_s, stopped_s, results):
    first = math.ceil((started_s + rule.warm_up_s - T0_S) / resolution_s) if rule.warm_up_s else 0
    mine = [raw for raw in results if means(rule, raw) and raw.at >= first]
    begin_s, end_s = T0_S + first * resolution_s, T0_S + WINDOWS * resolution_s
    is_floor = rule.figure in {Figure.RPS, Figure.COUNT} and not rule.is_upper_limit
    whole = figure_of(rule, mine, min(end_s, stopped_s) - max(begin_s, started_s))
    if rule.window_s is None:
        return Truth([] if whole is None else [whole], len(mine))
    length = rule.window_s // resolution_s
    spans = [range(begin, begin + length) for begin in range(first, WINDOWS - length + 1)]
    if is_floor:
        spans = [
            span
            for span in spans
            if started_s <= T0_S + span.start * resolution_s and T0_S + span.stop * resolution_s <= stopped_s
        ]
    values = [figure_of(rule, [raw for raw in mine if raw.at in span], rule.window_s) for span in spans]
    if not spans and not is_floor:
        values = [whole]
    return Truth([value for value in values if value is not None], len(mine))


@given(runs(), st.randoms(use_true_random=False))
def test_rules_on_merged_windows_say_what_the_raw_results_say(run, order):
    outcome = judge(*run, order)
    resolution_s, started_s, stopped_s, some, results = run
    assert [one.rule for one in outcome.rules] == some
    for rule, one in zip(some, outcome.rules, strict=True):
        expected = truth(rule, resolution_s, started_s, stopped_s, results)
        event(f"{one.state}, {'sliding' if rule.window_s else 'whole run'}")
        if not expected.values:
            assert (one.state, one.observed) == (RuleState.NO_DATA, None), one
            assert one.failed is (rule.severity is Severity.FAIL and expected.requests == 0)
            continue
        worst = max(expected.values) if rule.is_upper_limit else min(expected.values)
        if rule.figure is Figure.PERCENTILE:
            assert one.observed == pytest.approx(worst, rel=0.01)
        elif rule.figure is Figure.MEAN:
            assert one.observed == pytest.approx(worst, rel=1e-12)
        else:
            assert one.observed == worst, one
        # As the exact value says, but for what is within the accuracy of the figure.
        near = 0.01 * worst if rule.figure is Figure.PERCENTILE else 1e-9 * worst if rule.figure is Figure.MEAN else 0
        if abs(worst - rule.limit) > near or near == 0:
            assert one.state is (RuleState.PASSED if rule.holds(worst) else RuleState.BROKEN), one
        assert one.failed is (one.state is RuleState.BROKEN and rule.severity is Severity.FAIL)
        if rule.window_s is None:
            assert one.requests == expected.requests


@pytest.mark.parametrize("limit", [10.0, 9.999, 10.001])
@pytest.mark.parametrize(("above", "inclusive"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_limit_itself_is_allowed_where_the_comparison_says_so(limit, above, inclusive):
    rule = Rule(figure=Figure.MAX, limit=limit, is_upper_limit=above, inclusive=inclusive)
    evaluation = Evaluation(RuleSet(rules=(rule,)), T0_S, 10)
    list(evaluation.observe(a_window(T0_S, [Raw(0, ("/a", "GET"), 10.0, False, 0)])))
    comparisons = {
        (True, True): limit >= 10,
        (True, False): limit > 10,
        (False, True): limit <= 10,
        (False, False): limit < 10,
    }
    state = RuleState.PASSED if comparisons[above, inclusive] else RuleState.BROKEN
    assert outcome_of(evaluation).rules[0].state is state
