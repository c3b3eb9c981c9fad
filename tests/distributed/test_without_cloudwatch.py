"""Publishing that is off, impossible or stuck: the load test goes on as it would without this program."""

from __future__ import annotations

import itertools
import re

import pytest

from support.cluster.cluster import LOCUST_CW_RUN
from support.cluster.ports import free_port
from support.cluster.processes import DEADLINE_S, wait_until

pytestmark = pytest.mark.once

LONGEST_PAUSE_S = 4.0
"""Users make a request every few milliseconds; a call to CloudWatch in their way would stop them for up to 10 s."""


def assert_load_never_paused(cluster, at_least_s):
    times_s = sorted(request.at_s for request in cluster.truth().requests)
    assert times_s[-1] - times_s[0] > at_least_s
    assert max(later - earlier for earlier, later in itertools.pairwise(times_s)) < LONGEST_PAUSE_S


def our_lines(process):
    return [line for line in process.log.splitlines() if "locust-cw" in line]


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_publishing_that_is_off(cluster, cloudwatch, role):
    calls_before = cloudwatch.stats().put_calls
    cluster.forks = False  # what forks a process that could publish has imported boto3
    process = getattr(cluster, role)(publishing=())
    cluster.wait()
    assert process.exit_code == 1  # Locust's: some requests failed
    (line,) = our_lines(process)
    assert line.endswith(
        "publishing is off: no service and no namespace is set; set --cw-service or --cw-namespace "
        "(found no --cw-* option and no LOCUST_CW_* variable)"
    )
    assert cluster.summaries() == []
    assert cloudwatch.stats().put_calls == calls_before
    assert {name for name in cluster.processes.values() if name is not process and our_lines(name)} == set()
    assert_load_never_paused(cluster, at_least_s=1)
    assert [worker.modules for worker in cluster.truth().processes] == [[]] * len(cluster.processes)
    cluster.assert_clean()


def test_publishing_that_is_off_under_locust_cw_run(cluster):
    cluster.command = LOCUST_CW_RUN
    cluster.locustfile = "shopper.py"
    single = cluster.single(publishing=(), run_time_s=3)
    assert cluster.wait() == {"single": 1}
    assert len(our_lines(single)) == 1


REGION = {"AWS_DEFAULT_REGION": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.mark.parametrize(
    ("env", "advice"),
    [(REGION, "no AWS credentials found.*AWS_ACCESS_KEY_ID"), (KEYS, "no AWS Region is set.*--cw-region")],
    ids=["no credentials", "no region"],
)
@pytest.mark.parametrize("role", ["distributed", "single"])
def test_no_credentials_or_no_region(cluster, role, env, advice):
    options = ["--cw-service", "shop", "--cw-resolution", "1", "--cw-flush-timeout", "1"]
    process = getattr(cluster, role)(publishing=options, env=env)
    codes = cluster.wait()
    assert codes.pop(process.name) == 1
    assert set(codes.values()) <= {0}
    assert len(re.findall(advice, process.log)) in (1, 2), "at the start, and when the first batch could not be sent"
    assert re.search(advice + ".*; the load test runs", process.log)
    assert_nothing_published(cluster, "no valid credentials")
    assert_load_never_paused(cluster, at_least_s=1)


def test_a_client_that_logs_without_end(cluster, cloudwatch):
    """Logging takes a lock; a client on a thread of its own kept processes from ending that wanted it too."""
    cluster.also.append("chatty_client.py")
    single = cluster.single("--cw-flush-timeout", "0.5", run_time_s=1)
    assert single.wait() in {0, 1}
    assert single.log.count("a line of the client's") > 10
    cluster.assert_balanced()


def assert_nothing_published(cluster, reason):
    summary = cluster.summary()
    requests = len(cluster.truth().requests)
    assert (summary["recorded"], summary["published"], summary["complete"]) == (requests, 0, False)
    assert summary["dropped"] == {reason: requests}
    assert "INCOMPLETE" in "".join(process.log for process in cluster.processes.values())
    cluster.assert_balanced()
    cluster.assert_clean()


NO_PROFILE = KEYS | REGION | {"AWS_PROFILE": "nosuch"}
RETRIES = KEYS | REGION | {"AWS_MAX_ATTEMPTS": "many"}
NO_URL = KEYS | REGION | {"AWS_ENDPOINT_URL": "monitoring.example"}


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (REGION, "nothing can be published"),
        (KEYS, "nothing can be published"),
        (NO_PROFILE, "AWS_PROFILE"),
        (RETRIES, "AWS_MAX_ATTEMPTS"),
        (NO_URL, "correct AWS_ENDPOINT_URL"),
    ],
    ids=["no credentials", "no region", "no profile", "retries", "no URL"],
)
def test_required_in_a_single_process(cluster, env, says):
    single = cluster.single(publishing=["--cw-service", "shop", "--cw-required"], env=env)
    assert single.wait() == 2
    assert re.search(f"--cw-required is set and .*{says}", single.log)
    assert cluster.truth().requests == []
    cluster.assert_clean()


def test_a_region_that_can_not_be_one(cluster):
    single = cluster.single(publishing=["--cw-service", "shop", "--cw-region", "eu-central-1a"], env=KEYS)
    assert single.wait() == 2
    assert "--cw-region: got 'eu-central-1a', must be the name of an AWS Region" in single.log
    assert cluster.truth().requests == []
    cluster.assert_clean()


@pytest.mark.parametrize(
    ("env", "reason"),
    [(NO_PROFILE, "no valid credentials"), (NO_URL, "CloudWatch not reached")],
    ids=["no profile", "no URL"],
)
def test_an_odd_setting_of_awss_costs_one_line_and_no_load(cluster, env, reason):
    options = ["--cw-service", "shop", "--cw-resolution", "1", "--cw-flush-timeout", "1"]
    single = cluster.single(publishing=options, env=env)
    assert single.wait() == 1  # Locust's: some requests failed
    assert single.log.count("; the load test runs") == 1
    assert_nothing_published(cluster, reason)
    assert "no PutMetricData call left this process" in single.log
    assert "about $" not in single.log
    assert_load_never_paused(cluster, at_least_s=1)


FEW_SECONDS = 45
"""Less than the minute and more for which a worker waits for a master, enough for a busy machine."""


def test_required_with_processes(cluster):
    single = cluster.single("--processes", "2", publishing=["--cw-service", "shop", "--cw-required"], env=REGION)
    assert single.wait(FEW_SECONDS) == 2
    single.wait_for_group(FEW_SECONDS)
    assert single.ended_after_s < FEW_SECONDS
    assert cluster.truth().requests == []
    cluster.assert_clean()


def test_required_with_workers_that_wait_for_the_master(cluster):
    workers = [cluster.worker(), cluster.worker()]
    for worker in workers:
        worker.wait_for_log("Starting Locust")
    master = cluster.master(publishing=["--cw-service", "shop", "--cw-required"], env=REGION)
    assert master.wait(FEW_SECONDS) == 2
    for worker in workers:
        worker.wait(FEW_SECONDS)
    assert cluster.truth().requests == []
    cluster.assert_clean()


FLUSH_TIMEOUT_S = 3


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_a_cloudwatch_that_is_down(cluster, cloudwatch, role):
    env = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}"}
    process = getattr(cluster, role)("--cw-flush-timeout", str(FLUSH_TIMEOUT_S), env=env)
    cluster.wait()
    assert process.exit_code == 1
    assert_nothing_published(cluster, "CloudWatch not reached")
    assert_load_never_paused(cluster, at_least_s=1)
    assert process.log.count("retrying") == 1


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_a_cloudwatch_that_hangs(cluster, cloudwatch, role):
    cloudwatch.faults("hang", latency_s=60)
    process = getattr(cluster, role)("--cw-flush-timeout", str(FLUSH_TIMEOUT_S), run_time_s=8)
    process.wait_for_log("--run-time limit reached")
    process.wait(25)  # by default it would take 30
    cluster.wait()
    assert process.exit_code == 1
    summary = cluster.summary()
    requests = len(cluster.truth().requests)
    assert (summary["recorded"], summary["published"], summary["complete"]) == (requests, 0, False)
    cluster.assert_balanced()
    cluster.assert_clean()
    assert_load_never_paused(cluster, at_least_s=5)


def test_a_cloudwatch_that_comes_back(cluster, cloudwatch):
    cloudwatch.faults("throttling", count=3)
    cloudwatch.faults("server_error", count=2, status=503)
    cloudwatch.faults("reset", count=1)
    cluster.distributed()
    cluster.wait()
    assert cluster.summary()["retried_calls"] >= 5
    cluster.assert_exact()


def test_required_and_lost(cluster, cloudwatch):
    env = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}"}
    single = cluster.single("--cw-flush-timeout", "1", "--cw-required", env=env, run_time_s=1)
    wait_until(lambda: single.exit_code is not None, "it ends", DEADLINE_S)
    assert single.exit_code == 4
