"""The pages, as text: what is in them, and that no name from outside becomes markup. tests/browser looks at them."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from locust_cw_dist import pages
from locust_cw_dist.core.publish.ledger import LEFT_OUT
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.pages.page import render
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.reporting.report import report
from locust_cw_dist.tools.reporting.rule_rows import rule_rows
from locust_cw_dist.tools.reporting.series import MAX_POINTS, MAX_SUBJECTS, page_data
from support.pages.packed import data_of, unpacked
from support.records.records import RESOLUTION_S, SHOP, START_S, Simulation, Traffic

pytestmark = pytest.mark.once

HOSTILE = "</script><img src=x onerror=alert(1)>&\"'{{ 7 * 7 }}{% endblock %}"

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").iterdir())


@pytest.fixture
def plotly():
    """The real one, which is in the test extras."""
    pytest.importorskip("plotly")


@pytest.fixture
def page(tmp_path, plotly, capsys):
    def make(**fields):
        path = Simulation(**fields).write(tmp_path)
        assert main(["report", str(path), "-o", str(tmp_path / "page.html")]) == 0
        assert "page.html: run " in capsys.readouterr().out
        return (tmp_path / "page.html").read_text()

    return make


def test_a_page_tells_the_runs_figures(page):
    text = page(
        outcome={
            "verdict": {"state": "invalid", "reasons": ["lost a worker"]},
            "rules": [{"rule": "p95 < 3", "state": "failed"}],
        }
    )
    for part in (
        "POST /checkout",
        "HTTPError: 503",
        "lost a worker",
        "p95 &lt; 3",
        "locust-worker-2",
        "branch: main",
        "Measurement not reliable",
    ):
        assert part in text, part
    data = data_of(text)
    assert [subject["label"] for subject in data["subjects"]][:2] == ["All together", "GET /"]
    (together,) = data["subjects"][0]["runs"]
    assert len(together["requests"]) == len(together["p99"]) == len(data["runs"][0]["users"]) == 60
    assert sum(together["requests"]) / 600 == pytest.approx(57, rel=0.05)
    # Every result is in a row of the heat map.
    assert sum(sum(column[1:]) for column in together["heat"]["columns"]) == sum(together["requests"])
    assert together["spectrum"] == sorted(together["spectrum"])
    assert sum(together["successes"]["percent"]) == pytest.approx(100, rel=0.01)


def test_results_without_a_time_are_counted_and_said(page):
    text = page(traffic={("/a", "GET"): Traffic(untimed_ratio=0.5), ("/b", "GET"): Traffic(untimed_ratio=1.0)})
    assert "Without a time" in text
    assert "results came without a usable response time" in text
    (b,) = (subject for subject in data_of(text)["subjects"] if subject["label"] == "GET /b")
    assert sum(b["runs"][0]["requests"]) > 0
    assert b["runs"][0]["percentiles"] == []


def test_names_from_outside_are_text(page):
    traffic = {(HOSTILE, HOSTILE): Traffic(failure_ratio=0.1)}
    text = page(traffic=traffic, begin={"labels": {HOSTILE: HOSTILE}, "options": {"host": HOSTILE}})
    assert "<img" not in text.split('id="packed-data"')[0]
    assert data_of(text)["subjects"][1]["label"] == f"{HOSTILE} {HOSTILE}"


def test_names_that_utf_8_cannot_hold_are_shown_escaped(tmp_path, plotly, capsys):
    fields = {"traffic": {("/a\ud800b", "GET"): Traffic(failure_ratio=0.1)}, "reasons": ("lost \udc80",)}
    paths = [str(Simulation(windows=12, seed=seed, **fields).write(tmp_path)) for seed in (1, 2)]
    assert main(["report", paths[0], "-o", str(tmp_path / "report.html")]) == 0
    assert main(["compare", *paths, "--html", str(tmp_path / "compare.html")]) == 0
    assert "/a\\ud800b" in capsys.readouterr().out
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<td class="text">GET /a\\ud800b</td>' in report
    assert '<td class="text">lost \ufffd</td>' in report
    assert '<td class="text">GET /a\\ud800b</td>' in (tmp_path / "compare.html").read_text(encoding="utf-8")


def test_only_what_comes_with_the_program_is_not_escaped():
    unescaped = {}
    for template in TEMPLATES:
        found = re.findall(r"{{[^}]*\bsafe\b[^}]*}}|autoescape", template.read_text())
        unescaped |= {template.name: found} if found else {}
    assert unescaped == {"page.html.j2": ["{{ style | safe }}", "{{ script | safe }}"]}


def test_a_value_that_nobody_gives_is_an_error_and_no_gap(plotly):
    with pytest.raises(UndefinedError, match="is undefined"):
        render("report.html.j2", {}, {})


def test_a_page_loads_nothing_and_runs_nothing_but_its_own(page):
    text = page()
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.split(" ", 1) for rule in unescape(policy).split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    inline = re.findall("<(script|style)[^>]*>(.*?)</", text, re.DOTALL)
    own = [content for kind, content in inline if kind == "style" or "charts" in content]
    for content in [*(one.encode() for one in own), unpacked(text, "packed-plotly")]:
        known = rules["style-src"] if content.startswith(b":root") else rules["script-src"]
        assert f"'sha256-{b64encode(sha256(content).digest()).decode()}'" in known
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text.split('id="packed-data"')[0])


def test_a_page_stays_small(tmp_path, plotly):
    """50 endpoints and an hour; most of it is plotly."""
    traffic = {(f"/item/{n}", "GET"): Traffic(20 + 5 * n, 0.5, 0.7, 0.02) for n in range(50)}
    run = read_file(Simulation(traffic=traffic, windows=360).write(tmp_path), MAX_POINTS)
    assert len(report(run).encode()) < 2_300_000


def test_many_endpoints_are_all_in_the_table_and_the_busiest_have_plots(tmp_path):
    traffic = {(f"/{n}", "GET"): Traffic(rate=1 + n / 100) for n in range(MAX_SUBJECTS + 10)}
    record = read_file(Simulation(traffic=traffic, windows=6).write(tmp_path))
    assert len(page_data([record], ["run"])["subjects"]) == MAX_SUBJECTS + 1


def test_an_empty_record_has_a_page(page):
    assert data_of(page(windows=0))["subjects"][0]["label"] == "All together"


def test_a_comparison_has_a_page(tmp_path, plotly, capsys):
    paths = [str(Simulation(seed=seed).write(tmp_path)) for seed in (1, 2, 3)]
    assert main(["compare", *paths, "--html", str(tmp_path / "compare.html")]) == 0
    text = (tmp_path / "compare.html").read_text()
    data = data_of(text)
    assert [run["name"] for run in data["runs"]] == ["base 1", "base 2", "candidate"]
    assert {change["state"] for change in data["changes"]} <= {"worse", "better", "unclear", "same"}
    assert "20270115T080000Z-00000003" in text


@pytest.mark.parametrize("name", ["missing.cwrecord", "folder", "text"])
def test_what_is_no_record_is_one_line_and_code_1(tmp_path, name, plotly, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("hello")
    assert main(["report", str(tmp_path / name), "-o", str(tmp_path / "page.html")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_one_line_and_code_1(tmp_path, plotly, capsys):
    path = Simulation(windows=5).write(tmp_path)
    assert main(["report", str(path), "-o", str(tmp_path / "no" / "page.html")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_without_plotly_pages_have_tables_and_say_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("locust_cw_dist.pages.page.find_spec", lambda _: None)
    paths = [str(Simulation(windows=8, seed=seed).write(tmp_path)) for seed in (1, 2)]
    assert main(["report", paths[0], "-o", str(tmp_path / "r.html")]) == 0
    assert main(["compare", *paths, "--html", str(tmp_path / "c.html")]) == 0
    for name in ("r.html", "c.html"):
        page = (tmp_path / name).read_text()
        assert "install it with: pip install &#34;plotly&gt;=6.0&#34;" in page
        assert "GET /items/{id}" in page
        assert 'id="packed-plotly"' not in page
        assert len(page) < 100_000
    capsys.readouterr()


@pytest.mark.parametrize("command", ["report", "compare"])
def test_help_has_examples_and_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"locust-cw {command} " in text
    assert "exit code: 0" in text
    assert "%%" not in text
    assert SHOP


def ruled(**more):
    """The outcome of a run whose measurement is valid and one of whose rules failed."""
    rules = [
        {"rule": "p95 < 300 ms", "state": "failed", "failed": True, "observed": 412.34567891234567},
        {"rule": "failure_ratio < 1 %", "state": "passed", "failed": False, "observed": 0.0021739130434782},
        {"rule": "rps > 20 /s", "state": "warned", "failed": False, "observed": 19.99996},
        {"rule": "count > 3", "state": "passed", "failed": False, "observed": 1234567.0},
        {"rule": "p95(/gone) < 300 ms", "state": "no data", "failed": True, "observed": None},
    ]
    return {"verdict": {"state": "valid", "reasons": []}, "rules": rules} | more


def banner_in(page):
    """The words and sentences of the banner: of what came out, and of the measurement."""
    banner = page[page.index('<div class="signs banner"') : page.index("<section>")]
    return [
        (kind, [unescape(text) for text in re.findall(r'<p class="(?:name|why)">([^<]+)', sign)])
        for kind, sign in re.findall(r'<div class="sign (\w+)">(.*?)</div>\s*</div>', banner, re.DOTALL)
    ]


MISSED = ["p95 < 300 ms: 412 ms, allowed < 300 ms", "p95(/gone) < 300 ms: no data, allowed < 300 ms"]
BUSY = {"state": "suspect", "reasons": ["worker a used over 90 % CPU"], "words": "load generator was short of CPU"}


@pytest.mark.parametrize(
    ("fields", "outcome", "trust"),
    [
        (
            {"outcome": ruled(exit={"code": 3, "reason": "a rule failed: p95 < 300 ms and 1 more"})},
            ("bad", ["FAILED", "Exit code 3: a rule failed: p95 < 300 ms and 1 more", *MISSED]),
            ("good", ["Measurement reliable"]),
        ),
        (
            {"outcome": {"verdict": BUSY, "rules": [], "exit": {"code": 0, "reason": "no request failed"}}},
            ("good", ["PASSED", "Exit code 0: no request failed"]),
            ("doubtful", ["Load generator was short of CPU", "worker a used over 90 % CPU"]),
        ),
        # Records of earlier versions.
        (
            {"outcome": ruled()},
            ("bad", ["FAILED", "A rule failed: p95 < 300 ms and 1 more", *MISSED]),
            ("good", ["Measurement reliable"]),
        ),
        (
            {"outcome": {"verdict": {"state": "valid"}, "rules": [{"rule": "p95 < 3 s", "state": "passed"}]}},
            ("good", ["PASSED", "No rule failed"]),
            ("good", ["Measurement reliable"]),
        ),
        (
            {"outcome": {"verdict": {"state": "invalid"}, "rules": [{"rule": "p95 < 3 s", "state": "passed"}]}},
            ("bad", ["FAILED", "The run is invalid"]),
            ("bad", ["Measurement not reliable"]),
        ),
        (
            {},
            ("plain", ["ENDED", "There were no rules, and the record has no exit code"]),
            ("plain", ["Measurement not judged"]),
        ),
        (
            {"ends": False},
            ("bad", ["FAILED", "The run did not end in order: its last results are missing, and it has no exit code"]),
            ("bad", ["Results are missing"]),
        ),
    ],
)
def test_the_page_begins_with_what_came_out_and_how_far_it_can_be_trusted(tmp_path, plotly, fields, outcome, trust):
    run = read_file(Simulation(windows=2, **fields).write(tmp_path))
    page = report(run)
    assert banner_in(page) == [outcome, trust]
    assert f"<title>{outcome[1][0]}: shop: branch main</title>" in page


def test_a_run_is_called_as_the_user_says(tmp_path, plotly):
    run = read_file(Simulation(windows=1).write(tmp_path))
    assert "<h1>The <b> release</h1>".replace("<b>", "&lt;b&gt;") in report(run, "The <b> release")
    assert "<h1>shop: branch main</h1>" in report(run)
    nameless = replace(run, begin=run.begin | {"labels": {}, "options": {"host": "https://shop.test"}})
    assert "<h1>Load test</h1>" in report(nameless)


def test_the_comparison_has_the_same_banner(tmp_path, plotly, capsys):
    slow = {("/", "GET"): Traffic(90, 0.2, 24)}
    paths = [str(Simulation(seed=1, traffic={("/", "GET"): Traffic(30, 0.2, 24)}, outcome=ruled()).write(tmp_path))]
    paths.append(str(Simulation(seed=2, traffic=slow, outcome={"verdict": BUSY}).write(tmp_path)))
    html = tmp_path / "c.html"
    assert main(["compare", *paths, "--html", str(html), "--fail-on", "p95=10"]) == 3
    (word, trust) = banner_in(html.read_text())
    assert word[0] == "bad"
    assert word[1][:2] == ["FAILED", "Exit code 3: something got worse"]
    assert "p95 of GET /" in word[1][2]
    assert trust[0] == "doubtful"
    assert trust[1][0] == "Load generator was short of CPU"
    assert main(["compare", *paths, "--html", str(html)]) == 0
    assert banner_in(html.read_text())[0][1][0] == "COMPARED"


def test_rules_have_a_limit_and_what_was_seen_and_the_broken_ones_come_first(tmp_path, plotly):
    page = report(read_file(Simulation(windows=1, outcome=ruled()).write(tmp_path)))
    table = page[page.index('<table class="rules">') :]
    rows = re.findall(
        r'<td class="text">([^<]*).*?<span class="badge (\w+)">([^<]*)</span>.*?"number">([^<]*).*?"number">([^<]*)',
        table[: table.index("</table>")],
    )
    assert [tuple(map(unescape, row)) for row in rows] == [
        ("p95 < 300 ms", "bad", "failed", "412 ms", "< 300 ms"),
        ("p95(/gone) < 300 ms", "bad", "no data", "no data", "< 300 ms"),
        ("rps > 20 /s", "doubtful", "warned", "19.99996 /s", "> 20 /s"),
        ("failure_ratio < 1 %", "good", "passed", "0.217 %", "< 1 %"),
        ("count > 3", "good", "passed", "1,234,567", "> 3"),
    ]


@pytest.mark.parametrize(
    ("begin", "row"),
    [
        ({"options": {"cw_dry_run": True}}, "would be published (dry run: nothing was sent)"),
        ({"publishes": False}, "received (nothing was to be published)"),
        ({}, "published"),
    ],
)
def test_a_ledger_says_published_only_of_what_was(page, begin, row):
    rows = re.findall(r'<tr><td class="text">([^<]*)</td><td class="number">', page(begin=begin))
    assert [one for one in rows if "published" in one or "received" in one] == [row]


@pytest.mark.parametrize(("into_it_s", "is_partial"), [(0.1, False), (0.287, True), (5, True), (9.99, True)])
def test_the_first_and_the_last_window_are_shown_as_such_and_not_extrapolated(tmp_path, into_it_s, is_partial):
    """A test that starts and stops in the midst of windows; all its users begin at once."""
    started_s = START_S + into_it_s
    run = read_file(Simulation(windows=6, begin={"started_s": started_s}).write(tmp_path))
    run = replace(run, status=run.status | {"stopped_s": START_S + 60 - into_it_s})
    data = page_data([run], ["run"])
    (one,) = data["runs"]
    assert (one["is_first_partial"], one["is_last_partial"]) == (is_partial, is_partial)
    drawn = data["subjects"][0]["runs"][0]
    assert drawn["requests"] == [sum(summary.count for summary in point.summaries.values()) for point in run.points]
    total = sum(summary.failure_count for point in run.points for summary in point.summaries.values())
    assert sum(sum(one["counts"]) for one in drawn["reasons"]) == sum(drawn["failures"]) == total
    assert (one["at_s"][0], one["span_s"]) == (START_S, RESOLUTION_S)


def test_limits_of_rules_are_drawn_with_what_they_are_about(tmp_path):
    rules = [
        {"rule": "p95(POST /checkout) < 300 ms", "name": "checkout", "state": "failed"},
        {"rule": "p99 < 1 s", "state": "passed"},
        {"rule": "rps > 20 /s", "state": "passed"},
        {"rule": "failure_ratio < 1 %", "state": "passed"},
        {"rule": "max(/items/.*) < 2 s", "state": "passed"},
    ]
    run = read_file(Simulation(windows=2, outcome={"rules": rules}).write(tmp_path))
    data = page_data([run], ["run"], rules=rule_rows(run))
    limits = {one["label"]: [(each["plot"], each["limit"]) for each in one["limits"]] for one in data["subjects"]}
    assert limits.pop("All together") == [("percentiles", 1000.0), ("throughput", 20.0)]
    assert limits.pop("POST /checkout") == [("percentiles", 300.0)]
    assert limits.pop("GET /items/{id}") == [("percentiles", 2000.0)]
    assert set(map(tuple, limits.values())) == {()}


@pytest.mark.parametrize(
    ("begin", "sentence"),
    [
        ({"publishes": True}, "4,000 of 5,000 results are in CloudWatch, 900 on disk, 40 left out, 60 lost."),
        ({"publishes": False}, "5,000 results counted, none of them sent to CloudWatch."),
        (
            {"publishes": True, "options": {"cw_dry_run": "-"}},
            "4,000 of 5,000 results would be in CloudWatch, 900 on disk, 40 left out, 60 lost.",
        ),
    ],
)
def test_a_report_says_in_one_sentence_what_became_of_results(tmp_path, plotly, begin, sentence):
    run = read_file(Simulation(windows=2).write(tmp_path))
    dropped = {LEFT_OUT: 40, "refused by CloudWatch": 60}
    ledger = {"recorded": 5_000, "published": 4_000, "pending": 0, "spooled": 900, "late": 0, "dropped": dropped}
    page = report(replace(run, begin=run.begin | begin, status=run.status | {"ledger": ledger}))
    assert f"<p>{sentence}</p>" in page
    widths = [float(width) for width in re.findall(r'<rect class="[^"]+" x="[^"]+" width="([^"]+)"', page)]
    assert widths == ([80, 18, 0.8, 1.2] if begin["publishes"] else [])
