"""The page at /cloudwatch in a real browser, with made-up states: what a real run shows only now and then."""

from __future__ import annotations

import time

import pytest

from locust_cw_dist.core.progress.ledger_words import ledger_sentence
from support.cluster.processes import wait_until
from support.live_page import SHOP, LivePageServer, change, endpoints, made_up_state
from support.pages.browser import PHONE

pytestmark = [pytest.mark.timeout(300), pytest.mark.once]

HOSTILE = "</script><img src=http://127.0.0.1:9/x onerror=\"document.title='owned'\"><b>&amp;{{ 7 * 7 }}"

NAME = "document.querySelector('#publishing .name')?.textContent"
WHY = "document.querySelector('#publishing .why').textContent"
NAMES = "[...document.querySelectorAll('#endpoints tbody th')].map(cell => cell.textContent)"
ROW = "[...document.querySelectorAll('#endpoints tbody button')].find(b => b.textContent === '{}')"
BUTTON = "[...document.querySelectorAll('#endpoints thead button')].find(b => b.textContent === '{}')"


@pytest.fixture(scope="module")
def server():
    with LivePageServer(made_up_state()) as server:
        yield server


@pytest.fixture(scope="module")
def page(browser, server):
    """The page, open for all tests of this module; each changes the state."""
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(server.address)
    browser.wait_for("document.body?.dataset.drawn")
    return browser


def ask(page):
    """Have the page ask for the state now; it would by itself within two seconds, or later while nobody answers."""
    page.value("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.fixture(autouse=True)
def _nothing_to_complain_of(page, server):
    server.state = made_up_state()
    ask(page)
    yield
    complaints, requests = list(page.complaints), list(page.requests)
    page.complaints.clear()
    page.requests.clear()
    # That is the browser's own word of an answer that a test withheld.
    assert [line for line in complaints if not line.startswith("Failed to load resource")] == []
    assert {address for address in requests if not address.startswith(server.address)} == set()


def test_all_is_drawn_with_nothing_inline(page):
    drawn = page.value("[...document.querySelectorAll('.plot')].map(plot => plot.querySelectorAll('.trace').length)")
    assert len(drawn) == 4
    assert min(drawn) >= 2
    assert page.value(NAME) == "Publishing"
    assert page.value("document.querySelector('#verdict .name').textContent") == "1 rule is broken"
    # Above, and by its sign: nobody needs to see red.
    assert page.value("document.querySelector('#rules li').textContent").startswith("✗ broken")
    # The rule on all requests is a line in the plot; the one on an endpoint is not.
    assert page.value("document.getElementById('percentiles-plot').data.map(trace => trace.name)") == [
        *("p50", "p95", "p99"),
        "p95 &lt; 300 ms",
    ]
    assert page.value("document.title") == "✗ 1 rule broken, publishing: load test"


@pytest.mark.parametrize(
    ("status", "reason", "shown"),
    [
        ("retrying", "CloudWatch not reached: Could not connect to the endpoint URL", "Retrying"),
        ("waiting for credentials", "no credentials: run aws sso login", "Waiting for credentials"),
        ("spooling", "CloudWatch not reached", "Spooling to disk"),
        ("dry run", "nothing is sent to CloudWatch", "Dry run"),
        ("off", "no service and no namespace is set", "Off"),
        ("publishing", "CloudWatch has accepted nothing yet", "Ready to publish"),
        ("publishing", None, "Publishing"),
    ],
)
def test_a_status_is_said_in_words_and_by_a_sign_of_its_own(page, server, status, reason, shown):
    since_s = time.time() - 100
    change(server, status={"name": status, "reason": reason, "since_s": since_s})
    ask(page)
    page.wait_for(f"{NAME} === '{shown}'")
    assert time.strftime("since %H:%M:%S", time.localtime(since_s)) in page.value(WHY)
    assert (reason or "") in page.value(WHY)
    # How long a person has to wait for the first good news, while a test runs.
    assert ("about 15 s after the start" in page.value(WHY)) == (shown == "Ready to publish")
    sign = page.value("document.querySelector('#publishing use').getAttribute('href')")
    assert page.value(f"document.querySelector('{sign}').tagName") == "symbol"
    # Read out when it changes, and nothing else is.
    assert page.value("[...document.querySelectorAll('[role=status], [aria-live]')].map(e => e.parentNode.id)") == [
        *("publishing", "verdict"),
    ]


def test_a_master_that_is_gone_is_said_and_found_again(page, server):
    page.wait_for(f"{NAME} === 'Publishing'")
    server.go_away()
    page.wait_for(f"{NAME} === 'No answer'")
    assert "The load test's web server does not answer since" in page.value(WHY)
    assert page.value(WHY).endswith("what you see is of then.")
    assert page.value("document.querySelectorAll('#endpoints tbody tr').length") == len(SHOP)
    server.come_back()
    ask(page)
    page.wait_for(f"{NAME} === 'Publishing'")
    server.state = None
    ask(page)
    page.wait_for(f"{NAME} === 'No state'")
    assert "answers with 503" in page.value(WHY)
    server.state = made_up_state()
    ask(page)
    page.wait_for(f"{NAME} === 'Publishing'")


def test_nothing_is_asked_for_while_nobody_looks(page, server):
    hide = "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }}); "
    event = "document.dispatchEvent(new Event('visibilitychange'))"
    page.value(hide.format("true") + event)
    page.wait_for("performance.now() > (globalThis.from ??= performance.now()) + 300")  # what was under way is over
    asked = len(server.asked)
    page.wait_for("performance.now() > from + 3500")
    assert len(server.asked) == asked
    page.value(hide.format("false") + event)
    wait_until(lambda: len(server.asked) > asked, "the page asks again")


def test_an_endpoint_that_is_chosen_is_seen_over_time(page, server):
    page.value(f"{ROW.format('POST /checkout')}.click()")
    page.wait_for("document.body.dataset.drawn === '/checkout'")
    # What was under way for all together may arrive after the first that is for it.
    wait_until(lambda: server.asked[-1] == "/checkout", "the chosen endpoint is asked for")
    assert page.value("document.getElementById('shown').textContent") == "POST /checkout"
    assert page.value("document.querySelector('#endpoints .chosen button').getAttribute('aria-pressed')") == "true"
    lines = page.value("document.getElementById('percentiles-plot').data.map(trace => trace.name)")
    assert lines[3:] == ["p95(POST /checkout) &lt; 400 ms"]
    assert page.value("location.hash").startswith("#name=%2Fcheckout&method=POST&host=")
    page.value("document.getElementById('all').click()")
    page.wait_for("document.body.dataset.drawn === 'all'")
    assert page.value("location.hash") == ""


def test_by_keyboard(page):
    page.value("document.querySelector('.skip').focus()")
    page.press("Enter", 13, "\r")
    assert page.value("document.activeElement.id") == "endpoints-title"
    page.value(f"{BUTTON.format('Max')}.focus()")
    page.press("Enter", 13, "\r")
    assert page.value(f"{BUTTON.format('Max')}.parentNode.getAttribute('aria-sort')") == "descending"
    first = f"{NAMES}[0]"
    assert page.value(first) == "POST /checkout"
    page.press("Enter", 13, "\r")
    assert page.value(first) == "GET /"
    page.press("Tab", 9)
    assert page.value("document.activeElement.tagName") == "BUTTON"
    assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_500_endpoints_and_200_workers_change_in_place(page, server):
    server.state = made_up_state(endpoints(520), workers=230)
    ask(page)
    page.wait_for("document.querySelectorAll('#endpoints tbody tr').length === 500")
    assert (
        page.value("document.getElementById('endpoints-note').textContent")
        == "20 endpoints with fewer requests are not shown."
    )
    assert page.value("document.querySelectorAll('#workers tbody tr').length") == 200
    page.value("document.getElementById('search').value = 'BILLING'")
    page.value("document.getElementById('search').dispatchEvent(new Event('input'))")
    visible = page.value("[...document.querySelectorAll('#endpoints tbody tr')].filter(row => !row.hidden).length")
    assert 50 < visible < 200
    assert page.value("document.getElementById('endpoints-count').textContent") == f"{visible} of 500"
    page.value("document.getElementById('search').value = ''")
    page.value("document.getElementById('search').dispatchEvent(new Event('input'))")
    # Focus in a row, a selection, and a table that is scrolled: all of it is as it was when other numbers have come.
    page.value(f"{BUTTON.format('Endpoint')}.click()")
    page.value(
        "globalThis.row = document.querySelectorAll('#endpoints tbody tr')[250]; row.querySelector('button').focus()"
    )
    page.value("document.querySelector('#endpoints').parentNode.scrollTop = 3000")
    page.value("getSelection().selectAllChildren(document.querySelectorAll('#endpoints tbody th')[251])")
    before = page.value(
        "[row.rowIndex, document.querySelector('#endpoints').parentNode.scrollTop, String(getSelection())]"
    )
    assert before[1:] != [0, ""]
    numbers = "[...row.cells].map(cell => cell.textContent).join()"
    old = page.value(numbers)
    more = [(method, name, rate * 3, median, ratio) for method, name, rate, median, ratio in endpoints(520)]
    server.state = made_up_state(more, workers=230)
    page.wait_for(f"{numbers} !== {old!r}")
    now = page.value(
        "[row.rowIndex, document.querySelector('#endpoints').parentNode.scrollTop, String(getSelection())]"
    )
    assert now == before
    assert page.value("row.contains(document.activeElement)")
    page.value("document.activeElement.blur(); getSelection().empty()")


def test_hostile_names_are_text(page, server):
    state = made_up_state([(HOSTILE, HOSTILE, 3.0, 20.0, 0.5), *SHOP])
    state["run"] |= {"host": HOSTILE, "run_id": HOSTILE, "labels": {HOSTILE: HOSTILE}}
    state["status"]["reason"] = HOSTILE
    state["warnings"] = [{"time_s": state["now_s"], "text": HOSTILE}]
    state["workers"][0] |= {"id": HOSTILE, "state": HOSTILE, "clock_offset_s": -1e-7}
    state["destination"] |= {"namespace": HOSTILE, "console_url": "javascript:alert(1)", "dashboard_url": None}
    for rule in state["rules"]:
        rule |= {"name": HOSTILE, "text": f"p95 < 3 ms {HOSTILE}", "message": HOSTILE}
    for failure in state["failures"]:
        failure["reason"] = HOSTILE
    server.state = state
    ask(page)
    page.wait_for(f"{NAMES}.includes({HOSTILE + ' ' + HOSTILE!r})")
    page.value(
        "[...document.querySelectorAll('#endpoints tbody button')].find(b => b.textContent.includes('owned')).click()"
    )
    page.wait_for("document.getElementById('shown').textContent.includes('owned')")
    page.value("document.getElementById('all').click()")
    assert page.value("document.querySelectorAll('img, b b, main script').length") == 0
    assert "owned" not in page.value("document.title")
    assert not page.value(
        "[...document.querySelectorAll('#workers td')].some(cell => /^-0[.0]*$/.test(cell.textContent))"
    )
    assert page.value("document.getElementById('console').hidden && document.getElementById('dashboard').hidden")
    assert HOSTILE in page.value("document.getElementById('failures').textContent")


def test_a_phone_scrolls_down_and_not_sideways(page, server):
    server.state = made_up_state([("GET", f"/{'x' * 300}", 3.0, 20.0, 0.5), *SHOP])
    page.open(server.address, PHONE)
    page.wait_for("document.body?.dataset.drawn")
    assert page.value("document.documentElement.scrollWidth") <= PHONE[0]
    page.open(server.address)
    page.wait_for("document.body?.dataset.drawn")


def test_before_the_first_run_each_part_says_why_it_is_empty(page, server):
    nothing = made_up_state([], workers=0, windows=0)
    zeros = {key: {} if isinstance(value, dict) else 0 for key, value in nothing["ledger"].items()}
    none = {"requests": 0, "failures": 0, "untimed": 0, "start_s": 0, "duration_s": 0, "requests_per_s": None}
    none |= dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "max_ms"))
    nothing["total"] |= {"last": None, "run": none, "locust": None}
    change(server, **{**nothing, "run": None, "ledger": zeros, "rules": [], "warnings": [], "failures": []})
    page.wait_for("document.querySelector('#load .name').textContent === 'No test yet'")
    text = page.value("document.querySelector('main').innerText")
    for line in (
        "No results yet.",
        'No rules. Start Locust with --cw-rule "p95 < 300 ms"',
        "No warnings.",
        "No endpoints yet.",
        "No failures.",
        "No workers are connected.",
        "no data yet",
    ):
        assert line in text
    assert "NaN" not in text
    assert "undefined" not in text


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("publishing", {"recorded": 12_360, "published": 12_340, "pending": 20}),
        ("publishing", {"recorded": 1, "published": 1}),
        ("publishing", {"recorded": 12_360, "published": 12_360}),
        (
            "spooling",
            {"recorded": 5_000, "published": 4_000, "spooled": 900, "lost": 60, "dropped": {"a": 60, "b": 40}},
        ),
        ("dry run", {"recorded": 12_360, "published": 12_340, "pending": 20}),
        # What is called published there went nowhere.
        ("off", {"recorded": 3, "published": 3}),
        ("publishing", {}),
    ],
)
def test_the_ledger_is_the_same_sentence_on_all_pages(page, server, status, counts):
    ledger = dict.fromkeys(("recorded", "published", "pending", "spooled", "late", "lost", "doubtful"), 0)
    ledger |= {"dropped": {}, "untimed": {}, **counts}
    destination = server.state["destination"] | ({"namespace": None} if status == "off" else {})
    status_now = {"name": status, "reason": None, "since_s": time.time()}
    change(server, ledger=ledger, status=status_now, destination=destination)
    ask(page)
    sentence = ledger_sentence(ledger, status)
    page.wait_for(f"document.querySelector('#ledger p').textContent === {sentence!r}")
    widths = page.value(
        "[...document.querySelectorAll('#ledger rect')].map(part => Number(part.getAttribute('width')))"
    )
    assert sum(widths) == pytest.approx(100 if ledger["recorded"] and status != "off" else 0)
