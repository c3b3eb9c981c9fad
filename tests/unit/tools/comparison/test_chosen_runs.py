"""Base runs that the command finds: the newest before the candidate, all or those with a label."""

from __future__ import annotations

import json

import pytest

from locust_cw_dist.tools.cli.main import main
from support.records.records import START_S, Counted

HOME = ("/", "GET")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Eight runs: every other one of the main branch, the sixth killed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records = tmp_path / "records"
    records.mkdir()
    for seed in range(1, 9):
        branch = "main" if seed % 2 else "next"
        begin = {"started_s": float(START_S), "labels": {"branch": branch}}
        Counted({HOME: 60}, windows=3, seed=seed, begin=begin, ends=seed != 6).write(records)
    return records


@pytest.mark.parametrize(
    ("arguments", "candidate", "bases"),
    [
        (["records"], 8, [7, 5, 4, 3, 2]),
        (["records", "--last", "2"], 8, [7, 5]),
        (["records", "--base", "label:branch=main"], 8, [7, 5, 3, 1]),
        (["records", "--base", "label:branch=next", "--last", "1"], 8, [4]),
        (["records", "one", "--last", "2"], 4, [8, 7]),
        (["records", "records", "--last", "1"], 8, [7]),
        (["one", "records"], 8, [4]),
        (["records", "one"], 4, [8]),
    ],
)
def test_base_runs_are_the_newest_before_the_candidate(folder, arguments, candidate, bases, capsys):
    one = folder.parent / "one.cwrecord"
    one.write_bytes((folder / "20270115T080000Z-00000004.cwrecord").read_bytes())
    paths = {"records": str(folder), "one": str(one)}
    assert main(["compare", *(paths.get(word, word) for word in arguments), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["candidate"] == f"20270115T080000Z-{candidate:08x}"
    assert document["bases"] == [f"20270115T080000Z-{base:08x}" for base in bases]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["records", "--base", "label:branch=other"],
            1,
            "no run before 20270115T080000Z-00000008 with the label branch=o",
        ),
        (["records/20270115T080000Z-00000001.cwrecord"], 1, "it is no folder, so it needs a base: BASE... CANDIDATE"),
        (["records", "--base", "branch=main"], 2, "must be label:KEY=VALUE"),
        (["records", "--base", "label:main"], 2, "must be KEY=VALUE"),
        (["records", "--last", "x"], 2, "must be a whole number from 1"),
    ],
)
def test_what_cannot_be_found_is_one_line(folder, arguments, code, said, capsys):
    words = [str(folder.parent / word) if word.startswith("records") else word for word in arguments]
    report = folder.parent / "c.md"
    try:
        found = main(["compare", *words, "--markdown", str(report)])
    except SystemExit as e:
        found = e.code
    (line,) = capsys.readouterr().err.splitlines()
    assert (found, said in line) == (code, True), line
    assert code == 2 or said.split(":")[0] in report.read_text()
