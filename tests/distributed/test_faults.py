"""Each fault that the local CloudWatch can have, in a real run: counts are equal, or what is missing is said."""

from __future__ import annotations

import json

import pytest

from locust_cw_dist.live.publish.sender import MAX_CALLS_AT_ONCE
from support.cluster.figures import assert_equal
from support.cluster.ports import free_port
from support.cluster.processes import wait_until

pytestmark = pytest.mark.once

OF_LOCUST = {0, 1}
"""Its exit codes: some requests fail, and in two seconds maybe none."""

PASSING = [
    # A call that is slow is not repeated, and a busy machine makes one of two seconds.
    ("latency", {"latency_s": 0.5}, 1),
    ("throttling", {}, 4),
    ("server_error", {}, 4),
    ("server_error", {"status": 503}, 4),
    ("expired_credentials", {}, 3),
    ("access_denied", {}, 3),
    ("reset", {}, 3),
    ("hang", {"latency_s": 60}, 1),
    ("request_timeout", {}, 2),
    ("request_too_large", {}, 1),
]
"""Faults that leave no doubt, or take nothing: after them each result is there once."""


@pytest.mark.parametrize(
    ("kind", "details", "count"), PASSING, ids=[f"{p[0]}{p[1].get('status', '')}" for p in PASSING]
)
@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
def test_a_fault_that_passes(cluster, cloudwatch, tmp_path, kind, details, count, spool):
    cloudwatch.faults(kind, count=count, **details)
    options = ["--cw-spool-dir", str(tmp_path / "spool")] if spool else []
    single = cluster.single(*options, run_time_s=2)
    assert single.wait() in OF_LOCUST
    assert cloudwatch.stats().faults[kind] >= count
    cluster.assert_exact()
    assert not spool or list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("choice", ["resend", "drop"])
def test_a_reply_that_is_lost_counts_twice_or_not_at_all_as_the_user_chose(cluster, cloudwatch, choice):
    cloudwatch.faults("lost_reply", count=1, skip=1)
    single = cluster.single("--cw-ambiguous", choice, run_time_s=6)
    assert single.wait() in OF_LOCUST
    cluster.assert_clean()
    cluster.assert_balanced()
    summary, truth = cluster.summary(), cluster.truth()
    together = cluster.published().together
    assert summary["ambiguous_calls"] == 1
    assert summary["recorded"] == len(truth.requests)
    if choice == "drop":
        # Taken, and booked as dropped: CloudWatch has each once.
        assert_equal(truth.requests, cluster.published())
        assert list(summary["dropped"]) == ["no answer from CloudWatch"]
        assert not summary["complete"]
        assert single.log_has("1 call got no answer and was not sent again; ")
    else:
        assert summary["published"] == len(truth.requests) < together.requests
        assert 0 < together.requests - len(truth.requests) <= summary["doubtful"] <= len(truth.requests)
        assert summary["verdict"]["state"] == "suspect"
        assert single.log_has("1 call got no answer and was sent again; up to ")


def test_a_trickle_is_waited_for(cluster, cloudwatch):
    cloudwatch.faults("trickle", count=3, latency_s=1)
    assert cluster.single(run_time_s=2).wait() in OF_LOCUST
    cluster.assert_exact()


def test_one_datum_that_is_refused_is_set_aside_and_all_else_is_there(cluster, cloudwatch, tmp_path):
    folder = tmp_path / "spool"
    cloudwatch.faults("bad_datum", match="/orders")
    single = cluster.single("--cw-spool-dir", str(folder), run_time_s=2)
    assert single.wait() in OF_LOCUST
    cluster.assert_clean()
    cluster.assert_balanced()
    requests = cluster.truth().requests
    bad = sum(request.name == "/orders" for request in requests)
    assert cluster.summary()["dropped"] == {"refused by CloudWatch": bad}
    assert cluster.summary()["published"] == len(requests) - bad
    lines = [json.loads(line) for line in (folder / "refused.jsonl").read_text().splitlines()]
    assert all({"Name": "Request", "Value": "/orders"} in line["datum"]["Dimensions"] for line in lines)
    assert len(lines) > 3
    assert all(line["reason"] for line in lines)
    published = cluster.published()
    for name in ("/fast", "/slow", "/zero"):
        found = [s for s in published.named("RequestCount") if s.dimensions.get("Request") == name]
        assert sum(series.total for series in found) == sum(request.name == name for request in requests)


def test_credentials_that_are_renewed_in_the_middle_of_a_run(cluster, cloudwatch, tmp_path):
    """No key at the start, and a file with one a little later: nothing is lost, and the master needs no restart."""
    keys = tmp_path / "credentials"
    env = {name: value for name, value in cloudwatch.env().items() if "KEY" not in name}
    single = cluster.single("--cw-flush-timeout", "30", env=env | {"AWS_SHARED_CREDENTIALS_FILE": str(keys)})
    wait_until(lambda: "no valid credentials" in single.log, "the first try fails")
    keys.write_text("[default]\naws_access_key_id = local\naws_secret_access_key = local\n")
    assert single.wait() in OF_LOCUST
    cluster.assert_exact()


def test_connections_are_used_again(cluster, cloudwatch):
    single = cluster.single("--loglevel", "DEBUG", run_time_s=10)
    single.wait()
    cluster.assert_exact()
    assert cluster.summary()["put_metric_data_calls"] >= 6
    # More than one where a call begins while another waits for its answer.
    assert single.log.count("Starting new HTTP connection") <= MAX_CALLS_AT_ONCE


def test_a_spool_folder_that_cannot_be_written_is_one_line_before_any_load(cluster, tmp_path):
    (tmp_path / "file").write_text("")
    single = cluster.single("--cw-spool-dir", str(tmp_path / "file"))
    assert single.wait() == 2
    assert "--cw-spool-dir: got" in single.log
    assert cluster.truth().requests == []
    cluster.assert_clean()


def test_what_a_closed_port_leaves_on_disk_the_next_run_publishes(cluster, cloudwatch, tmp_path):
    folder = str(tmp_path / "spool")
    down = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}"}
    first = cluster.single("--cw-spool-dir", folder, "--cw-flush-timeout", "1", name="first", env=down, run_time_s=2)
    assert first.wait() in OF_LOCUST
    (summary,) = cluster.summaries()
    assert (summary["spooled"], summary["published"], summary["complete"]) == (summary["recorded"], 0, False)
    assert f"locust-cw resend {folder}" in first.log
    cluster.assert_balanced()
    second = cluster.single("--cw-spool-dir", folder, name="second", run_time_s=2)
    assert second.wait() in OF_LOCUST
    cluster.assert_clean()
    assert_equal(cluster.truth().requests, cluster.published())
    assert f"run {summary['run_id']}, of an earlier process: {summary['recorded']} of" in second.log
