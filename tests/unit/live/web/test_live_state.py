"""The state on Locust's own web server, and the tab in its web UI: a real single process, asked without a socket."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import flask
import pytest
from locust.argument_parser import get_parser
from locust.env import Environment

import locust_cw_dist
from locust_cw_dist.live.web import locust_tab
from locust_cw_dist.live.web.locust_tab import extended
from locust_cw_dist.testing import RecordingClient
from support.cluster.processes import wait_until

STATE = "/cloudwatch/state.json"


def test_before_any_run_there_is_a_state(site):
    state = site.state()
    assert (state["version"], state["run"], state["endpoints"], state["total"]["run"]["requests"]) == (1, None, [], 0)
    assert state["status"]["name"] == "publishing"
    assert state["is_open"]


def test_results_are_seen_once_their_window_has_closed(site):
    site.start()
    for _ in range(30):
        site.fire()
    site.fire(exception=ValueError("no gold"))
    site.wait_for(lambda state: state["ledger"]["published"] == 31, "all is published")
    state = site.state()
    (row,) = state["endpoints"]
    assert (row["name"], row["method"], row["run"]["requests"], row["run"]["failures"]) == ("/a", "GET", 31, 1)
    assert row["run"]["p95_ms"] == pytest.approx(20.0, rel=0.01)
    assert row["locust"]["requests"] == 31
    assert state["failures"] == [{"name": "/a", "method": "GET", "reason": "ValueError: no gold", "count": 1}]
    assert [worker["id"] for worker in state["workers"]] == ["local"]
    assert state["spending"]["datums"] > 0
    assert sum(state["series"]["requests"]) == 31
    one = site.state(name="/a", method="GET", host="-")["series"]
    assert (one["name"], sum(one["requests"])) == ("/a", 31)


def test_a_second_run_starts_anew_and_what_comes_late_for_the_first_stays_out(site):
    site.start()
    for _ in range(5):
        site.fire("/first")
    site.wait_for(lambda state: state["total"]["run"]["requests"] == 5, "the first run is seen")
    first = site.state()["run"]["run_id"]
    # Not handed over yet when the next run begins.
    site.fire("/first")
    site.stop()
    site.start()
    site.fire("/second")
    site.wait_for(lambda state: state["total"]["run"]["requests"] > 0, "the second run is seen")
    state = site.state()
    assert state["run"]["run_id"] != first
    assert [row["name"] for row in state["endpoints"]] == ["/second"]
    assert (state["ledger"]["recorded"], state["total"]["run"]["requests"]) == (1, 1)


def test_rules_wait_before_the_start_and_say_what_they_saw(make_site):
    site = make_site(rule=("p95 < 5 ms", "rps > 0.01, window_s=300"))
    assert [rule["state"] for rule in site.state()["rules"]] == ["waiting", "waiting"]
    site.start()
    site.fire()
    site.wait_for(lambda state: state["rules"][0]["state"] == "broken", "the rule is broken")
    rule = site.state()["rules"][0]
    assert (rule["observed"], rule["limit"], rule["unit"], rule["metric"]) == (
        pytest.approx(20, rel=0.01),
        5,
        "ms",
        "p95",
    )


@pytest.mark.parametrize(("endpoint", "links"), [(None, 2), ("http://127.0.0.1:4582", 0)])
def test_links_lead_to_the_console_that_shows_the_run_or_nowhere(make_site, endpoint, links):
    site = make_site(region="eu-west-1", endpoint_url=endpoint)
    site.start()
    where = site.state()["destination"]
    assert sum("eu-west-1.console.aws" in (where[key] or "") for key in ("console_url", "dashboard_url")) == links


def test_the_last_warnings_are_kept_without_prefix(site):
    logger = logging.getLogger("locust_cw_dist")
    logger.info("locust-cw: all is well")
    for number in range(25):
        logger.warning("locust-cw: thing %d", number)
    texts = [line["text"] for line in site.state()["warnings"]]
    assert texts == [f"thing {number}" for number in range(5, 25)]


def test_a_state_that_was_seen_is_not_sent_again(site):
    answer = site.web.get(STATE)
    assert answer.headers["Cache-Control"] == "no-store", "no browser keeps it on its disk, past a login"
    tag = answer.headers["ETag"]
    assert site.web.get(STATE, headers={"If-None-Match": tag}).status_code == 304
    wait_until(
        lambda: site.web.get(STATE, headers={"If-None-Match": tag}).status_code == 200, "a second later it is another"
    )


def test_with_a_login_strangers_see_nothing(make_site):
    site = make_site(login=True)
    answer = site.web.get(STATE)
    assert answer.status_code in {302, 401}
    assert b"status" not in answer.data


def test_below_the_base_path(make_site):
    try:
        site = make_site(base_path="/load")
    except TypeError:
        pytest.skip("this Locust has no --web-base-path")
    assert site.web.get(STATE).status_code == 404
    assert site.web.get(f"/load{STATE}").get_json()["version"] == 1
    assert "extended_stats" in site.web.get("/load/stats/requests").get_json()


def test_after_close_nothing_is_left(site):
    site.plugin.close(timeout_s=5)
    assert site.web.get(STATE).status_code == 404
    assert "extended_stats" not in site.web.get("/stats/requests").get_json()
    assert not site.web_ui.template_args["extended_tabs"]
    handlers = logging.getLogger("locust_cw_dist").handlers
    assert not [handler for handler in handlers if type(handler).__name__ == "WarningLines"]


def test_a_second_install_answers_again(site):
    site.plugin.close(timeout_s=5)
    site.plugin = locust_cw_dist.install(
        site.environment, locust_cw_dist.Settings(service="again"), client=RecordingClient()
    )
    assert site.state()["destination"]["namespace"] == "perf/again/loadtests"


def test_where_the_web_ui_has_answered_before_it_says_what_is_missing(caplog):
    environment = Environment(parsed_options=get_parser().parse_args([]))
    environment.create_local_runner()
    web_ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
    web_ui.app.test_client().get("/stats/requests")
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(service="x"), client=RecordingClient())
    assert "has answered before the plugin was installed" in caplog.text
    plugin.close(timeout_s=5)


# -- Locust's own pages


def test_locusts_answer_has_our_table_and_all_of_its_own(site):
    site.start()
    site.fire("/<script>alert(1)</script>")
    site.wait_for(lambda state: state["endpoints"], "the endpoint is seen")
    for _ in range(2):  # Locust keeps its answer for two seconds, and gives it again
        answer = site.web.get("/stats/requests")
        document = answer.get_json()
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        (ours,) = document.pop("extended_stats")
        assert ours["key"] == "cloudwatch"
        assert "/<script>alert(1)</script>" in [line["subject"] for line in ours["data"]]
        assert document["stats"]
    (tab,) = site.web_ui.template_args["extended_tabs"]
    (table,) = site.web_ui.template_args["extended_tables"]
    assert tab == {"title": "CloudWatch", "key": "cloudwatch"}
    assert table["structure"][0] == {"key": "kind", "title": "What"}


def test_an_error_of_ours_leaves_locusts_pages_as_they_are(site, monkeypatch, caplog):
    watch = site.plugin._publishing._progress_watch
    with monkeypatch.context() as patched:
        patched.setattr(watch, "progress", lambda: 1 / 0)
        answer = site.web.get("/stats/requests")
        assert answer.status_code == 200
        assert answer.get_json().keys() == set(json.loads(answer.data))
        assert "extended_stats" not in answer.get_json()
        assert site.web.get(STATE).status_code == 500
    assert caplog.text.count("could not fill the tab") == 1
    assert site.state()["version"] == 1


@pytest.mark.parametrize("path", ["/", "/exceptions", "/nothing-here", "/stats/requests/csv"])
def test_other_pages_are_not_touched(site, monkeypatch, path):
    monkeypatch.setattr(locust_tab, "extended", lambda *_: 1 / 0)
    plain = Environment(parsed_options=get_parser().parse_args([]))
    plain.create_local_runner()
    theirs = plain.create_web_ui("127.0.0.1", 0, delayed_start=True).app.test_client().get(path)
    assert site.web.get(path).status_code == theirs.status_code


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '"x"'])
def test_what_is_no_answer_of_locusts_is_not_touched(text):
    assert extended(text, "[]") is None


def test_another_plugins_table_stays():
    with flask.Flask("x").app_context():
        theirs = (
            '{"stats": [], "extended_stats": [{"key": "theirs", "data": [1]}, {"key": "cloudwatch", "data": []}]}\n'
        )
        assert json.loads(extended(theirs, '[{"a":1}]'))["extended_stats"] == [
            {"key": "theirs", "data": [1]},
            {"key": "cloudwatch", "data": [{"a": 1}]},
        ]


def test_another_plugins_tab_stays():
    link = SimpleNamespace(base_path="", template_args={"extended_tabs": [{"key": "theirs"}]})
    link.add_answer_listener = lambda _: None
    link.remove_answer_listener = lambda _: None
    tab = locust_tab.LocustTab(link, None, None)
    tab.attach()
    assert [one["key"] for one in link.template_args["extended_tabs"]] == ["theirs", "cloudwatch"]
    tab.detach()
    assert link.template_args == {"extended_tabs": [{"key": "theirs"}], "extended_tables": []}


@pytest.mark.parametrize("path", [STATE, "/cloudwatch"])
def test_pages_of_other_web_sites_cannot_read_ours(site, path):
    """Locust allows every origin, and a browser inside the network can be shown any page."""
    answer = site.web.get(path, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
