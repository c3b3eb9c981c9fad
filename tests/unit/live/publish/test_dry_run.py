"""The sink of a dry run: it takes everything, counts it as it would go out, and writes it down."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from locust_cw_dist.core.publish.body_sizes import COMPRESSED_FROM_BYTES
from locust_cw_dist.core.publish.datums import Datum, Distribution
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.live.publish.dry_run import DryRun
from locust_cw_dist.settings.settings import Settings

NAMESPACE = "perf/dry/loadtests"


def datums(count, values=1):
    now_s = int(time.time())
    value = Distribution(tuple(0.1 + number / 7 for number in range(values)), tuple(range(1, values + 1)))
    return [Datum("M", (("Request", f"/{number}"),), now_s - number, "Count", 1, value) for number in range(count)]


@pytest.fixture
def sink(tmp_path):
    made = DryRun(str(tmp_path / "calls.jsonl"), LogOnce())
    made.open()
    yield made
    made.close()


@pytest.fixture
def aws(cloudwatch, monkeypatch):
    for name, value in cloudwatch.env().items():
        monkeypatch.setenv(name, value)
    cloudwatch.reset()
    yield cloudwatch
    cloudwatch.reset()


@pytest.mark.parametrize("batches", [[datums(3)], [datums(40, 150), datums(2), datums(100, 20)]], ids=["small", "all"])
def test_sizes_are_those_that_boto3_sends(aws, sink, batches):
    for batch in batches:
        sink.send(NAMESPACE, batch)
        Cloudwatch(Settings(namespace=NAMESPACE)).send(NAMESPACE, batch)
    payloads, stats = sink.take(), aws.stats()
    assert (payloads.calls, payloads.datums) == (stats.put_calls, stats.datums)
    assert (payloads.body_bytes, payloads.wire_bytes) == (stats.body_bytes, stats.wire_bytes)
    assert (payloads.wire_bytes < payloads.body_bytes) == (payloads.largest_body_bytes >= COMPRESSED_FROM_BYTES)


def test_the_file_has_each_call_on_a_line(sink, tmp_path):
    batches = [datums(3), datums(5, 150)]
    for batch in batches:
        sink.send(NAMESPACE, batch)
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"Namespace": NAMESPACE, "MetricData": [json.loads(datum.json) for datum in batch]} for batch in batches
    ]


def test_what_was_taken_is_not_counted_again(sink):
    sink.send(NAMESPACE, datums(3))
    first = sink.take()
    sink.send(NAMESPACE, datums(2))
    assert (first.datums, sink.take().datums, sink.take().datums) == (3, 2, 0)


def test_calls_per_hour_are_those_of_the_windows(sink):
    assert sink.take().calls_per_hour(10) == 360
    for _ in range(6):
        sink.send(NAMESPACE, datums(1))
    # Six calls for one window of ten seconds.
    assert sink.take().calls_per_hour(10) == 6 * 360
    # Sixty windows in one call, at the end of a run: while it goes on, each has one.
    sink.send(NAMESPACE, datums(60))
    assert sink.take().calls_per_hour(1) == 3600


def test_a_file_that_cannot_be_made_is_a_wrong_setting(tmp_path):
    with pytest.raises(SettingsError, match=r"^--cw-payloads: got .*, must be a file that can be written"):
        DryRun(str(tmp_path / "none" / "calls.jsonl"), LogOnce()).open()


def test_a_disk_that_fails_is_said_once_and_counting_goes_on(caplog):
    sink = DryRun("/dev/full", LogOnce())
    sink.open()
    for _ in range(3):
        sink.send(NAMESPACE, datums(3))
    sink.close()
    assert caplog.text.count("/dev/full can't be written") == 1
    assert sink.take().calls == 3


def test_it_needs_no_boto3():
    code = (
        "import sys\n"
        "from locust_cw_dist.core.publish.datums import Datum\n"
        "from locust_cw_dist.live.publish.dry_run import DryRun\n"
        "from locust_cw_dist.live.platform.log_once import LogOnce\n"
        "sink = DryRun(None, LogOnce()); sink.open(); sink.warm_up(); sink.check()\n"
        "sink.send('n', [Datum('M', (), 1, 'Count', 1, 2.0)]); sink.close()\n"
        "print(sink.take().calls, {'boto3', 'botocore'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "1 set()"
