"""The aids that work by themselves: the manual clock, the recording client, the scripted sink."""

from __future__ import annotations

import inspect
import pydoc

from locust_cw_dist import testing
from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.core.summaries.gauges import StatisticSet
from locust_cw_dist.live.publish.sink import outcome
from locust_cw_dist.testing import ManualClock, RecordingClient, ScriptedSink


def a_datum(value, metric="RequestCount", **dimensions):
    return Datum(metric, tuple(dimensions.items()), 1_800_000_000, "Count", 1, value)


def test_a_clock_stands_until_it_is_moved():
    clock = ManualClock(100.0)
    assert (clock.now_s(), clock.ticks()) == (100.0, 0.0)
    clock.advance(2.5)
    assert (clock.now_s(), clock.ticks()) == (102.5, 2.5)
    clock.time_s = 200.0
    assert (clock.now_s(), clock.ticks()) == (200.0, 100.0)


def test_a_client_adds_up_whatever_form_a_datum_has():
    client = RecordingClient()
    of_a = [Distribution((1.0, 2.0), (3, 4)), StatisticSet(2, 10.0, 4.0, 6.0), 7.0]
    client.put_metric_data(Namespace="n", MetricData=[a_datum(value, Request="/a").to_api() for value in of_a])
    others = [a_datum(5.0, Request="/b"), a_datum(100.0), a_datum(1.0, "FailureCount", Request="/a")]
    client.put_metric_data(Namespace="m", MetricData=[one.to_api() for one in others])
    assert client.totals("RequestCount") == {"/a": 11.0 + 10.0 + 7.0, "/b": 5.0}
    assert client.totals("FailureCount") == {"/a": 1.0}
    assert client.totals("RequestCount", "Host") == {}
    assert [namespace for namespace, _ in client.datums] == ["n"] * 3 + ["m"] * 3
    # CloudWatch takes values without counts: each occurred once.
    plain = {"MetricName": "M", "Dimensions": [{"Name": "Request", "Value": "/c"}], "Values": [1.0, 2.0]}
    client.put_metric_data(Namespace="n", MetricData=[plain])
    assert client.totals("M") == {"/c": 3.0}


def test_a_sink_answers_by_its_script_and_then_takes_everything():
    no = SendError(Failure.THROTTLED, "no")
    sink = ScriptedSink(None, no)
    batches = [[a_datum(float(number), Request="/a"), a_datum(0.0, "UserCount")] for number in range(3)]
    assert [outcome(sink.send, "n", batch) for batch in batches] == [None, no, None]
    assert sink.batches == [batches[0], batches[2]]
    assert [datum.value for datum in sink.sent("RequestCount")] == [0.0, 2.0]
    assert len(sink.threads) == 1


def test_help_lists_all_aids_with_what_they_are_for():
    text = pydoc.render_doc(testing, renderer=pydoc.plaintext)
    assert len(testing.__all__) == 10
    for name in testing.__all__:
        assert f"class {name}" in text
        assert inspect.getdoc(getattr(testing, name))
    assert set(testing.__all__) <= set(dir(testing))
