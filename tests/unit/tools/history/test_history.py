"""`locust-cw history`: since when is checkout slower? Asked of many runs, in every form."""

from __future__ import annotations

import json
import re
import resource
import shlex
import time

import pytest

from locust_cw_dist.core.records.location import SUMMARY_SUFFIX
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.history.store import Cache, runs_in
from locust_cw_dist.tools.history.summary import pack, summary_of, unpack
from locust_cw_dist.tools.history.write import write_beside
from support.pages.packed import data_of
from support.pages.readme import blocks
from support.records.histories import commit, write
from support.records.records import START_S, Simulation, Traffic

TINY = {("/", "GET"): Traffic(rate=3)}


@pytest.fixture
def asked(tmp_path, capsys):
    """Asks for the history of a folder; returns what is printed."""

    def ask(folder, *arguments):
        assert main(["history", str(folder), "--cache", str(tmp_path / "cache"), *arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return ask


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    write(folder, 60, slower_from=40)
    return folder


def test_since_when_checkout_is_slower_has_an_answer_with_a_commit(shop, asked):
    document = json.loads(asked(shop, "--endpoint", "/checkout", "--figure", "p95", "--format", "json"))
    (change,) = document["changes"]
    assert (change["name"], change["method"], change["figure"], change["state"]) == (
        "/checkout",
        "POST",
        "p95",
        "worse",
    )
    assert change["change"] == pytest.approx(20, abs=5)
    at = next(n for n, run in enumerate(document["runs"]) if run["run_id"] == change["first_after"]["run_id"])
    assert abs(at - 40) <= 2
    assert change["first_after"]["commit"] == commit(at)
    assert change["last_before"]["commit"] == commit(at - 1)
    assert change["earliest"]["run_id"] <= change["first_after"]["run_id"] <= change["latest"]["run_id"]
    assert change["runs_since"] == 59 - at


def test_the_example_on_the_page_is_what_the_command_prints(shop, asked, monkeypatch):
    monkeypatch.chdir(shop.parent)
    (command,), (shown,) = blocks("sh", "docs/history.md"), blocks("text", "docs/history.md")
    printed = asked(*shlex.split(command.text)[2:])
    assert [line.rstrip() for line in printed.splitlines() if line.strip()] == [
        line.rstrip() for line in shown.text.splitlines() if line.strip()
    ]


def test_every_form_tells_it(shop, asked, tmp_path):
    document = json.loads(asked(shop, "--format", "json"))
    assert {change["name"] for change in document["changes"]} == {"/checkout"}
    newest = document["changes"][0]["first_after"]
    text, markdown = asked(shop), asked(shop, "--format", "markdown")
    for form in (text, markdown):
        joined = "".join(form.split())
        assert newest["commit"][:8] in joined
        assert newest["run_id"][:16] in joined
        assert "WORSE" in form
        assert "locust-cw compare" in form
    assert len(markdown.splitlines()) <= 60


def test_runs_of_each_branch_are_a_history_of_their_own(tmp_path, asked):
    folder = tmp_path / "records"
    folder.mkdir()
    write(folder, 60, slower_from=40, labels=lambda n: {"branch": "main" if n % 2 else "next"})
    document = json.loads(asked(folder, "--by", "branch", "--figure", "p50", "--format", "json"))
    assert {change["group"] for change in document["changes"]} == {"branch=main", "branch=next"}
    document = json.loads(asked(folder, "--label", "branch=next", "--last", "12", "--format", "json"))
    assert len(document["runs"]) == 12
    assert {run["labels"]["branch"] for run in document["runs"]} == {"next"}
    assert document["changes"] == []


def test_a_thousand_runs_take_seconds(tmp_path, asked):
    folder = tmp_path / "records"
    folder.mkdir()
    write(folder, 1000, slower_from=800, pages=1)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began_s = time.process_time()
    document = json.loads(asked(folder, "--format", "json"))
    assert time.process_time() - began_s < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000
    assert len(document["runs"]) == 1000
    assert {(one["name"], one["state"]) for one in document["changes"]} == {("/checkout", "worse")}


def test_a_page_draws_every_figure_and_links_to_both_records(shop, asked, tmp_path):
    pytest.importorskip("plotly")
    page = tmp_path / "pages" / "history.html"
    page.parent.mkdir()
    asked(shop, "-o", str(page))
    text = page.read_text()
    own, data = text.split('id="packed-data"')[0], data_of(text)
    assert data["subjects"][0]["label"] == "POST /checkout"
    drawn = data["subjects"][0]["rows"]["p95"]
    assert len(drawn["value"]) == len(drawn["low"]) == len(data["runs"]) == 60
    (shift,) = drawn["shifts"]
    assert data["runs"][shift["at"]]["commit"] == commit(shift["at"])[:8]
    links = re.findall(r'href="(\.\./records/[^"]+)"', own)
    assert len(links) >= 2
    assert all((page.parent / link).exists() for link in links)
    assert "locust-cw compare" in own


def test_the_runs_around_a_change_are_compared(tmp_path, asked):
    pytest.importorskip("plotly")
    folder, page = tmp_path / "records", tmp_path / "history.html"
    folder.mkdir()
    for seed in range(1, 13):
        Simulation(
            traffic={("/", "GET"): Traffic(100 if seed < 7 else 160, 0.2, 3)},
            windows=4,
            seed=seed,
            begin={"started_s": float(START_S)},
            run_id=f"20270115T{seed:06d}Z-00000000",
        ).write(folder)
    asked(folder, "--figure", "p50", "-o", str(page), "--comparisons", str(tmp_path / "comparisons"))
    (comparison,) = (tmp_path / "comparisons").iterdir()
    assert f'<a href="comparisons/{comparison.name}">' in page.read_text()


def test_a_summary_is_what_the_record_says(tmp_path):
    path = Simulation(traffic=TINY, windows=6, outcome={"verdict": {"state": "valid"}}).write(tmp_path)
    summary = summary_of(read_file(path))
    content = pack(summary, 1234)
    read = unpack(content, 1234)
    assert read.levels.keys() == summary.levels.keys()
    for key, level in summary.levels.items():
        assert read.levels[key].value == pytest.approx(level.value, rel=1e-4)
    assert (read.run_id, read.labels, read.revision) == (summary.run_id, summary.labels, summary.revision)
    assert read.is_whole
    assert len(content) < 2_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"locust_cw_summary":2,"record_bytes":1}',
        b'{"locust_cw_summary":1,"record_bytes":2}',
        b'{"locust_cw_summary":1,"record_bytes":1,"endpoints":[1]}',
        b'{"locust_cw_summary":1,"record_bytes":1,"endpoints":[["/","GET",{"p50":[1]}]]}',
        b'{"locust_cw_summary":1,"record_bytes":1,"endpoints":[["/","GET",{"p50":[-1,0]}]]}',
        b'{"locust_cw_summary":1,"record_bytes":1,"endpoints":[["/","GET",{"p50":[1e999,0]}]]}',
        b'{"locust_cw_summary":1,"record_bytes":1,"endpoints":[["/","GET",{"p50":["1",0]}]]}',
    ],
)
def test_what_is_no_summary_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        unpack(content, 1)


def test_fields_of_the_wrong_kind_are_left_out():
    read = unpack(b'{"locust_cw_summary":1,"record_bytes":1,"labels":[],"started_s":"x","run_id":"\\u001b[2J"}', 1)
    assert (read.labels, read.started_s, read.is_whole, read.levels) == ({}, 0.0, False, {})
    assert read.run_id.isprintable()


def test_a_record_is_read_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    from locust_cw_dist.tools.history import store

    path = Simulation(traffic=TINY, windows=4).write(tmp_path)
    reads = []
    monkeypatch.setattr(store, "read_file", lambda *arguments: reads.append(1) or read_file(*arguments))
    cache = Cache(tmp_path / "cache")
    for _ in range(3):
        (run,) = runs_in(tmp_path, cache, [])
    assert (len(reads), run.summary.run_id) == (1, path.stem)
    path.write_bytes(path.read_bytes() + b"torn")
    (run,) = runs_in(tmp_path, cache, [])
    assert (len(reads), run.summary.is_whole) == (2, False)


def test_a_summary_beside_a_record_is_taken_if_it_is_its_own(tmp_path, monkeypatch):
    from locust_cw_dist.tools.history import store

    path = Simulation(traffic=TINY, windows=4).write(tmp_path)
    write_beside(path)
    assert path.with_suffix(SUMMARY_SUFFIX).exists()
    monkeypatch.setattr(store, "read_file", lambda *_: pytest.fail("the record was read"))
    (run,) = runs_in(tmp_path, Cache(tmp_path / "cache"), [])
    assert run.summary.requests == summary_of(read_file(path)).requests
    monkeypatch.undo()
    # A later form of the record: the summary is of the one before it.
    path.write_bytes(path.read_bytes() + b"torn")
    (run,) = runs_in(tmp_path, Cache(tmp_path / "cache"), [])
    assert not run.summary.is_whole


def test_what_cannot_be_read_is_named_and_left_out(shop, asked):
    (shop / "20270115T999999Z-ffffffff.cwrecord").write_bytes(b"nothing")
    out = asked(shop)
    assert "it is not a run record; it is left out" in " ".join(out.split())
    assert "60 runs" in out


def test_runs_that_are_not_whole_are_listed_and_in_no_row(tmp_path, asked):
    Simulation(traffic=TINY, windows=4, ends=False).write(tmp_path)
    out = asked(tmp_path)
    assert "not whole" in out
    assert "1 run, 2027-01-15 to 2027-01-15; no changes found: it takes 8 whole runs." in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nowhere"], 1, "No such file or directory"),
        ([".", "--last", "0"], 2, "must be a whole number from 1"),
        ([".", "--label", "x"], 2, "must be KEY=VALUE"),
        ([".", "--figure", "p90"], 2, "invalid choice: 'p90'"),
    ],
)
def test_errors_are_one_line(arguments, code, said, capsys):
    try:
        found = main(["history", *arguments])
    except SystemExit as e:
        found = e.code
    (line,) = capsys.readouterr().err.splitlines()
    assert (found, said in line) == (code, True), line


def test_a_folder_without_records_has_no_runs(tmp_path, asked):
    assert "No runs." in asked(tmp_path)
