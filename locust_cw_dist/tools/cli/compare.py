"""`locust-cw compare`: what changed between runs, from their records; and whether a build fails for it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.tools.cli import records
from locust_cw_dist.tools.comparison.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust_cw_dist.core.records.location import S3Location
    from locust_cw_dist.core.records.record import Record
    from locust_cw_dist.tools.comparison.compare import Change, Choices
    from locust_cw_dist.tools.comparison.coverage import Gap
    from locust_cw_dist.tools.comparison.gate import Decision
    from locust_cw_dist.tools.comparison.outcome import Outcome

MAX_WINDOWS = 512
"""Points of a run that is compared; thirty blocks of them are enough."""

MAX_DIGITS = 13
"""Of a number of requests; nothing sends more."""

STDOUT = Path("-")

LAST = 5
"""Base runs where the user does not say how many; more tell little more of how much runs differ."""

_DESCRIPTION = """\
Compare the run records of one base run or several with that of a candidate: p50, p95, p99, mean, failure ratio and
requests per second of each endpoint. Each change has an interval that allows for requests that depend on each other,
and for what differs between base runs if there are several. What got worse or better by more than --min-change comes
first.
"""
_EPILOG = """\
examples:
  locust-cw compare main.cwrecord branch.cwrecord
  locust-cw compare monday.cwrecord tuesday.cwrecord wednesday.cwrecord branch.cwrecord
      three base runs: what differs among them counts as noise
  locust-cw compare last/ records/ --fail-on p95=10 --fail-on failures --html compare.html
      for CI: exit code 3 if a p95 is over 10 % higher, or a failure ratio higher by more than the threshold
  locust-cw compare records/ --last 5
      the newest run there against the five before it
  locust-cw compare records/ --base label:branch=main --fail-on any --markdown compare.md
      the newest run there against the newest ones of the main branch before it
  locust-cw compare s3://perf-records/checkout/main/ s3://perf-records/checkout/branch/ --fail-on any
      the newest record below each prefix
  locust-cw compare main.cwrecord branch.cwrecord --json > compare.json

exit code: 0 compared, and nothing fails by --fail-on; 3 something does, or an endpoint of the base is missing; 4 with
--fail-on only: an endpoint has too little to judge, or a run was cut short or is invalid; 1 a record can't be read; 2 a
wrong option
"""


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="compare runs from their records, and gate on it",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_runs(parser)
    _add_choices(parser)
    _add_gate(parser)
    _add_outputs(parser)
    parser.set_defaults(run=run)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        nargs="+",
        type=records.place,
        metavar="RECORD",
        help="base runs and, last, the candidate, which is judged (a folder alone: its newest record and those before "
        f"it); each {records.HELP}",
    )
    parser.add_argument(
        "--last",
        type=records.whole_number,
        metavar="N",
        help=f"take the newest N runs before the candidate from each base folder (a folder alone: {LAST})",
    )
    parser.add_argument(
        "--base",
        type=_base,
        action="append",
        default=[],
        metavar="label:KEY=VALUE",
        help="take base runs with this label only; can be repeated",
    )


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fail-on",
        type=_gate,
        action="append",
        default=[],
        metavar="FIGURE[=TOLERANCE]",
        help="exit with 3 if p50, p95, p99, mean, failures, rps or any of them got worse by more than the tolerance, "
        "in per cent (failures: points; default: what counts); can be repeated",
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="with --fail-on: endpoints of the base may be missing"
    )
    parser.add_argument(
        "--min-requests",
        type=_requests,
        default=0,
        metavar="N",
        help="with --fail-on: an endpoint that had fewer requests in every base run may be missing, or have too little "
        "to judge (default: 0)",
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots of the runs over each other")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write it as Markdown, for a pull request; - prints it",
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write it as JUnit XML, for a CI server")
    parser.add_argument("--all", action="store_true", help="show all endpoints, not the first 20")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    percent, points, confidence, seconds = (
        records.number_in(1, 1000, "%"),
        records.number_in(0.01, 100, "percentage points"),
        records.number_in(50, 99.99, "%"),
        records.number_in(0, 86_400, "seconds"),
    )
    parser.add_argument(
        "--min-change", type=percent, default=5.0, metavar="PERCENT", help="smallest change that counts (default: 5)"
    )
    parser.add_argument(
        "--min-failures",
        type=points,
        default=0.5,
        metavar="POINTS",
        help="the same of the failure ratio (default: 0.5)",
    )
    parser.add_argument(
        "--confidence", type=confidence, default=95.0, metavar="PERCENT", help="of all intervals together (default: 95)"
    )
    parser.add_argument(
        "--warm-up", type=seconds, default=0.0, metavar="SECONDS", help="leave out the beginning of each run"
    )
    parser.add_argument(
        "--successes", action="store_true", help="response times of successful requests only: fast failures flatter"
    )


def _gate(text: str) -> Gate:
    try:
        return Gate.parse(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _base(text: str) -> tuple[str, str]:
    kind, colon, rest = text.partition(":")
    if kind == "label" and colon:
        return records.label_of(rest)
    raise argparse.ArgumentTypeError(f"got {text!r}, must be label:KEY=VALUE")


def _requests(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text!r}, must be a whole number from 0 on")


def run(arguments: argparse.Namespace) -> int:
    """Compare, and show it.

    Returns:
        The exit code, as the help says.

    Raises:
        LocustCwError: A record can't be read, or the page not be written.
    """
    try:
        outcome = _compare(arguments)
    except LocustCwError as e:
        _write_reason(arguments, str(e))
        raise
    _write_files(arguments, outcome)
    if arguments.json:
        from locust_cw_dist.tools.comparison.machine_forms import document_of

        print(json.dumps(document_of(outcome), indent=2))
    elif arguments.markdown != STDOUT:
        _print_tables(outcome, all_endpoints=arguments.all)
    return outcome.code


def _write_reason(arguments: argparse.Namespace, reason: str) -> None:
    """Say in the files that were asked for why nothing was compared: in CI nobody looks at standard error."""
    if arguments.markdown is not None:
        from locust_cw_dist.tools.comparison.markdown import not_compared

        _write(arguments.markdown, not_compared(reason, 1))
    if arguments.junit is not None:
        from locust_cw_dist.tools.comparison.machine_forms import junit_of_error

        records.write(arguments.junit, junit_of_error(reason).decode())


def _write_files(arguments: argparse.Namespace, outcome: Outcome) -> None:
    if arguments.html is not None:
        _write_page(arguments.html, outcome)
    if arguments.markdown is not None:
        from locust_cw_dist.tools.comparison.markdown import markdown

        _write(arguments.markdown, markdown(outcome))
    if arguments.junit is not None:
        from locust_cw_dist.tools.comparison.machine_forms import junit_of

        records.write(arguments.junit, junit_of(outcome).decode())


def _write(path: Path, text: str) -> None:
    if path == STDOUT:
        print(text, end="")
    else:
        records.write(path, text)


def _compare(arguments: argparse.Namespace) -> Outcome:
    left_out: list[str] = []
    candidate = records.read(arguments.runs[-1], MAX_WINDOWS, left_out)
    bases = [records.read(place, MAX_WINDOWS, left_out) for place in _bases(arguments, candidate, left_out)]
    from locust_cw_dist.tools.comparison.compare import Choices

    choices = Choices(
        arguments.min_change, arguments.min_failures, arguments.confidence, arguments.warm_up, arguments.successes
    )
    outcome = outcome_of(bases, candidate, choices, left_out)
    if not arguments.fail_on:
        return outcome
    decision = _decide(arguments, [*bases, candidate], choices, outcome.changes, outcome.gaps, left_out)
    return replace(outcome, decision=decision)


def outcome_of(bases: Sequence[Record], candidate: Record, choices: Choices, left_out: Sequence[str] = ()) -> Outcome:
    """Compare runs, without a gate.

    Args:
        bases: One run or several.
        candidate: The run that is judged.
        choices: What counts.
        left_out: What could not be read, a line each.
    """
    from locust_cw_dist.tools.comparison import comparability
    from locust_cw_dist.tools.comparison.compare import compare
    from locust_cw_dist.tools.comparison.coverage import gaps_of
    from locust_cw_dist.tools.comparison.outcome import Outcome
    from locust_cw_dist.tools.comparison.outlook import outlook_of

    with records.progress("Comparing") as tick:
        changes = compare(bases, candidate, choices, tick)
    gaps = gaps_of(bases, candidate, choices, changes)
    warnings = [*left_out, *comparability.warnings(bases, candidate)]
    if not changes:
        warnings.append("no endpoint can be compared: each needs three windows and ten requests in every run")
    return Outcome(bases, candidate, choices, changes, gaps, warnings, outlook_of(changes, choices))


def _bases(arguments: argparse.Namespace, candidate: Record, left_out: list[str]) -> list[Path | S3Location]:
    """Return the base runs; where the user has not named them one by one, those before the candidate.

    Raises:
        LocustCwError: There are none, or a place can't be read.
    """
    from locust_cw_dist.tools.history.store import Cache, Run, default_cache, has_labels, newest_of

    named: list[Path | S3Location] = arguments.runs[:-1]
    if named and not arguments.last and not arguments.base:
        return named

    def accepts(run: Run) -> bool:
        summary = run.summary
        is_before = summary.run_id != candidate.run_id and summary.started_s <= candidate.start_s
        return is_before and summary.is_whole and has_labels(run, arguments.base)

    found: list[Path | S3Location] = []
    for place in named or arguments.runs:
        if isinstance(place, Path) and not place.is_dir():
            raise LocustCwError(f"{printable(place)}: it is no folder, so it needs a base: BASE... CANDIDATE")
        runs = newest_of(place, Cache(default_cache()), left_out, arguments.last or LAST, accepts)
        found += [run.place for run in runs]
    if not found:
        labels = "".join(f" with the label {key}={value}" for key, value in arguments.base)
        raise LocustCwError(
            printable(f"no run before {candidate.run_id}{labels} ended in order: nothing to compare with")
        )
    return found


def _decide(
    arguments: argparse.Namespace,
    runs: Sequence[Record],
    choices: Choices,
    changes: Sequence[Change],
    gaps: Sequence[Gap],
    left_out: Sequence[str],
) -> Decision:
    from locust_cw_dist.tools.comparison.comparability import doubts
    from locust_cw_dist.tools.comparison.coverage import without_results
    from locust_cw_dist.tools.comparison.gate import Allowed, decide

    empty = [f"run {run_id} has no results to compare" for run_id in without_results(runs, choices)]
    allowed = Allowed(arguments.allow_missing, arguments.min_requests)
    unreliable = [*left_out, *doubts(runs[:-1], runs[-1]), *empty]
    return decide(arguments.fail_on, changes, gaps, choices, allowed, unreliable)


def _write_page(path: Path, outcome: Outcome) -> None:
    from locust_cw_dist.tools.reporting.comparison import comparison_page

    with records.progress("Drawing") as tick:
        page = comparison_page(outcome, tick)
    records.write(path, page)


def _print_tables(outcome: Outcome, *, all_endpoints: bool) -> None:
    from locust_cw_dist.tools.comparison import terminal
    from locust_cw_dist.tools.comparison.words import headline

    console = terminal.make_console()
    bases = ", ".join(base.run_id for base in outcome.bases)
    console.print(f"base {bases}; candidate {outcome.candidate.run_id}", soft_wrap=True, markup=False)
    for warning in outcome.warnings:
        # Not on standard error: CI shows what is in the file.
        console.print(f"warning: {warning}", soft_wrap=True, markup=False)
    if outcome.changes:
        terminal.show(console, outcome.changes, outcome.choices, all_endpoints=all_endpoints)
    terminal.show_gaps(console, outcome.gaps, all_endpoints=all_endpoints)
    if len(outcome.bases) == 1:
        console.print(
            "One base run: what differs between any two runs is not in the intervals; give more.", style="dim"
        )
    console.print(headline(outcome), style="bold", soft_wrap=True, markup=False)
    if outcome.decision is not None:
        terminal.show_decision(console, outcome.decision)
