"""What docs/rules.md says of rules is so."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET

import pytest

from locust_cw_dist.core.progress.end_block import rule_lines
from locust_cw_dist.core.progress.plain_text import UNICODE
from locust_cw_dist.core.rules.messages import label_of
from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Figure, RuleError
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.rules.rule_toml import DEFAULT_KEYS, RULE_KEYS, rule_set
from locust_cw_dist.core.verdict.exit_codes import Facts
from locust_cw_dist.core.verdict.exit_reason import LastWord
from locust_cw_dist.live.rules.report_files import Judged, rule_document, write_json, write_junit
from support.cluster.processes import unwrapped
from support.pages.readme import ROOT, blocks

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs/rules.md").read_text()
(FILE,) = (block.text for block in blocks("toml", "docs/rules.md"))
RULES = rule_set(tomllib.loads(FILE)).rules


def rows(heading):
    """The first cells of the table below a line of headings."""
    lines = PAGE.split(heading)[1].splitlines()[2:]
    return [line.split("|")[1].strip() for line in lines[: lines.index("")]]


def test_every_rule_that_the_page_shows_can_be_read():
    shown = set(re.findall(r"`((?:p[0-9.]+|mean|max|rps|count|failure_ratio)\b[^`]* [<>]=? [^`]+)`", PAGE))
    shown |= {text for line in re.findall(r"--cw-rule .*", PAGE) for text in re.findall(r'--cw-rule "([^"]+)"', line)}
    assert len(shown) >= 9
    for text in shown:
        assert parse(text)


def test_all_figures_and_keys_are_in_its_tables():
    figures = {name for cell in rows("| figure | unit of the limit | what |") for name in re.findall(r"`(\w+)", cell)}
    assert figures == {"p95", "p99", *map(str, set(Figure) - {Figure.PERCENTILE})}
    keys = [key for cell in rows("| key of a `[[rule]]` | what |") for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(RULE_KEYS)
    told = PAGE.split("`[defaults]` takes ")[1].split(", for rules")[0]
    assert set(re.findall(r"`(\w+)`", told)) == set(DEFAULT_KEYS)


def test_the_wrong_rule_is_refused_with_the_line_that_it_shows():
    (line,) = (block.text.strip() for block in blocks("text", "docs/rules.md") if "error:" in block.text)
    with pytest.raises(RuleError) as refused:
        rule_set(tomllib.loads(FILE.replace("40 ms", "40 msec")))
    assert line == f"locust: error: argument --cw-rules: rules.toml: {refused.value}"


@pytest.fixture
def shown():
    """Its block of the last lines, and the outcome that it shows."""
    (shown,) = (block.text for block in blocks("text", "docs/rules.md") if "✗ rules: " in block.text)
    states = {"FAILED": RuleState.BROKEN, "passed": RuleState.PASSED, "WARNING": RuleState.BROKEN}
    entries = unwrapped(shown).splitlines()
    outcomes = []
    for rule in RULES:
        (entry,) = (entry for entry in entries if f" {label_of(rule)}: " in entry)
        word, message = entry.split()[1], entry.partition(f"{label_of(rule)}: ")[2]
        state = RuleState.NO_DATA if message.startswith("no such") else states[word]
        # Only the first one's numbers are shown elsewhere.
        outcomes.append(
            RuleOutcome(
                rule=rule,
                state=state,
                observed=313.91499999999996,
                requests=520,
                message=message,
                failed=word == "FAILED",
            )
        )
    return shown.splitlines(), Outcome(rules=tuple(outcomes), failures_decided=True)


def test_the_last_lines_are_what_the_program_writes(shown):
    (*lines, last), outcome = shown
    assert lines == rule_lines(outcome, UNICODE)
    facts = Facts(outcomes=(outcome,))
    assert last == f"✗ {LastWord(code=3, reason='a rule failed', facts=facts).line()}"


def test_the_files_are_what_the_program_writes(shown, tmp_path):
    _, outcome = shown
    run = Judged("20261126T140857Z-be88d138", (), 1.0, 60.0, outcome)
    write_json(str(tmp_path / "rules.json"), [run])
    write_junit(str(tmp_path / "junit.xml"), [run])
    (document,) = (json.loads(block.text) for block in blocks("json", "docs/rules.md"))
    assert document == rule_document(outcome.rules[0])
    (written,) = json.loads((tmp_path / "rules.json").read_text())["runs"]
    told = PAGE.split("A run has ")[1].split(":\n")[0]
    assert set(re.findall(r"`(\w+)`", told)) - {"state", "reasons"} == written.keys()
    (xml,) = (block.text for block in blocks("xml", "docs/rules.md"))
    case = ET.parse(tmp_path / "junit.xml").getroot().find(".//testcase")
    assert ET.canonicalize(xml, strip_text=True) == ET.canonicalize(ET.tostring(case), strip_text=True)
