"""What the end of a process has parts do in several steps (`live/end.py`), in one call for tests of one part."""

from __future__ import annotations

from collections.abc import Callable

from locust_cw_dist.core.rules.evaluation import Evaluation
from locust_cw_dist.core.rules.outcome import Outcome
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.live.records.record_writer import RecordWriter
from locust_cw_dist.live.rules.rule_watch import REPORTS, RuleWatch


def stop(publisher: Publisher) -> None:
    """Send nothing any more: what is here goes to disk or is booked as dropped."""
    publisher.stop_sending()
    publisher.store_rest()
    publisher.book_rest()


def close_record(writer: RecordWriter) -> None:
    """Write what waits and the end of the record, and nothing any more."""
    writer.write_rest()
    writer.write_end()
    writer.upload(20.0)
    writer.close_files()


def finish_rules(watch: RuleWatch, fails_if: Callable[[State], bool]) -> None:
    """Judge all that has come, log each outcome that is new, and write the files."""
    watch.judge_rest()
    watch.log_all()
    for setting in REPORTS:
        watch.write_report(setting, fails_if)


def outcome_of(evaluation: Evaluation) -> Outcome:
    """What the rules say, as things stand."""
    return evaluation.outcome_of(tuple(evaluation.outcomes()))
