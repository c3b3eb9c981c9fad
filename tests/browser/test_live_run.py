"""The page at /cloudwatch of a real master with two workers, from Locust's own form to a second run."""

from __future__ import annotations

import re

import pytest

from support.cluster.processes import wait_until
from support.cluster.web import WebUi

pytestmark = [pytest.mark.timeout(300), pytest.mark.once]

NAME = "document.querySelector('#publishing .name')?.textContent"
LOAD = "document.querySelector('#load .name')?.textContent"
LEDGER = "document.querySelector('#ledger p')?.textContent ?? ''"
REQUESTS = "Number(document.querySelector('#rate .note').textContent.replace(/\\D/g, ''))"
RUN = "document.querySelector('#labels .badge').textContent"
NAMES = "[...document.querySelectorAll('#endpoints tbody th')].map(cell => cell.textContent)"
STATES = "[...document.querySelectorAll('#workers tbody td:nth-child(2)')].map(cell => cell.textContent)"

TAB = "[...document.querySelectorAll('[role=tab]')].find(tab => tab.textContent === 'CloudWatch')"
TAB_CELLS = "[...document.querySelectorAll('td')].map(cell => cell.textContent)"

ENDPOINTS = {"GET /fast", "GET /slow", "POST /orders", "GET /zero"}

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def live(browser, cluster, cloudwatch):
    """The web UI of a master with two workers, under a base path, with a rule that holds and one that can't."""
    # The page of an earlier test would go on to ask for its state.
    browser.open("about:blank")
    browser.complaints.clear()
    browser.requests.clear()
    rules = ("--cw-rule", "p99 < 10000 ms", "--cw-rule", "p95(GET /slow) < 1 ms")
    live = WebUi(cluster, cloudwatch, *rules, "--cw-label", f"branch={HOSTILE}", base_path="/load")
    for _ in range(2):
        cluster.worker()
    live.wait_for_workers(2)
    yield live
    # What the browser asks for comes from this machine and port, Locust's own page included.
    assert {address for address in browser.requests if not address.startswith(f"{live.address}/")} == set()
    assert browser.complaints == []


def start_by_form(browser, live):
    """Start a run as a person does, in Locust's own form, then look at the page."""
    browser.open(f"{live.address}/")
    browser.wait_for("document.querySelector('form [type=submit]')")
    for field in ("userCount", "spawnRate"):
        browser.type(f"[name={field}]", "6")
    browser.value("document.querySelector('form [type=submit]').click()")
    live.wait_for_users(6)


def look(browser, live):
    browser.open(f"{live.address}/cloudwatch")
    browser.wait_for(NAME)


def test_from_the_form_to_a_second_run(browser, cluster, cloudwatch, live, screenshots):
    look(browser, live)
    browser.wait_for(f"{LOAD} === 'No test yet'")
    assert browser.value(NAME) == "Ready to publish"
    assert "everyone who reaches this port" in browser.value("document.getElementById('who-sees').textContent")

    start_by_form(browser, live)
    browser.wait_for(TAB)
    browser.value(f"{TAB}.click()")
    browser.wait_for(f"{TAB_CELLS}.includes('/orders')")
    # Locust sorts tables: what matters most is at the top all the same.
    assert browser.value(f"{TAB_CELLS}[0]") == "publishing"

    look(browser, live)
    browser.wait_for(f"{NAME} === 'Publishing' && {LOAD} === 'Test runs'")
    browser.wait_for(f"new Set({NAMES}).size === {len(ENDPOINTS)}")
    assert set(browser.value(NAMES)) == ENDPOINTS
    browser.wait_for("document.body.dataset.drawn")
    before = browser.value(REQUESTS)
    browser.wait_for(f"{REQUESTS} > {before}")
    browser.wait_for("document.querySelector('#verdict .name').textContent === '1 rule is broken'")
    assert HOSTILE in browser.value("document.getElementById('labels').textContent")
    assert browser.value("document.querySelectorAll('img').length") == 0
    browser.screenshot(screenshots / "live.png")

    cloudwatch.faults("server_error", status=503)
    browser.wait_for(f"['Retrying', 'Spooling to disk'].includes({NAME})")
    assert "since" in browser.value("document.querySelector('#publishing .why').textContent")
    cloudwatch.clear_faults()
    browser.wait_for(f"{NAME} === 'Publishing'")

    live.stop()
    browser.wait_for(f"{LOAD} === 'Test stopped'")
    assert_all_there(browser, cluster)

    first = browser.value(RUN)
    live.swarm(4)
    browser.wait_for(f"{LOAD} === 'Test runs' && {RUN} !== {first!r} && {REQUESTS} > 0")
    cluster.processes["worker-2"].kill()
    browser.wait_for(f"{STATES}.includes('missing')")
    live.stop()
    browser.wait_for(f"{LOAD} === 'Test stopped'")


def assert_all_there(browser, cluster):
    """Assert that the page says, as soon as all has arrived, what users did: all of it, and endpoint by endpoint."""
    browser.wait_for(f"({LEDGER}).startsWith('All ')")
    requests = cluster.truth().requests
    wait_until(lambda: browser.value(REQUESTS) == len(requests), "the page shows all requests")
    assert browser.value(LEDGER) == f"All {len(requests):,} results are in CloudWatch, none lost."
    rows = (
        "[...document.querySelectorAll('#endpoints tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    shown = {row[0]: int(row[6].replace(",", "")) for row in browser.value(rows)}
    truth = [f"{request.method} {request.name}" for request in requests]
    assert shown == {name: truth.count(name) for name in ENDPOINTS}
    failed = sum(request.failed for request in requests)
    assert browser.value("document.querySelector('#failures-share .note').textContent").startswith(f"{failed:,} in all")


def test_with_a_login_the_page_is_closed_to_strangers(browser, cluster, cloudwatch):
    cluster.locustfile = "shopper.py,plugin.py,web_login.py"
    live = WebUi(cluster, cloudwatch, "--web-login")
    live.master.wait_for_log("Starting web interface")
    for path in ("", "/", "/state.json", "/assets/0/live.js"):
        browser.open(f"{live.address}/cloudwatch{path}")
        browser.wait_for("location.pathname === '/login'")
    browser.complaints.clear()
    browser.open(f"{live.address}/let-me-in")
    browser.wait_for(f"{NAME} === 'Ready to publish'")
    assert re.search("whoever has a login", browser.value("document.getElementById('who-sees').textContent"))
    # The login of an open page ends: it says so.
    browser.forget_logins()
    browser.wait_for(f"{NAME} === 'Log in again'")
    assert browser.complaints == []
