"""The state of a run on the web server of a real master with two workers, asked for over HTTP."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from importlib.metadata import version

import pytest
from locust.env import Environment

from support.cluster.processes import wait_until
from support.cluster.web import WebUi

FORM_KEEPS_NOTHING = version("locust").startswith("2.32.")
"""The web form of Locust 2.32 writes no option that had no value before."""


@pytest.fixture
def make_web_ui(cluster, cloudwatch):
    def make(*args, **options):
        web_ui = WebUi(cluster, cloudwatch, *args, **options)
        for _ in range(2):
            cluster.worker()
        web_ui.wait_for_workers(2)
        return web_ui

    yield make
    cloudwatch.clear_faults()


def by_name(requests):
    return Counter((one.name, one.method) for one in requests)


def status_is(web_ui, name):
    wait_until(lambda: web_ui.live_state()["status"]["name"] == name, f"the status is {name}")


def test_counts_equal_the_truth_and_the_status_follows_cloudwatch(make_web_ui, cluster, cloudwatch):
    web_ui = make_web_ui("--cw-rule", "count > 0", "--cw-rule", "p95 < 0.001 ms")
    before = web_ui.live_state()
    assert (before["run"], before["is_open"]) == (None, True)
    assert {worker["state"] for worker in before["workers"]} == {"ready"}

    page = web_ui.open("/")[1].decode()
    assert set(re.findall(r'"(cw_\w+)":', page)) == {"cw_label"}
    assert "Labels of this run: branch=main,commit=4f2a" in page
    assert '"extended_tabs"' in page

    web_ui.swarm(8, cw_label="branch=main")
    wait_until(lambda: web_ui.live_state()["status"]["reason"] is None, "CloudWatch has accepted a window")
    cloudwatch.faults("reset")
    status_is(web_ui, "retrying")
    during = web_ui.live_state()
    assert during["status"]["reason"]
    assert during["status"]["since_s"] <= during["now_s"]
    assert during["run"]["labels"] == ({} if FORM_KEEPS_NOTHING else {"branch": "main"})
    assert any("retrying" in line["text"] for line in during["warnings"])
    cloudwatch.clear_faults()
    status_is(web_ui, "publishing")
    # Since the recovery, and not since the start.
    assert web_ui.live_state()["status"]["since_s"] > during["status"]["since_s"]

    table = web_ui.live_table()
    assert [line["subject"] for line in table if line["kind"] == "endpoint"]
    web_ui.stop()
    wait_until(lambda: web_ui.live_state()["ledger"]["published"] == len(cluster.truth().requests), "all is published")
    state = web_ui.live_state()
    truth = cluster.truth().requests
    assert {(row["name"], row["method"]): row["run"]["requests"] for row in state["endpoints"]} == by_name(truth)
    assert state["total"]["run"]["requests"] == len(truth) == sum(state["series"]["requests"])
    assert {worker["state"] for worker in state["workers"]} <= {"ready", "connected", "stopped"}
    assert all(worker["clock_offset_s"] is not None for worker in state["workers"])
    assert [rule["state"] for rule in state["rules"]] == ["passed", "broken"]
    assert not state["run"]["is_running"]
    assert state["destination"]["region"]
    assert state["destination"]["console_url"] is None, "AWS's console has nothing of a local CloudWatch"
    first_run_id = state["run"]["run_id"]

    web_ui.wait_for_workers(2)
    web_ui.swarm(2)
    wait_until(lambda: web_ui.live_state()["run"]["run_id"] != first_run_id, "there is a second run")
    assert web_ui.live_state()["ledger"]["recorded"] < len(truth)
    web_ui.stop()


def test_a_worker_that_is_killed_is_missing(make_web_ui, cluster):
    web_ui = make_web_ui()
    web_ui.swarm(4)
    web_ui.wait_for_users(4)
    cluster.processes["worker-1"].kill()
    wait_until(
        lambda: [worker["state"] for worker in web_ui.live_state()["workers"]] == ["missing", "running"],
        "one of them is missing",
    )


def test_a_login_keeps_strangers_out(cluster, cloudwatch):
    cluster.also.append("web_login.py")
    web_ui = WebUi(cluster, cloudwatch, "--web-login")
    wait_until(lambda: _is_up(web_ui), "the web server answers")
    for path in ("/cloudwatch/state.json", "/stats/requests"):
        status, body, address = web_ui.open(path)
        assert "/login" in address or status == 401
        assert b"spending" not in body
        assert b"extended_stats" not in body


@pytest.mark.skipif(
    "web_base_path" not in inspect.signature(Environment.create_web_ui).parameters,
    reason="this Locust has no --web-base-path",
)
def test_it_stands_below_the_base_path(make_web_ui):
    web_ui = make_web_ui(base_path="/load")
    web_ui.swarm(2)
    wait_until(lambda: web_ui.live_state()["endpoints"], "there are endpoints")
    assert web_ui.live_table()
    assert json.loads(web_ui.open("/cloudwatch/state.json")[1])["version"] == 1


def _is_up(web_ui):
    try:
        return web_ui.open("/login")[0] == 200
    except OSError:
        return False
