"""Runs of half a minute can be compared, without false certainty: and what is unclear says what would tell."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from locust_cw_dist.core.names.markdown_text import text_cell, text_line
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.comparison.compare import Choices, State, compare
from locust_cw_dist.tools.comparison.figures import BY_NAME
from locust_cw_dist.tools.comparison.outlook import outlook_of
from locust_cw_dist.tools.comparison.spans import spans_of
from support.records.alike import SPAN_S, compared, is_alarm, run
from support.records.records import START_S, Counted, Simulation, Traffic

HOME, PAY = ("/", "GET"), ("/pay", "POST")


@pytest.mark.parametrize("offset_s", [0, 1, 4, 5, 6, 9])
def test_half_a_minute_has_three_windows_wherever_it_begins(tmp_path, offset_s):
    # It begins in the first window and ends in the last one, and neither belongs to it as a whole.
    simulation = Simulation(traffic={HOME: Traffic()}, windows=4, begin={"started_s": float(START_S + offset_s)})
    record = read_file(simulation.write(tmp_path))
    record.status["stopped_s"] = float(START_S + offset_s + 30)
    spans = spans_of(record, 0.0)
    assert len(spans) == (4 if offset_s == 5 else 3)
    assert all(5 <= span.seconds <= 10 for span in spans)
    assert sum(span.seconds for span in spans) >= 25


def test_a_long_run_is_compared_by_its_whole_windows():
    record = run(1, 12, 0.0, 0.05)
    record.status["stopped_s"] -= 3
    assert [span.seconds for span in spans_of(record, 0.0)] == [10.0] * 11
    assert len(spans_of(record, 25.0)) == 9


@pytest.mark.parametrize(("windows", "correlation"), [(3, 0.0), (3, 0.5), (3, 0.8), (6, 0.5), (6, 0.8)])
def test_short_runs_alike_raise_few_false_alarms(windows, correlation):
    """At most one of twenty; what several hundred come to is in docs/compare.md."""
    alarms = sum(is_alarm(compared(seed, windows, correlation, 0.15)) for seed in range(1, 21))
    assert alarms <= 1


def test_half_a_minute_tells_what_is_three_times_as_slow():
    told = 0
    for seed in range(1, 6):
        states = {one.state for one in compared(seed, 3, 0.0, 0.05, factor=3) if one.figure.name in {"p50", "mean"}}
        assert states <= {State.WORSE, State.UNCLEAR}
        told += State.WORSE in states
    assert told >= 4


def test_few_requests_without_a_failure_do_not_make_sure_that_there_are_none():
    def failures(windows):
        (found, _) = (one for one in compared(1, windows, 0.0, 0.05) if one.figure.name == "failures")
        return found.state

    assert failures(3) is State.UNCLEAR
    assert failures(60) is State.SAME


def test_runs_as_long_as_the_outlook_says_tell_most():
    told = unclear = 0
    for seed in range(1, 5):
        short = compared(seed, 6, 0.0, 0.05)
        outlook = outlook_of(short, Choices())
        asked = {(one.endpoint, one.figure.name) for one in short if one.state is State.UNCLEAR}
        assert outlook.unclear == len(asked) > 0
        assert outlook.longer_s is not None
        longer = compared(seed, 6 + round(outlook.longer_s / SPAN_S), 0.0, 0.05)
        states = [one.state for one in longer if (one.endpoint, one.figure.name) in asked]
        told += len(states) - states.count(State.UNCLEAR)
        unclear += len(states)
    assert told > unclear / 2


def test_as_many_base_runs_as_the_outlook_says_tell_most():
    def runs(seeds):
        return [run(seed, 60, 0.0, 0.2) for seed in seeds]

    candidate = run(1, 400, 0.0, 0.02)
    found = compare(runs((2, 3)), candidate, Choices())
    outlook = outlook_of(found, Choices())
    assert outlook.unclear
    assert outlook.more_bases is not None
    more = compare(runs(range(2, 4 + outlook.more_bases)), candidate, Choices())
    assert sum(one.state is State.UNCLEAR for one in more) <= outlook.unclear / 2


def test_what_no_base_run_would_tell_is_not_promised():
    # The candidate alone is too short.
    changes = compare([run(seed, 30, 0.0, 0.1) for seed in (2, 3, 4)], run(1, 3, 0.0, 0.1), Choices())
    outlook = outlook_of(changes, Choices())
    assert outlook.unclear
    assert outlook.more_bases is None


@pytest.fixture
def two(tmp_path):
    def write(first, second, **fields):
        runs = (Counted(one, seed=seed, **fields) for seed, one in enumerate((first, second), start=1))
        return [str(one.write(tmp_path)) for one in runs]

    return write


def test_the_first_line_says_what_would_tell(two, capsys):
    paths = two({HOME: 300}, {HOME: 300}, windows=3)
    assert main(["compare", *paths, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["headline"].startswith("No regression found; 2 figures unclear: about ")
    assert document["outlook"]["unclear"] == 2
    assert document["headline"] in _printed(["compare", *paths], capsys)


@pytest.mark.parametrize(
    ("second", "code", "said"),
    [
        ({HOME: 4_391, PAY: 9}, 4, "POST /pay: 400 requests in the base, 9 in the candidate: only 9 response times"),
        ({HOME: 4_000}, 3, "POST /pay is missing"),
        ({HOME: 4_000, PAY: 400}, 0, "No regression found"),
    ],
)
def test_every_file_for_ci_holds_the_reason(two, tmp_path, capsys, second, code, said):
    paths = two({HOME: 4_000, PAY: 400}, second)
    files = [str(tmp_path / name) for name in ("c.md", "c.xml")]
    arguments = ["compare", *paths, "--fail-on", "any", "--markdown", files[0], "--junit", files[1]]
    assert main(arguments) == code
    markdown = (tmp_path / "c.md").read_text()
    assert f"exit code {code}: " in markdown
    assert len(markdown.splitlines()) <= 60
    suites = ET.parse(files[1]).getroot()
    assert int(suites.get("failures")) == len(suites.findall(".//failure"))
    assert bool(suites.findall(".//failure")) == bool(code)
    for text in (markdown, (tmp_path / "c.xml").read_text(), capsys.readouterr().out):
        assert said in text


def test_a_run_too_short_to_compare_says_so_in_every_file(two, tmp_path, capsys):
    paths = two({HOME: 4_000}, {HOME: 4_000}, windows=2)
    arguments = ["compare", *paths, "--fail-on", "p95", "--markdown", "-", "--junit", str(tmp_path / "c.xml")]
    assert main(arguments) == 4
    said = "the candidate has 2 of the 3 windows it needs"
    out, err = capsys.readouterr()
    assert "## Comparison: NOT JUDGED" in out
    assert said in out
    assert said in (tmp_path / "c.xml").read_text()
    assert err == ""


def test_what_cannot_be_read_is_a_reason_too(tmp_path, capsys):
    files = [tmp_path / "c.md", tmp_path / "c.xml"]
    arguments = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--markdown", str(files[0]), "--junit"]
    assert main([*arguments, str(files[1])]) == 1
    for file in files:
        assert "No such file or directory" in file.read_text()
    assert capsys.readouterr().err.startswith("locust-cw compare: ")


@pytest.mark.parametrize("shown", [text_line, text_cell])
def test_names_are_text_in_markdown(shown):
    for hostile in (
        "[x](http://evil)",
        "<b>",
        "|a|",
        "`c`",
        "@team",
        "https://evil",
        "www.evil.com",
        "*a*",
        "#1",
        ":x:",
    ):
        found = MarkdownIt("gfm-like", {"linkify": False}).enable("table").parseInline(shown(f"GET {hostile}"))
        assert {one.type for one in found[0].children} == {"code_inline"}, hostile
    assert shown("+12.5 % (3 runs)") == "+12.5 % (3 runs)"


def test_a_big_comparison_has_at_most_60_lines(tmp_path, capsys):
    many = {(f"/{n}", "GET"): 30 for n in range(25)} | {(f"/few/{n}", "GET"): 3 for n in range(25)}
    slower = {key: count // 2 for key, count in many.items()} | {("/new", "GET"): 20}
    paths = [str(Counted(one, seed=n, windows=3).write(tmp_path)) for n, one in enumerate((many, slower))]
    assert main(["compare", *paths, "--fail-on", "any", "--markdown", "-"]) in {3, 4}
    assert len(capsys.readouterr().out.splitlines()) <= 60


def test_all_figures_are_in_half_a_minute():
    assert {one.figure.name for one in compared(1, 3, 0.0, 0.05)} == set(BY_NAME) - {"p95", "p99"}


def _printed(arguments, capsys):
    main(arguments)
    return " ".join(capsys.readouterr().out.split())
