"""A comparison for machines: JSON for scripts, JUnit XML for CI servers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from locust_cw_dist.tools.comparison.compare import Change
from locust_cw_dist.tools.comparison.coverage import Gap, Kind
from locust_cw_dist.tools.comparison.gate import Decision
from locust_cw_dist.tools.comparison.outcome import Outcome
from locust_cw_dist.tools.comparison.words import endings, failed, headline, interval, label, not_judged, why


def document_of(outcome: Outcome) -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    decision = outcome.decision or Decision()
    return {
        "bases": [base.run_id for base in outcome.bases],
        "candidate": outcome.candidate.run_id,
        "headline": headline(outcome),
        "outlook": {
            "unclear": outcome.outlook.unclear,
            "longer_s": outcome.outlook.longer_s,
            "more_base_runs": outcome.outlook.more_bases,
        },
        "warnings": list(outcome.warnings),
        "failed": len(decision.worse) + len(decision.missing),
        "exit_code": outcome.code,
        "gate": None
        if outcome.decision is None
        else {"failed": failed(decision), "not_judged": not_judged(decision), "ending": endings(decision)[0]},
        "missing": [_gap_json(gap, decision) for gap in outcome.gaps if gap.kind is Kind.MISSING],
        "too_few": [_gap_json(gap, decision) for gap in outcome.gaps if gap.kind is Kind.TOO_FEW],
        "new": [_gap_json(gap, decision) for gap in outcome.gaps if gap.kind is Kind.NEW],
        "changes": [_json(change, failed=change in decision.worse) for change in outcome.changes],
    }


def _gap_json(gap: Gap, decision: Decision) -> dict[str, Any]:
    name, method = gap.endpoint
    return {
        "name": name,
        "method": method,
        "base_requests": gap.base_requests,
        "candidate_requests": gap.candidate_requests,
        "figures": [figure.name for figure in gap.figures],
        "reason": why(gap, gap.figures),
        "failed": gap in decision.missing,
        "not_judged": [figure.name for one, figures in decision.not_judged if one is gap for figure in figures],
    }


def _json(change: Change, *, failed: bool) -> dict[str, Any]:
    name, method = change.endpoint
    return {
        "name": name,
        "method": method,
        "figure": change.figure.name,
        "unit": change.figure.unit,
        "base": round(change.base, 6),
        "candidate": round(change.candidate, 6),
        "change": round(change.change, 4),
        "change_unit": "percent" if change.figure.is_ratio else "percentage points",
        "low": round(change.low, 4),
        "high": round(change.high, 4),
        "state": change.state.value,
        "requests": change.requests,
        "failed": failed,
    }


def junit_of(outcome: Outcome) -> bytes:
    """Return a comparison as JUnit XML: a test case for each row, and one for what could not be judged."""
    decision = outcome.decision or Decision()
    cases = [_case(change, is_failed=change in decision.worse) for change in outcome.changes]
    cases += [
        _failure(f"{label(gap.endpoint)} is there", "missing", failed(Decision(missing=(gap,))))
        for gap in decision.missing
    ]
    unjudged = not_judged(decision)
    cases.append(_failure("everything could be judged", "not judged", unjudged) if unjudged else _said(outcome))
    return _document(cases, outcome.candidate.run_id)


def junit_of_error(reason: str) -> bytes:
    """Return as JUnit XML why there is no comparison."""
    return _document([_failure("the runs could be compared", "error", [reason])], "-")


def _document(cases: list[ET.Element], run_id: str) -> bytes:
    failures = str(sum(case.find("failure") is not None for case in cases))
    counts = {"tests": str(len(cases)), "failures": failures, "errors": "0", "skipped": "0"}
    root = ET.Element("testsuites", counts, name="locust-cw compare")
    suite = ET.SubElement(root, "testsuite", counts, name=_xml(f"run {run_id}"))
    suite.extend(cases)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(change: Change, *, is_failed: bool) -> ET.Element:
    name = f"{change.figure.title} of {label(change.endpoint)}"
    text = f"{change.state.value}: {interval(change)}"
    if is_failed:
        return _failure(name, "worse", [text])
    case = ET.Element("testcase", classname="locust_cw.compare", name=_xml(name), time="0")
    ET.SubElement(case, "system-out").text = _xml(text)
    return case


def _said(outcome: Outcome) -> ET.Element:
    case = ET.Element("testcase", classname="locust_cw.compare", name="everything could be judged", time="0")
    ET.SubElement(case, "system-out").text = _xml(headline(outcome))
    return case


def _failure(name: str, kind: str, lines: list[str]) -> ET.Element:
    case = ET.Element("testcase", classname="locust_cw.compare", name=_xml(name), time="0")
    text = _xml("; ".join(lines))
    ET.SubElement(case, "failure", type=kind, message=text).text = text
    return case


def _xml(text: str) -> str:
    """Return a text with nothing in it that XML can't hold."""
    return "".join(char if char.isprintable() else "?" for char in text)
