"""The pages in a real browser: every plot drawn, nothing on the console, nothing asked of the network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locust_cw_dist.tools.cli.main import main
from support.pages.browser import DESKTOP, PHONE
from support.records.records import SHOP, Simulation, Traffic

# One browser for all.
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

REPORT_PLOTS = {"throughput": 3, "percentiles": 4, "heat": 1, "reasons": 3, "distribution": 2, "spectrum": 1, "load": 3}
COMPARE_PLOTS = {"throughput": 3, "percentiles": 6, "distribution": 3, "spectrum": 3, "reasons": 3}

DRAWN = """Object.fromEntries([...document.querySelectorAll('.plot')].map(
    p => [p.id, p.querySelectorAll('.trace').length + p.querySelectorAll('.hm').length]))"""
VIEWS = [("light", DESKTOP, False), ("dark", DESKTOP, True), ("phone", PHONE, False), ("phone-dark", PHONE, True)]


@pytest.fixture(autouse=True)
def _nothing_to_complain_of(browser):
    browser.complaints.clear()
    browser.requests.clear()
    yield
    assert browser.complaints == []
    assert browser.requests == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report and a comparison of simulated runs, with rules, a ramp, failures and a slower endpoint."""
    folder = tmp_path_factory.mktemp("pages")
    outcome = {
        "verdict": {"state": "suspect", "reasons": ["worker locust-worker-2 was at 93 % CPU"]},
        "rules": [
            {"rule": "p95 < 300 ms", "state": "failed", "observed": 479.2},
            {"rule": "failures < 1 %", "state": "passed", "observed": 0.42},
        ],
    }
    slower = SHOP | {("/checkout", "POST"): replace(SHOP["/checkout", "POST"], median_ms=270, failure_ratio=0.08)}
    first, second, third = (
        str(Simulation(ramp_windows=6, **fields).write(folder))
        for fields in ({"seed": 1, "outcome": outcome}, {"seed": 3}, {"seed": 9, "traffic": slower})
    )
    assert main(["report", first, "-o", str(folder / "report.html")]) == 0
    assert main(["compare", first, second, third, "--warm-up", "60", "--html", str(folder / "compare.html")]) == 0
    return folder


@pytest.mark.parametrize(("view", "size", "dark"), VIEWS, ids=[view[0] for view in VIEWS])
@pytest.mark.parametrize(("name", "plots"), [("report", REPORT_PLOTS), ("compare", COMPARE_PLOTS)])
def test_every_plot_is_drawn(browser, pages, screenshots, name, plots, view, size, dark):
    browser.show(pages / f"{name}.html", size, dark=dark)
    browser.screenshot(screenshots / f"{name}-{view}.png")
    drawn = browser.value(DRAWN)
    for plot, traces in plots.items():
        # Bars and a line that is also an area are more than one element.
        assert drawn[plot] >= traces, (plot, drawn)
    # It scrolls down and not sideways.
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    red, *_ = map(int, browser.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"))
    assert (red < 60) == dark


def test_the_colours_follow_the_system_while_the_page_is_open(browser, pages):
    browser.show(pages / "report.html")
    ink = "document.querySelector('#percentiles .xtick text').style.fill"
    light = browser.value(ink)
    browser.use_scheme(dark=True)
    browser.wait_for(f"{ink} !== '{light}'")


def test_another_endpoint_can_be_chosen(browser, pages):
    browser.show(pages / "report.html")
    chosen = "document.getElementById('subject').value"
    browser.value(
        "(s => { s.selectedIndex = 5; s.dispatchEvent(new Event('change')); })(document.getElementById('subject'))"
    )
    assert browser.value(chosen) == browser.value("document.body.dataset.drawn") == "POST /checkout"
    browser.value(
        "(s => { s.selectedIndex = 1; s.dispatchEvent(new Event('change')); })(document.getElementById('subject'))"
    )
    assert browser.value("document.getElementById('reasons').textContent") == "no failures"
    browser.value(
        "(s => { s.selectedIndex = 0; s.dispatchEvent(new Event('change')); })(document.getElementById('subject'))"
    )
    assert browser.value(DRAWN)["reasons"] >= 3


def test_the_scale_of_times_can_be_logarithmic(browser, pages):
    browser.show(pages / "report.html")
    browser.value("document.getElementById('log').click()")
    types = "['percentiles', 'spectrum'].map(id => document.getElementById(id)._fullLayout.yaxis.type)"
    assert browser.value(types) == ["log", "log"]
    assert browser.value("document.getElementById('distribution')._fullLayout.xaxis.type") == "log"
    ticks = "[...document.querySelectorAll('#percentiles .ytick text')].map(tick => tick.textContent)"
    assert {"50 ms", "100 ms", "200 ms", "500 ms"} <= set(browser.value(ticks))


def test_several_endpoints_are_drawn_beside_each_other(browser, pages):
    browser.show(pages / "report.html")
    choose = "(s => { s.selectedIndex = %d; s.dispatchEvent(new Event('change')); })(document.getElementById('%s'))"
    browser.value(choose % (1, "subject"))
    for number in (3, 4, 3):
        browser.value(choose % (number, "beside"))
    chips = "[...document.querySelectorAll('#chosen button')].map(chip => chip.textContent)"
    assert browser.value(chips) == ["GET /items/{id}", "GET /search"]
    assert browser.value(DRAWN)["spectrum"] == 3
    assert browser.value(DRAWN)["percentiles"] == 6
    browser.value("document.querySelector('#chosen button').click()")
    assert browser.value(chips) == ["GET /search"]
    assert browser.value(DRAWN)["spectrum"] == 2


def test_plots_over_time_are_zoomed_together_and_stay_so(browser, pages):
    browser.show(pages / "report.html")
    part = ["2027-01-15 08:02:00", "2027-01-15 08:04:00"]
    browser.value(
        f"void Plotly.relayout('percentiles', {{'xaxis.range[0]': {part[0]!r}, 'xaxis.range[1]': {part[1]!r}}})"
    )
    ranges = "['throughput', 'heat', 'reasons', 'load'].map(id => document.getElementById(id).layout.xaxis.range)"
    browser.wait_for(f"{ranges}.every(range => range[0] === {part[0]!r} && range[1] === {part[1]!r})")
    browser.value("document.getElementById('log').click()")
    assert browser.value(ranges) == [part] * 4
    assert browser.value("document.getElementById('spectrum').layout.xaxis.type") == "log"


def test_tables_are_sorted_by_a_click(browser, pages):
    browser.show(pages / "report.html")
    browser.value(
        "[...document.querySelectorAll('table.sortable th')].find(h => h.textContent === 'p99').click()",
    )
    first = "document.querySelector('table.sortable tbody td').textContent"
    assert browser.value(first) == "POST /checkout"
    browser.value("[...document.querySelectorAll('table.sortable th')].find(h => h.textContent === 'p99').click()")
    assert browser.value(first) == "GET /"


def test_many_long_reasons_stay_readable(browser, tmp_path):
    """On a phone, with as many reasons as an endpoint may have and all of them long: the page scrolls down only."""
    hostile = "<img src=http://127.0.0.1:9/x onerror=\"document.title='owned'\">"
    reasons = tuple(f"HTTP 500: {'word ' * 10}{hostile} {number:02} {'x' * 200}"[:200] for number in range(20))
    runs = [
        str(
            Simulation(
                traffic={("/a", "GET"): Traffic(failure_ratio=0.5)}, windows=20, seed=seed, reasons=reasons
            ).write(tmp_path)
        )
        for seed in (1, 2)
    ]
    assert main(["report", runs[0], "-o", str(tmp_path / "r.html")]) == 0
    assert main(["compare", *runs, "--html", str(tmp_path / "c.html")]) == 0
    browser.show(tmp_path / "r.html", PHONE)
    assert browser.value("document.documentElement.scrollWidth") <= PHONE[0]
    cells = "[...document.querySelectorAll('td')].filter(cell => cell.textContent.startsWith('HTTP 500: word'))"
    assert browser.value(f"{cells}.length") == len(reasons)
    assert browser.value(f"Math.min(...{cells}.map(cell => cell.clientWidth))") >= 140
    assert browser.value(f"Math.max(...{cells}.map(cell => cell.clientHeight))") <= 400
    assert browser.value("document.querySelectorAll('img').length") == 0
    browser.show(tmp_path / "c.html", PHONE)
    assert browser.value("document.documentElement.scrollWidth") <= PHONE[0]
    # Six reasons have a bar of their own in each run, and the rest has one. Shortened they look the same.
    assert browser.value("document.querySelectorAll('#reasons .point').length") >= 14
    assert "owned" not in browser.value("document.title")


def test_hostile_names_do_nothing(browser, tmp_path):
    name = "</script><img src=http://127.0.0.1:9/x onerror=\"document.title='owned'\"><b>&amp;"
    traffic = {(name, "GET"): Traffic(failure_ratio=0.1), ("/ok", "GET"): Traffic()}
    path = Simulation(traffic=traffic, windows=20, begin={"labels": {"a": name}}).write(tmp_path)
    other = Simulation(traffic=traffic, windows=20, seed=2).write(tmp_path)
    for command, page in (
        (["report", str(path), "-o"], "r.html"),
        (["compare", str(path), str(other), "--html"], "c.html"),
    ):
        assert main([*command, str(tmp_path / page)]) == 0
        browser.show(tmp_path / page)
        assert browser.value("document.title") != "owned"
        assert browser.value("document.querySelectorAll('img').length") == 0
        assert browser.value("document.getElementById('subject').options.length") == 3


def test_records_of_killed_and_empty_runs_have_pages(browser, tmp_path):
    for seed, fields in enumerate(({"windows": 0}, {"windows": 1}, {"windows": 30, "ends": False})):
        path = Simulation(seed=seed, **fields).write(tmp_path)
        assert main(["report", str(path), "-o", str(tmp_path / "page.html")]) == 0
        browser.show(tmp_path / "page.html")
