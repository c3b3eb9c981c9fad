"""Files that say what became of the rules: JUnit XML for a CI server, JSON for a script. Every function here blocks.

A file is whole or not there: it is written under another name first. docs/rules.md has both forms.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Severity
from locust_cw_dist.core.verdict.verdict import Verdict
from locust_cw_dist.live.platform.files import write_whole

VERSION = 1
"""Of the JSON's form: raised when a reader of the old one would be misled."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One run, and what became of its rules.

    Attributes:
        run_id: The run.
        labels: The user's labels.
        started_s: When its test started, seconds since the epoch; None if it never did.
        duration_s: How long it went on.
        outcome: What became of the rules.
        verdict: What is to be thought of the run itself; None if nobody said.
        is_unreliable: Whether the run fails for its verdict.
    """

    run_id: str
    labels: tuple[tuple[str, str], ...]
    started_s: float | None
    duration_s: float
    outcome: Outcome
    verdict: Verdict | None = None
    is_unreliable: bool = False


def write_junit(path: str, runs: Iterable[Judged]) -> None:
    """Write JUnit XML: a test suite for each run, a test case for each rule and one for the verdict on the run itself.

    Raises:
        OSError: The disk did not take it.
    """
    root = ET.Element("testsuites", name="locust-cw rules")
    for run in runs:
        root.append(_suite(run))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root)
    write_whole(Path(path), ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def write_json(path: str, runs: Iterable[Judged]) -> None:
    """Write JSON.

    Raises:
        OSError: The disk did not take it.
    """
    document = {"version": VERSION, "runs": [_run(run) for run in runs]}
    write_whole(Path(path), (json.dumps(document, indent=2) + "\n").encode())


def rule_document(one: RuleOutcome) -> dict[str, Any]:
    """Return what became of a rule, as JSON has it."""
    rule = one.rule
    return {
        "name": rule.name,
        "rule": rule.text(),
        "severity": rule.severity.value,
        "state": one.state.value,
        "failed": one.failed,
        "observed": one.observed,
        "limit": rule.limit,
        "requests": one.requests,
        "message": one.message,
    }


def rules_of_record(outcome: Outcome) -> list[dict[str, Any]]:
    """Return what became of the rules, as the record of a run has it (docs/record.md)."""
    return [rule_document(one) | {"state": _state_of_record(one.state, one.rule.severity)} for one in outcome.rules]


def _state_of_record(state: RuleState, severity: Severity) -> str:
    if state is RuleState.BROKEN:
        return "failed" if severity is Severity.FAIL else "warned"
    return state.value


def _run(run: Judged) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "run_id": run.run_id,
        "labels": dict(run.labels),
        "started_s": run.started_s,
        "duration_s": round(run.duration_s, 3),
        "failed": outcome.failed,
        "failures_decided": outcome.failures_decided,
        "verdict": None if run.verdict is None else run.verdict.as_json(),
        "unreliable": run.is_unreliable,
        "stopped_by": None if outcome.aborted_by is None else outcome.aborted_by.name,
        "rules": [rule_document(one) for one in outcome.rules],
    }


def _suite(run: Judged) -> ET.Element:
    cases = [_case(one) for one in run.outcome.rules]
    if run.verdict is not None:
        cases.append(_verdict(run.verdict, is_unreliable=run.is_unreliable))
    counts = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped")}
    suite = ET.Element(
        "testsuite",
        name=f"run {run.run_id}",
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors="0",
        skipped=str(counts["skipped"]),
        time=f"{run.duration_s:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("run_id", run.run_id), *run.labels):
        ET.SubElement(properties, "property", name=_xml(name), value=_xml(value))
    suite.extend(cases)
    return suite


def _case(one: RuleOutcome) -> ET.Element:
    case = ET.Element("testcase", classname="locust_cw.rules", name=_xml(one.rule.name), time="0")
    text = f"{one.rule.text()}: {one.message}"
    if one.failed:
        kind = "broken" if one.state is RuleState.BROKEN else "no data"
        ET.SubElement(case, "failure", type=kind, message=_xml(one.message)).text = _xml(text)
    elif one.state is RuleState.NO_DATA:
        ET.SubElement(case, "skipped", message=_xml(f"no data: {one.message}"))
    else:
        warned = "WARNING: broken: " if one.state is RuleState.BROKEN else ""
        ET.SubElement(case, "system-out").text = _xml(f"{warned}{text}")
    return case


def _verdict(verdict: Verdict, *, is_unreliable: bool) -> ET.Element:
    case = ET.Element("testcase", classname="locust_cw.verdict", name="the run can be relied on", time="0")
    reasons = [_xml(reason.text) for reason in verdict.reasons]
    if is_unreliable:
        failure = ET.SubElement(case, "failure", type=verdict.state.word, message="; ".join(reasons))
        failure.text = "\n".join(reasons)
    else:
        ET.SubElement(case, "system-out").text = "\n".join([verdict.state.word, *reasons])
    return case


def _xml(text: str) -> str:
    """Return a text with nothing in it that XML can't hold."""
    return "".join(char if char.isprintable() else "?" for char in text)
