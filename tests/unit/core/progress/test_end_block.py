"""The last lines: what they hold, in which order, and how wide they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locust_cw_dist.core.progress.end_block import ProcessBlock, RunBlock
from locust_cw_dist.core.progress.figures_table import FiguresTable
from locust_cw_dist.core.progress.plain_text import ASCII, UNICODE
from locust_cw_dist.core.publish.ledger import Balance
from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Severity
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.verdict.exit_reason import LastWord
from locust_cw_dist.core.verdict.run_summary import RunSummary, Spending
from locust_cw_dist.core.verdict.verdict import Delivery, Evidence

SPENDING = Spending(calls=120, retries=3, ambiguous=0, datums=4_000, series=50, series_hours=100)
WHOLE = Balance(recorded=1_000, published=1_000, pending=0, spooled=0, late=0, dropped={})
SUMMARY = RunSummary("run-1", (("branch", "main"),), WHOLE, SPENDING, {})
URL = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?" + "x" * 300


def summary_of(successes, failures=0):
    summary = Summary()
    for value in successes:
        summary.record_success(value, None)
    for _ in range(failures):
        summary.record_failure(None, "HTTP 500")
    return summary


def rule(text, state, observed, message, *, severity=Severity.FAIL):
    failed = state is RuleState.BROKEN and severity is Severity.FAIL
    return RuleOutcome(
        rule=parse(text, severity=severity.value),
        state=state,
        observed=observed,
        requests=9,
        message=message,
        failed=failed,
    )


HOLDS = rule("p99 < 2000 ms", RuleState.PASSED, 900.0, "900 ms of 1,000 requests")
WARNS = rule("max < 1 s", RuleState.BROKEN, 1_400.0, "1,400 ms of 1,000 requests", severity=Severity.WARN)
FAILS = rule("p95(POST /checkout) < 300 ms", RuleState.BROKEN, 412.0, "412 ms of 300 requests")

BLOCK = RunBlock(
    summary=SUMMARY,
    host="http://shop",
    duration_s=603.0,
    figures=FiguresTable.of(
        {("/cart", "GET"): summary_of([4.0] * 700), ("/checkout", "POST"): summary_of([412.0] * 300)}
    ),
    outcome=Outcome(rules=(HOLDS, WARNS, FAILS)),
    graph_url=URL,
)


def test_whoever_reads_from_the_bottom_up_reads_the_most_important_first():
    last_word = LastWord(code=3, reason="a rule failed")
    commands = ("locust-cw report r.cwrecord", "locust-cw compare BASE r.cwrecord")
    lines = ProcessBlock(runs=[BLOCK], next_commands=commands, last_word=last_word).lines(UNICODE)
    assert lines == [
        "",
        "locust-cw: http://shop, 10 min 3 s, branch=main",
        "                  requests  failures  p50 ms  p95 ms  p99 ms  max ms",
        "GET /cart              700         0       4       4       4       4",
        "POST /checkout         300         0     412     412     412     412",
        "all together         1,000         0       4     412     412     412",
        "✓ run run-1: complete: 1000 of 1000 results published",
        "    120 PutMetricData calls, 4000 datums, 50 metrics: about $0.0423 (us-east-1,",
        "        prices of 2026-11)",
        "✗ rules: 1 of 3 passed, 1 failed",
        "    ✗ FAILED p95(POST /checkout) < 300 ms: 412 ms of 300 requests",
        "    ! WARNING max < 1000 ms: 1,400 ms of 1,000 requests",
        "    ✓ passed p99 < 2000 ms: 900 ms of 1,000 requests",
        "✓ verdict: valid",
        f"  CloudWatch: {URL}",
        "  next: locust-cw report r.cwrecord",
        "    or: locust-cw compare BASE r.cwrecord",
        "✗ exit code 3: a rule failed",
    ]


def test_what_was_lost_is_told_with_its_reason_and_a_link_only_of_what_was_published():
    evidence = Evidence(delivery=Delivery(unheard=(("worker-7", 1_800_000_000.0),)), cut_short="told to end after 9 s")
    balance = replace(WHOLE, published=900, dropped={"throttled by CloudWatch": 100})
    lines = RunBlock(summary=replace(SUMMARY, balance=balance, evidence=evidence), host="-").lines(UNICODE)
    assert "✗ run run-1: INCOMPLETE: 900 of 1000 results published" in lines
    assert "    100 dropped: throttled by CloudWatch" in lines
    assert "✗ verdict: invalid: cut short: told to end after 9 s" in lines
    assert not any("CloudWatch:" in line for line in lines)
    assert not any("rules" in line for line in lines)


def test_a_run_that_was_told_of_before_is_one_line_at_the_end():
    later = replace(BLOCK, summary=replace(SUMMARY, run_id="run-2"), outcome=None, graph_url=None)
    lines = ProcessBlock(earlier=[BLOCK], runs=[later], last_word=LastWord(code=0, reason="x")).lines(ASCII)
    assert "x run run-1: complete, valid, 1 of 3 passed, 1 failed" in lines
    assert "locust-cw: 2 runs in this process" in lines
    assert sum("run run-2" in line for line in lines) == 1
    assert lines[-1] == "+ exit code 0: x"


def test_a_block_that_no_longer_holds_is_replaced_by_name():
    suspect = replace(SUMMARY, evidence=Evidence(delivery=Delivery(doubtful=1)))
    lines = replace(BLOCK, summary=suspect, replaces_earlier=True).lines(ASCII)
    assert lines[1] == "locust-cw: http://shop, 10 min 3 s, branch=main, updated"
    assert [line for line in lines if "verdict" in line] == [
        "! verdict: suspect: up to 1 result may count twice: calls got no answer"
    ]


def test_where_there_is_nothing_to_tell_nothing_is_told():
    assert ProcessBlock().lines(UNICODE) == []


HOSTILE = "/a\x1b[2J\n\u202e" + "b" * 300


def test_every_line_fits_80_columns_whatever_names_are():
    summaries = {(f"{HOSTILE}{number}", "GET"): summary_of([8.64e7], failures=number) for number in range(300)}
    long_rules = tuple(rule(f"p95({'x' * 60}) < {n} ms", RuleState.BROKEN, 1.0, "y " * 200) for n in range(1, 60))
    block = replace(
        BLOCK, host=HOSTILE, figures=FiguresTable.of(summaries), outcome=Outcome(rules=long_rules), graph_url=None
    )
    lines = block.lines(UNICODE)
    assert "  and 290 more endpoints" in lines
    assert "    and 39 more rules" in lines
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
    assert all(line.isprintable() for line in lines)
    assert len(lines) < 200


@pytest.mark.parametrize(("requests", "failures"), [(0, 3), (2, 0)])
def test_an_endpoint_without_times_has_dashes(requests, failures):
    summary = Summary(untimed_successes=requests)
    for _ in range(failures):
        summary.record_failure(None, "HTTP 500")
    row, _ = FiguresTable.of({("/x", "GET"): summary}).rows
    assert (row.requests, row.failures, row.times_ms) == (requests + failures, failures, (None,) * 4)
    assert FiguresTable.of({("/x", "GET"): summary}).lines(UNICODE)[1].endswith("-       -       -       -")
