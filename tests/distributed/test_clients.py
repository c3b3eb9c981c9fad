"""Whatever users do their requests with: Locust's clients, pytest functions, and clients that fire anything."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import pytest

from locust_cw_dist.live.records.record_file import read_file
from support.cluster.figures import assert_equal, by_endpoint

HAS_PYTEST_USERS = importlib.util.find_spec("pytest_locust") is not None


FAILING = {
    "requests /broken",
    "requests checked",
    "requests no connection",
    "measured failure",
    "fast /broken",
    "fast checked",
}
SUCCEEDING = {"requests /fast", "requests expected", "measured", "fast /fast", "elsewhere"}


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_locusts_own_clients(cluster, target, monkeypatch, role):
    monkeypatch.setenv("OTHER_TARGET", target.replace("127.0.0.1", "localhost"))
    cluster.locustfile = "http_clients.py,plugin.py"
    getattr(cluster, role)("--host", target, users=12, run_time_s=8)
    cluster.wait()
    endpoints = by_endpoint(cluster.truth().requests)
    assert {name for name, _ in endpoints} == FAILING | SUCCEEDING
    for (name, _), figures in endpoints.items():
        assert figures.failures == (figures.requests if name in FAILING else 0), name
    cluster.assert_exact()
    # Of the command line, not of the users or their URLs.
    assert cluster.published().hosts == {target}


def test_users_with_hosts_of_their_own(cluster, target, monkeypatch):
    monkeypatch.setenv("OTHER_TARGET", target)
    cluster.locustfile = "http_clients.py,plugin.py"
    cluster.distributed("Elsewhere", run_time_s=2)
    cluster.wait()
    cluster.assert_exact()
    assert set(cluster.published().endpoints) == {("elsewhere", "GET")}
    assert cluster.published().hosts == {"-"}


@pytest.mark.skipif(not HAS_PYTEST_USERS, reason="this version of Locust has no pytest-style locustfiles")
@pytest.mark.parametrize("role", ["distributed", "single"])
def test_pytest_style_locustfiles(cluster, target, role):
    cluster.locustfile = "test_pages.py,plugin.py"
    getattr(cluster, role)("--host", target, run_time_s=2)
    cluster.wait()
    endpoints = by_endpoint(cluster.truth().requests)
    assert {name for name, _ in endpoints} == {
        "requests /fast", "requests /broken", "requests checked", "fast /fast"
    }  # fmt: skip
    assert endpoints["requests checked", "GET"].failures == endpoints["requests checked", "GET"].requests
    cluster.assert_exact()


PUBLISHED_NAMES = {
    None: "(unnamed)",
    "": "(unnamed)",
    "größe €": r"gr\xf6\xdfe \u20ac",
    "back\\slash": r"back\\slash",
    "lone \ud800": r"lone \ud800",
}


def as_published(request):
    name = PUBLISHED_NAMES.get(request.name, request.name)
    return replace(request, name=name, method=request.method or "(unnamed)")


def cut_long_name(requests, published):
    """The one name of over 1,024 characters is published with its beginning and a hash; put that in its place."""
    (long,) = {name for name, _ in published.endpoints if len(name) == 1024}
    assert re.fullmatch("/x{1006}~[0-9a-f]{16}", long)
    return [replace(request, name=long) if len(request.name) > 1024 else request for request in requests]


@pytest.mark.parametrize("role", ["distributed", "single"])
def test_clients_that_fire_anything(cluster, role):
    cluster.locustfile = "garbage.py,plugin.py"
    # Locust's own code is 2: its listener can't add a text to a time.
    rules = ("--cw-rule", "failure_ratio(GET no time) < 50 %", "--cw-rule", "failure_ratio(GET no time at all) < 1 %")
    getattr(cluster, role)(*rules, "--cw-record", "records", run_time_s=2, users=4)
    cluster.wait()
    truth, summary, published = cluster.truth(), cluster.summary(), cluster.published()
    rounds = sum(request.name == "plain" for request in truth.requests)
    assert summary["untimed"] == {
        "response_time missing": 4 * rounds,
        "response_time negative": rounds,
        "response_time not finite": 3 * rounds,
        "response_time not a number": rounds,
        "response_time above 24 h": rounds,
        "response_time unreadable": rounds,
    }
    assert sum(summary["untimed"].values()) == sum(not request.is_timed for request in truth.requests)
    assert (summary["complete"], summary["dropped"]) == (True, {})
    assert summary["recorded"] == summary["published"] == len(truth.requests)
    log = next(iter(cluster.processes.values())).log
    assert f"50 % of {2 * rounds} requests" in log
    assert f"100 % of {rounds} requests" in log
    assert f"{4 * rounds} counted without a response time: response_time missing" in log
    record = read_file(next((cluster.folder / "records").glob("*.cwrecord")))
    assert record.untimed_count() == sum(summary["untimed"].values())
    assert record.endpoints()["no time at all", "GET"].failure_count == rounds
    cluster.assert_balanced()
    expected = [as_published(request) for request in truth.requests]
    assert_equal(cut_long_name(expected, published), published)


def test_clients_that_fire_from_native_threads(cluster):
    cluster.locustfile = "native_threads.py,plugin.py"
    cluster.single(run_time_s=4, users=2)
    cluster.wait()
    assert cluster.summary()["recorded"] == 2 * 3 * 5_000
    cluster.assert_exact()
