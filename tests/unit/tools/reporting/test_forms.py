"""The report of a run as Markdown, JSON, CSV and text: what is in it, and what names from outside can do there."""

from __future__ import annotations

import csv
import json
import re
import shlex

import pytest
from markdown_it import MarkdownIt

from locust_cw_dist.core.names.markdown_text import cell
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.reporting.forms import as_csv
from locust_cw_dist.tools.reporting.markdown import MAX_LINES, as_markdown
from locust_cw_dist.tools.reporting.run_facts import RunFacts
from support.pages.readme import blocks
from support.records.records import Counted, Simulation, Traffic

pytestmark = pytest.mark.once

HOSTILE = (
    "a|b",
    "a\\|b",
    "`a` ``b",
    "<img src=x onerror=alert(1)>",
    "@octocat #1 !2 :tada: www.evil.test https://evil.test",
    "line\nbreak\r\n| x | y |",
    "[link](javascript:alert(1))",
    "**bold** _it_ $x$",
    " ",
    "=HYPERLINK(1)",
    "x" * 500,
    "\u202egnirts",
)


def parsed(markdown):
    """The tokens, nested ones too, of a reader of CommonMark with tables that takes HTML as HTML."""
    reader = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").enable("strikethrough")
    tokens = reader.parse(markdown)
    return [*tokens, *(child for token in tokens for child in token.children or ())]


def tables(markdown):
    """The cells of each table, as text."""
    found, rows = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows is not None:
            if token.level >= 4:
                rows[-1].append("".join(child.content for child in token.children))
        elif token.type == "table_close":
            found.append(rows)
    return found


RULES = [
    {"rule": "p95 < 300 ms", "name": "fast | enough", "state": "failed", "failed": True, "observed": 412.3456},
    {"rule": "rps > 20 /s", "state": "passed", "failed": False, "observed": 57.1},
    {"rule": "p95(/gone) < 1 s", "state": "no data", "failed": True, "observed": None},
]
OUTCOME = {
    "verdict": {"state": "suspect", "reasons": ["worker a|b"], "words": "load generator was short of CPU"},
    "rules": RULES,
    "exit": {"code": 3, "reason": "a rule failed: fast | enough and 1 more"},
}


def facts_of(folder, **fields):
    return RunFacts.of(read_file(Simulation(**{"windows": 3, "outcome": OUTCOME} | fields).write(folder)))


def test_markdown_has_banner_rules_and_endpoints_as_tables(tmp_path):
    text = as_markdown(facts_of(tmp_path))
    assert text.splitlines()[:5] == [
        "### ❌ FAILED: `shop: branch main`",
        "",
        "Exit code 3: `a rule failed: fast | enough and 1 more`",
        "",
        "⚠️ **Load generator was short of CPU**",
    ]
    rules, endpoints = tables(text)
    assert rules == [
        ["Rule", "", "Observed", "Limit"],
        ["fast | enough", "failed", "412 ms", "< 300 ms"],
        ["p95(/gone) < 1 s", "no data", "no data", "< 1000 ms"],
        ["rps > 20 /s", "passed", "57.1 /s", "> 20 /s"],
    ]
    assert endpoints[0] == ["Endpoint", "Requests", "Failures", "Req/s", "Mean", "P50", "P95", "P99", "Max"]
    assert [row[0] for row in endpoints[1:3]] == ["(all together)", "GET /"]
    assert "Most frequent failure" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_from_outside_is_text_in_a_cell_and_nothing_else(tmp_path, name):
    traffic = {(name, "GET"): Traffic(failure_ratio=0.2)}
    rules = [{"rule": name, "name": name, "state": name, "failed": True}]
    outcome = {"verdict": {"state": "suspect", "reasons": [name], "words": name}, "rules": rules}
    outcome["exit"] = {"code": 1, "reason": name}
    begin = {"labels": {name: name}}
    text = as_markdown(facts_of(tmp_path, traffic=traffic, outcome=outcome, begin=begin, reasons=(name,)))
    allowed = {"inline", "text", "code_inline", "softbreak", "strong_open", "strong_close"}
    kinds = {token.type for token in parsed(text)}
    assert {kind for kind in kinds if not kind.endswith(("_open", "_close"))} <= allowed
    assert not kinds & {"link_open", "em_open", "s_open", "html_block", "html_inline", "image", "fence"}
    rules, endpoints = tables(text)
    assert [len(row) for row in rules] == [4, 4]
    assert [len(row) for row in endpoints] == [9, 9, 9]
    # Nothing of it stands outside of code, where a mention or a link would be made of it.
    plain = [token.content for token in parsed(text) if token.type == "text"]
    assert not re.search(r"[@<#\[*_|]|evil", "".join(plain))
    # A reader that takes two backslashes for one ends no cell sooner.
    assert not re.search(r"(?<!\\)(\\\\)+\|", text)


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name.isprintable() and len(name) < 80 and "\\" not in name]
)
def test_a_span_of_code_holds_the_text_as_it_is(name):
    assert tables(f"| a |\n|---|\n| {cell(name)} |\n")[0][1:] == [[name]]


def test_markdown_stays_short(tmp_path, capsys):
    traffic = {(f"/{n}", "GET"): Traffic(rate=0.3, median_ms=20, sigma=0.1, failure_ratio=0.1) for n in range(80)}
    rules = [{"rule": f"p95 < {n} ms", "state": "failed", "failed": True, "observed": 90.0} for n in range(1, 40)]
    verdict = {"state": "suspect", "reasons": [f"worker {n}" for n in range(9)], "words": "a worker stood still"}
    outcome = {"verdict": verdict, "rules": rules, "exit": {"code": 3, "reason": "a rule failed"}}
    slow = {key: Traffic(rate=0.3, median_ms=90, sigma=0.1, failure_ratio=0.1) for key in traffic}
    base = Simulation(windows=12, traffic=traffic).write(tmp_path)
    now = Simulation(windows=12, traffic=slow, seed=2, outcome=outcome).write(tmp_path)
    assert main(["report", str(now), "--format", "markdown", "--baseline", str(base)]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= MAX_LINES
    rules, endpoints, changes = tables(text)
    assert (len(rules), len(endpoints), len(changes)) == (11, 13, 9)
    assert {row[2] for row in changes[1:]} == {"worse"}
    for line in ("and 29 more rules", "and 69 more endpoints", "Against `20270115T080000Z-00000001`: "):
        assert line in text


def test_json_has_figures_for_scripts(tmp_path, capsys):
    path = Counted({("/a", "GET"): 100, ("/broken", "GET"): 50}, outcome=OUTCOME).write(tmp_path)
    assert main(["report", str(path), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["result"] == {"word": "FAILED", "exit_code": 3, "reason": OUTCOME["exit"]["reason"]}
    assert document["measurement"]["words"] == "load generator was short of CPU"
    first, second = document["endpoints"]
    assert (first["name"], first["requests"], first["failures"]) == ("/a", 100, 0)
    assert second["failures"] == 50
    assert document["total"]["requests"] == 150
    assert document["failures"] == [{"reason": "HTTP 500", "name": "/broken", "method": "GET", "requests": 50}]


def test_csv_has_a_row_for_each_endpoint_and_no_formula(tmp_path):
    traffic = {("=cmd()", "GET"): Traffic(rate=1), ('/a,b\n"', "POST"): Traffic(untimed_ratio=1.0)}
    rows = list(csv.DictReader(as_csv(facts_of(tmp_path, traffic=traffic)).splitlines(keepends=True)))
    assert {row["name"] for row in rows} == {"(all together)", "'=cmd()", '/a,b\n"'}
    (untimed,) = (row for row in rows if row["method"] == "POST")
    assert untimed["p95_ms"] == ""
    assert int(untimed["requests"]) > 0


def test_text_is_for_a_log(tmp_path, capsys):
    path = Simulation(windows=2, outcome=OUTCOME).write(tmp_path)
    assert main(["report", str(path), "--format", "text"]) == 0
    out = capsys.readouterr().out
    for part in ("FAILED: Exit code 3: a rule failed", "Load generator was short of CPU", "POST /checkout", "< 300 ms"):
        assert part in out, part
    assert "\x1b[" not in out


@pytest.mark.parametrize(
    ("file", "begins"), [("a.md", "### "), ("a.json", "{"), ("a.csv", "name,"), ("a.txt", "\n"), ("a.html", "<!DOC")]
)
def test_the_name_of_the_file_says_the_format(tmp_path, capsys, file, begins):
    path = Simulation(windows=1).write(tmp_path)
    assert main(["report", str(path), "-o", str(tmp_path / file)]) == 0
    assert (tmp_path / file).read_text().startswith(begins)


def test_a_page_can_go_to_standard_output_and_be_opened(tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    path = Simulation(windows=1).write(tmp_path)
    assert main(["report", str(path), "-o", "-", "--title", "Checkout"]) == 0
    assert "<h1>Checkout</h1>" in capsys.readouterr().out
    page = tmp_path / "page.html"
    assert main(["report", str(path), "-o", str(page), "--open"]) == 0
    assert opened == [page.as_uri()]


@pytest.mark.parametrize(
    "options", [["--open", "-o", "-"], ["--open", "--format", "csv"], ["--baseline", "b", "-o", "a.html"]]
)
def test_what_does_not_go_together_is_one_line_and_code_2(tmp_path, capsys, options):
    path = Simulation(windows=1).write(tmp_path)
    assert main(["report", str(path), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert options[0] in line
    assert "must be" in line


def test_every_command_of_the_pages_runs(tmp_path, capsys, monkeypatch):
    """Those of docs/report.md and docs/ci.md; tests/deploy reads from S3, and tests/distributed has runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    for folder, seed in (("records", 1), ("last", 2)):
        (tmp_path / folder).mkdir()
        Simulation(windows=6, seed=seed).write(tmp_path / folder)
    lines = [
        line
        for page in ("docs/report.md", "docs/ci.md")
        for block in blocks("sh", page)
        for line in block.text.splitlines()
        if line.startswith("locust-cw report ") and "s3://" not in line
    ]
    assert len(lines) == 4
    for line in lines:
        command = shlex.split(line.partition(" >> ")[0])
        assert main(command[1:]) == 0, line
    assert "Against `" in capsys.readouterr().out
