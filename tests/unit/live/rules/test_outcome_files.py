"""JUnit XML and JSON of outcomes, read back by parsers; whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.verdict.verdict import VALID, Reason, State, Verdict
from locust_cw_dist.live.platform.files import check_writable
from locust_cw_dist.live.rules.report_files import Judged, write_json, write_junit
from support.pages.readme import ROOT

NOBODY = 65534

CHECK_AS_NOBODY = """
import os, sys
from pathlib import Path
from locust_cw_dist.live.platform.files import check_writable

if os.geteuid() == 0:  # which may write anywhere
    os.setuid(int(sys.argv[2]))
try:
    check_writable(Path(sys.argv[1]))
    print("may")
except OSError as e:
    print(type(e).__name__)
"""


def one(text, state, *, failed, observed=None, message="seen"):
    return RuleOutcome(rule=parse(text), state=state, observed=observed, requests=7, message=message, failed=failed)


PASSED = one("p95(POST /a&b) < 300", RuleState.PASSED, failed=False, observed=12.5)
BROKEN = one("mean < 1", RuleState.BROKEN, failed=True, observed=2.0, message='2 ms "<of>" 7 requests')
WARNED = one("max < 1, severity=warn", RuleState.BROKEN, failed=False, observed=2.0)
MISSING = one("p95(/typo) < 1", RuleState.NO_DATA, failed=True)
TOO_FEW = one("p99 < 1", RuleState.NO_DATA, failed=False)
ALL = Outcome(rules=(PASSED, BROKEN, WARNED, MISSING, TOO_FEW))
RUN = Judged("run-1", (("branch", "größe"),), 1_800_000_000.0, 12.3456, ALL)


def test_junit_counts_what_its_cases_say(tmp_path):
    path = tmp_path / "junit.xml"
    other = Judged("run-2", (), None, 0.0, Outcome(rules=(PASSED,)))
    write_junit(str(path), [RUN, other])
    root = ET.parse(path).getroot()
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["6", "2", "0", "1"]
    first, second = root.findall("testsuite")
    assert (first.get("name"), first.get("time"), second.get("tests")) == ("run run-1", "12.346", "1")
    kinds = [next(child.tag for child in case) for case in first.findall("testcase")]
    assert kinds == ["system-out", "failure", "system-out", "failure", "skipped"]
    assert [failure.get("type") for failure in first.iter("failure")] == ["broken", "no data"]
    assert first.find("testcase[2]/failure").get("message") == '2 ms "<of>" 7 requests'
    assert first.find("testcase[1]").get("name") == "p95(POST /a&b) < 300 ms"
    assert {each.get("name"): each.get("value") for each in first.iter("property")} == {
        "run_id": "run-1",
        "branch": "größe",
    }
    # The same in each run, or a CI server would see new tests each time.
    assert {case.get("classname") for case in root.iter("testcase")} == {"locust_cw.rules"}


@pytest.mark.parametrize("is_unreliable", [True, False])
def test_the_verdict_is_a_test_case_that_fails_if_it_decides(tmp_path, is_unreliable):
    path = tmp_path / "junit.xml"
    verdict = Verdict(
        (Reason(State.SUSPECT, "worker a\x00b was silent", ""), Reason(State.SUSPECT, "users were short", ""))
    )
    run = Judged("run-1", (), None, 1.0, Outcome(), verdict, is_unreliable)
    write_junit(str(path), [run])
    (case,) = ET.parse(path).getroot().iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("locust_cw.verdict", "the run can be relied on")
    (said,) = case
    assert said.tag == ("failure" if is_unreliable else "system-out")
    assert "worker a?b was silent\nusers were short" in said.text
    write_junit(str(path), [Judged("run-1", (), None, 1.0, Outcome(), VALID)])
    assert ET.parse(path).getroot().find(".//system-out").text == "valid"


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_any_text_makes_xml_that_can_be_read(tmp_path_factory, label, message):
    path = tmp_path_factory.getbasetemp() / "any.xml"
    hostile = one("p95 < 3", RuleState.BROKEN, failed=True, message=message)
    write_junit(str(path), [Judged("run-1", ((label, message),), 1.0, 1.0, Outcome(rules=(hostile,)))])
    (failure,) = ET.parse(path).getroot().iter("failure")
    assert len(failure.get("message")) == len(message)


def test_json_has_what_became_of_each_rule(tmp_path):
    path = tmp_path / "rules.json"
    write_json(str(path), [RUN])
    document = json.loads(path.read_text())
    assert document["version"] == 1
    (run,) = document["runs"]
    assert (run["run_id"], run["failed"], run["labels"], run["duration_s"]) == (
        "run-1",
        True,
        {"branch": "größe"},
        12.346,
    )
    assert (run["verdict"], run["unreliable"], run["stopped_by"]) == (None, False, None)
    assert [(rule["state"], rule["failed"]) for rule in run["rules"]] == [
        ("passed", False),
        ("broken", True),
        ("broken", False),
        ("no data", True),
        ("no data", False),
    ]
    assert run["rules"][0] == {
        "name": "p95(POST /a&b) < 300 ms",
        "rule": "p95(POST /a&b) < 300 ms",
        "severity": "fail",
        "state": "passed",
        "failed": False,
        "observed": 12.5,
        "limit": 300.0,
        "requests": 7,
        "message": "seen",
    }


def test_a_file_that_can_not_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "rules.json"
    write_json(str(path), [RUN])
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(str(path), [])
    assert path.read_bytes() == before


def test_a_check_makes_the_folder_and_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a/b/junit.xml")
    assert list((tmp_path / "a/b").iterdir()) == []
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        check_writable(tmp_path / "file" / "junit.xml")


@pytest.mark.parametrize(("mode", "said"), [(0o700, "may"), (0o500, "PermissionError")])
def test_a_check_finds_a_folder_that_can_not_be_written(mode, said):
    # Not in `tmp_path`, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        Path(folder).chmod(mode)
        command = [sys.executable, "-c", CHECK_AS_NOBODY, f"{folder}/junit.xml", str(NOBODY)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{said}\n", done.stderr
