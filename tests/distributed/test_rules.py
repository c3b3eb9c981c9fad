"""Rules in real runs: judged exactly, said in the log, in JUnit XML and in JSON, and a run that is broken stops."""

from __future__ import annotations

import json
import math
import re
import signal
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from locust_cw_dist.live.records.record_file import read_file
from support.cluster.processes import unwrapped, wait_until
from support.cluster.web import WebUi

pytestmark = pytest.mark.once

RULES = """
[[rule]]
name = "slow is fast enough"
check = "p95(GET /slow) < 2 s"

[[rule]]
check = "p95 < 0.1 ms"

[[rule]]
check = "failure_ratio(POST /orders) < 0.01 %"

[[rule]]
check = "failure_ratio < 100 %"
severity = "warn"

[[rule]]
check = "mean(/(fast|slow)) < 2 s"
successful_only = true

[[rule]]
check = "max < 1 ms"
severity = "warn"

[[rule]]
check = "count(POST *) > 0"

[[rule]]
check = "rps > 1"
window_s = 3

[[rule]]
check = "p50(GET /typo) < 1 s"

[[rule]]
check = "p99(GET /zero) < 1 s"
min_requests = 100000
"""

STATES = {
    "slow is fast enough": "passed",
    "p95 < 0.1 ms": "broken",
    "failure_ratio(POST /orders) < 0.01 %": "broken",
    "failure_ratio < 100 %": "passed",
    "mean(/(fast|slow)) < 2000 ms, successful_only": "passed",
    "max < 1 ms": "broken",
    "count(POST *) > 0": "passed",
    "rps > 1 /s, window_s=3": "passed",
    "p50(GET /typo) < 1000 ms": "no data",
    "p99(GET /zero) < 1000 ms": "no data",
}
FAILED = {"p95 < 0.1 ms", "failure_ratio(POST /orders) < 0.01 %", "p50(GET /typo) < 1000 ms"}
OUTPUT = ("--cw-junit", "out/junit.xml", "--cw-rules-json", "out/rules.json")


@pytest.fixture(scope="module")
def judged(tmp_path_factory, cloudwatch):
    """A master with two workers that was judged by all kinds of rules, published, and kept a record."""
    from support.cluster.cluster import Cluster

    with Cluster(tmp_path_factory.mktemp("judged"), cloudwatch) as cluster:
        (cluster.folder / "rules.toml").write_text(RULES)
        options = ("--cw-rules", "rules.toml", "--cw-record", "records", "--cw-label", "branch=main", *OUTPUT)
        cluster.distributed(*options, workers=2, run_time_s=6)
        cluster.wait()
        yield cluster


def run_of(cluster):
    (run,) = json.loads((cluster.folder / "out/rules.json").read_text())["runs"]
    return run


def rules_of(cluster):
    return {rule["name"]: rule for rule in run_of(cluster)["rules"]}


def requests_of(cluster, name=None, method=None):
    return [
        r
        for r in cluster.truth().requests
        if re.fullmatch(name or ".*", r.name) and (method is None or r.method == method)
    ]


def test_each_rule_has_its_state_in_a_distributed_run(judged):
    judged.assert_exact()
    run = run_of(judged)
    assert {rule["name"]: rule["state"] for rule in run["rules"]} == STATES
    assert {rule["name"] for rule in run["rules"] if rule["failed"]} == FAILED
    assert (run["run_id"], run["labels"]) == (judged.summary()["run_id"], {"branch": "main"})
    assert (run["failed"], run["failures_decided"], run["stopped_by"]) == (True, False, None)
    assert 5.5 < run["duration_s"] < 16


def test_what_is_observed_is_what_the_workers_did(judged):
    rules = rules_of(judged)
    assert rules["p95 < 0.1 ms"]["requests"] == len(judged.truth().requests)
    orders = requests_of(judged, "/orders", "POST")
    failures = rules["failure_ratio(POST /orders) < 0.01 %"]
    assert failures["observed"] == sum(r.failed for r in orders) / len(orders) > 0
    assert rules["count(POST *) > 0"]["observed"] == len(requests_of(judged, method="POST"))
    pages = [r.time for r in requests_of(judged, "/(fast|slow)") if not r.failed]
    mean = rules["mean(/(fast|slow)) < 2000 ms, successful_only"]
    assert (mean["observed"], mean["requests"]) == (pytest.approx(sum(pages) / len(pages), rel=1e-8), len(pages))
    assert rules["max < 1 ms"]["observed"] == pytest.approx(max(r.time for r in judged.truth().requests), rel=1e-9)
    slow = sorted(r.time for r in requests_of(judged, "/slow", "GET"))
    assert rules["slow is fast enough"]["observed"] == pytest.approx(slow[math.ceil(0.95 * len(slow)) - 1], rel=0.01)
    assert rules["p99(GET /zero) < 1000 ms"]["requests"] == len(requests_of(judged, "/zero"))


def test_the_last_lines_have_the_rules_and_stdout_has_nothing(judged):
    master = judged.processes["master"]
    assert "✗ rules: 5 of 10 passed, 3 failed" in master.log
    lines = unwrapped(master.log).splitlines()
    words = {}
    for line in lines:
        entry = re.match(r"    . (FAILED|WARNING|passed|no data) (.*)", line)
        words |= {name: entry[1] for name in STATES if entry is not None and name in entry[2]}
    assert words == {
        name: "FAILED" if name in FAILED else {"broken": "WARNING"}.get(state, state) for name, state in STATES.items()
    }
    assert "slow is fast enough: p95(GET /slow) < 2000 ms" in master.log
    assert "rules: " not in master.out


def test_junit_says_the_same_to_a_parser(judged):
    root = ET.parse(judged.folder / "out/junit.xml").getroot()
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("skipped")) == ("testsuites", "11", "3", "1")
    (suite,) = root
    assert {each.get("name"): each.get("value") for each in suite.find("properties")}["branch"] == "main"
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert list(cases) == [*STATES, "the run can be relied on"]
    assert cases["the run can be relied on"].find("failure") is None
    assert {name for name, case in cases.items() if case.find("failure") is not None} == FAILED
    assert [name for name, case in cases.items() if case.find("skipped") is not None] == ["p99(GET /zero) < 1000 ms"]
    assert "no such request" in cases["p50(GET /typo) < 1000 ms"].find("failure").get("message")
    assert "WARNING: broken" in cases["max < 1 ms"].find("system-out").text
    assert not list((judged.folder / "out").glob("*.part"))


def test_a_rule_that_failed_decides_on_the_exit_code(judged):
    assert [process.exit_code for process in judged.processes.values()] == [3, 0, 0]


def test_the_record_keeps_the_rules(judged):
    (path,) = (judged.folder / "records").glob("*.cwrecord")
    kept = read_file(path).outcome["rules"]
    assert [rule["state"] for rule in kept] == [
        "failed"
        if rule["failed"] and rule["state"] == "broken"
        else {"broken": "warned"}.get(rule["state"], rule["state"])
        for rule in run_of(judged)["rules"]
    ]
    assert [rule["observed"] for rule in kept] == [rule["observed"] for rule in run_of(judged)["rules"]]


@pytest.mark.parametrize("role", ["single", "distributed"])
def test_rules_need_no_cloudwatch(cluster, cloudwatch, role):
    calls_before = cloudwatch.stats().put_calls
    rules = ("--cw-rule", "count(POST /orders) >= 1", "--cw-rule", "failure_ratio <= 99 %, window_s=2")
    getattr(cluster, role)(*rules, *OUTPUT, "--cw-resolution", "1", publishing=(), env={})
    cluster.wait()
    cluster.assert_clean()
    states = {name: rule["state"] for name, rule in rules_of(cluster).items()}
    assert states == {"count(POST /orders) >= 1": "passed", "failure_ratio <= 99 %, window_s=2": "passed"}
    assert rules_of(cluster)["count(POST /orders) >= 1"]["observed"] == len(requests_of(cluster, "/orders"))
    assert cloudwatch.stats().put_calls == calls_before
    assert cluster.summary()["complete"]
    # Locust's own, for failed requests: nobody said that the rules decide.
    assert cluster.processes.get("single", cluster.processes.get("master")).exit_code == 1


@pytest.mark.parametrize("role", ["single", "distributed"])
def test_a_rule_that_stays_broken_stops_the_run(cluster, role):
    process = getattr(cluster, role)(
        "--cw-rule", "p50(GET /slow) < 0.01 ms, window_s=2, abort_after_s=2", *OUTPUT, run_time_s=120
    )
    cluster.wait()
    run = run_of(cluster)
    assert run["duration_s"] < 40
    assert (run["failed"], run["stopped_by"]) == (True, "p50(GET /slow) < 0.01 ms, window_s=2")
    assert "was broken for 2 s: the test stops" in process.log
    assert "stopped the run at" in run["rules"][0]["message"]
    cluster.assert_exact()
    assert process.exit_code == 3


def test_a_warning_may_stop_a_run_without_failing_it(cluster):
    """As when one looks for the load at which a service gets slow."""
    rule = "mean < 0.01 ms, abort_after_s=1, severity=warn"
    process = cluster.distributed("--cw-rule", rule, *OUTPUT, "--exit-code-on-error", "0", run_time_s=120)
    cluster.wait()
    assert (run_of(cluster)["failed"], run_of(cluster)["stopped_by"]) == (False, "mean < 0.01 ms")
    assert run_of(cluster)["verdict"]["state"] != "invalid"
    assert process.exit_code == 0
    cluster.assert_exact()


def test_a_rule_stops_the_test_and_not_the_web_ui(cluster, cloudwatch):
    web_ui = WebUi(cluster, cloudwatch, "--cw-rule", "p50(GET /slow) < 0.01 ms, abort_after_s=1", *OUTPUT)
    cluster.worker()
    web_ui.wait_for_workers(1)
    for number in (1, 2):
        web_ui.swarm(4)
        wait_until(lambda: web_ui.master.log.count("the test stops") == number, "the rule stops the test")  # noqa: B023
        web_ui.wait_for_workers(1)
    # Each run has its table before the process ends.
    wait_until(lambda: web_ui.master.log.count("✗ rules: ") == 2, "both runs are told of", deadline_s=60)
    web_ui.master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == 3
    runs = json.loads((cluster.folder / "out/rules.json").read_text())["runs"]
    assert [(run["failed"], run["stopped_by"]) for run in runs] == [(True, "p50(GET /slow) < 0.01 ms")] * 2
    assert web_ui.master.log.count("✗ rules: ") == 2
    cluster.assert_clean()


def test_a_run_that_is_stopped_by_hand_in_time_is_judged_as_any(cluster):
    """SIGTERM of a headless run without a planned end: the rules decide, and the files are written."""
    single = cluster.start(
        "single",
        [
            *(*cluster.command, "-f", cluster.bring(cluster.locustfile), "--headless", "-u", "2"),
            *("--cw-resolution", "1", "--cw-rule", "count > 10", *OUTPUT, "--exit-code-on-error", "0"),
        ],
        {},
    )
    wait_until(lambda: len(cluster.truth().requests) > 200, "some requests were made")
    single.signal(signal.SIGTERM)
    assert cluster.wait() == {"single": 0}
    (rule,) = run_of(cluster)["rules"]
    assert (rule["state"], rule["observed"]) == ("passed", len(cluster.truth().requests))


def test_a_rule_that_is_mended_in_time_stops_nothing(cluster):
    process = cluster.single("--cw-rule", "p50(GET /slow) < 0.01 ms, window_s=2, abort_after_s=60", run_time_s=5)
    cluster.wait()
    assert "the test stops" not in process.log
    assert "FAILED" in process.log


WRONG = [
    (
        "[[rule]]\ncheck = 'p95(GET /a) < 3 bananas'",
        "rules.toml: rule 1 (p95(GET /a) < 3 bananas): unit of percentile: got 'bananas', must be ms or s, or left out",
    ),
    (
        "[[rule]]\nname = 'a'\ncheck = 'p95 < 3'\n[[rule]]\nname = 'b'\ncheck = 'p95 < 3'\nwindows = 60",
        "rules.toml: rule 2 (b): got the key 'windows', must be one out of check, name,",
    ),
    ("rule = 3", "rules.toml: rule: must be tables, each with [[rule]] above it"),
    ("[[rule]\n", "rules.toml: Expected"),
    (
        "[[rule]]\ncheck = 'p95 < 3'\nwindow_s = 7",
        "rules.toml: rule 'p95 < 3 ms, window_s=7': window_s: got 7, must be a multiple of 5",
    ),
]


@pytest.mark.parametrize(("toml", "line"), WRONG)
def test_a_wrong_rule_is_one_line_and_no_load(cluster, toml, line):
    (cluster.folder / "rules.toml").write_text(toml)
    single = cluster.single("--cw-rules", "rules.toml", publishing=("--cw-resolution", "5"))
    assert cluster.wait() == {"single": 2}
    assert line in single.log + single.out
    assert len([text for text in (single.log + single.out).splitlines() if "rules.toml" in text]) == 1
    assert "Traceback" not in single.log
    assert cluster.truth().requests == []


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--cw-rules", "none.toml"), "--cw-rules: got 'none.toml', must be a file of rules that can be read"),
        (("--cw-rule", "p95 = 3"), "argument --cw-rule: got 'p95 = 3': must be a figure, a comparison"),
        (("--cw-junit", "out.xml"), "--cw-junit: got 'out.xml', must be left out, or set together with rules"),
        (("--cw-rule", "p95 < 3", "--cw-junit", "."), "--cw-junit: got '.', must be a file that can be written"),
        (
            ("--cw-rule", "p95 < 3", "--cw-rules-json", "file/x"),
            "--cw-rules-json: got 'file/x', must be a file that can",
        ),
    ],
)
def test_what_cannot_be_used_ends_the_process_before_any_load(cluster, options, line):
    (cluster.folder / "file").write_text("a file, no folder")
    single = cluster.single(*options)
    assert cluster.wait() == {"single": 2}
    assert line in single.log + single.out
    assert "Traceback" not in single.log
    assert cluster.truth().requests == []


def test_a_file_of_rules_need_not_be_on_the_workers(cluster):
    rules = cluster.folder / "rules.toml"
    rules.write_text("[[rule]]\ncheck = 'count > 0'\n")
    cluster.master("--cw-rules", str(rules), *OUTPUT, workers=1)
    cluster.worker("--cw-rules", "elsewhere.toml")
    cluster.wait()
    cluster.assert_clean()
    assert run_of(cluster)["rules"][0]["observed"] == len(cluster.truth().requests)


def test_each_run_of_a_process_is_judged_by_itself(cluster):
    script = Path(cluster.folder, "runs.py")
    script.write_text(MANY_RUNS)
    process = cluster.start("runs", [sys.executable, str(script)], {})
    assert process.wait() == 0, process.log
    runs = json.loads((cluster.folder / "rules.json").read_text())["runs"]
    assert [run["rules"][0]["observed"] for run in runs] == [1, 2, 3, 4, 5]
    assert [run["failed"] for run in runs] == [False, False, False, True, True]
    suites = ET.parse(cluster.folder / "junit.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "0", "0", "1", "1"]


MANY_RUNS = """
import gevent.monkey
gevent.monkey.patch_all()
from locust.env import Environment
import locust_cw_dist

environment = Environment(user_classes=[])
environment.create_local_runner()
settings = locust_cw_dist.Settings(
    rule=["count(/a) < 4"], resolution_s=1, junit="junit.xml", rules_json="rules.json"
)
plugin = locust_cw_dist.install(environment, settings)
for requests in range(1, 6):
    environment.events.test_start.fire(environment=environment)
    for _ in range(requests):
        environment.events.request.fire(
            request_type="GET", name="/a", response_time=5, response_length=1, exception=None, context={}
        )
    environment.events.test_stop.fire(environment=environment)
    gevent.sleep(1.1)
plugin.close()
"""
