"""The judge on the publisher's bench: told of closed windows, never in the way of the hub."""

from __future__ import annotations

import gc
import json
import logging
import os
import time
from types import SimpleNamespace

import gevent
import pytest

from locust_cw_dist.core.rules.outcome import RuleState
from locust_cw_dist.core.verdict.verdict import VALID, State
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.rules import report_files
from locust_cw_dist.live.rules import rule_watch as judge_module
from locust_cw_dist.live.rules.rule_watch import RuleWatch
from locust_cw_dist.testing import ScriptedSink
from support.publishing.endings import finish_rules
from support.publishing.publisher import NOW_S, Bench, wait_until_gevent


class JudgeBench(Bench):
    """A bench whose publisher has its windows judged."""

    def __init__(self, *rules, runner=None, **settings):
        # Otherwise the block at the end of a run has the rules, and not the log.
        super().__init__(ScriptedSink(), rule=rules, summary="json", **settings)
        self.runner = runner or SimpleNamespace(quit=lambda: None)
        environment = SimpleNamespace(runner=self.runner, web_ui=None, parsed_options=None, shape_class=None)
        self.judge = RuleWatch(environment, self.settings, self.runs, self.clock, self.once)
        self.publisher.on_closed.append(self.judge.take)
        self.judge.open()

    def tick(self, seconds=30.0):
        self.clock.time_s += seconds
        self.publisher.tick()

    def finish(self, fails_if=lambda _: False):
        self.flush()
        finish_rules(self.judge, fails_if)
        return [outcome for _, outcome in self.judge.outcomes()]

    @property
    def only(self):
        """What became of the only rule in the only run; ends the bench."""
        (outcome,) = self.finish()
        (one,) = outcome.rules
        return one


def test_what_is_closed_is_judged_late_results_too():
    bench = JudgeBench("count(/a) > 5")
    bench.deliver("/a", "/b", count=3)
    bench.tick()
    bench.deliver("/a", count=4)
    one = bench.only
    assert (one.state, one.observed) == (RuleState.PASSED, 7)
    assert bench.judge.has_seen_all


def test_rules_see_names_as_the_user_grouped_and_selected_them():
    bench = JudgeBench("count(/item) >= 1", groups=(("/item/[0-9]+", "/item"),), exclude=("/b",))
    bench.deliver("/item/1", "/item/2", "/b", count=2)
    assert bench.only.observed == 4


def test_without_rules_nothing_is_kept_and_nothing_is_said(caplog):
    bench = JudgeBench()
    bench.deliver("/a")
    assert bench.finish() == []
    assert not bench.judge._waiting
    assert "rules" not in caplog.text


def test_a_run_of_an_earlier_master_is_not_judged():
    bench = JudgeBench("count > 5")
    bench.deliver("/a", count=9)
    bench.runs.get(bench.run.run_id).is_own = False
    assert bench.finish() == []


def test_the_table_is_said_once_and_again_if_it_has_changed(caplog):
    bench = JudgeBench("count > 5")
    bench.deliver("/a", count=3)
    bench.tick()
    bench.run.logged = bench.balance
    caplog.set_level(logging.INFO)

    def told():
        bench.judge.log_settled()
        return "rules of run" in caplog.text

    with gevent.Timeout(10):
        while not told():
            gevent.sleep(0.01)
    bench.judge.log_settled()
    assert caplog.text.count("0 of 1 passed, 1 failed") == 1
    bench.deliver("/a", count=30)
    bench.finish()
    assert caplog.text.count("1 of 1 passed") == 1
    assert [record.levelname for record in caplog.records if "rules of run" in record.message] == ["WARNING", "INFO"]


def test_a_broken_rule_has_the_runner_quit_once_and_in_a_greenlet_of_its_own():
    quits = []
    bench = JudgeBench(
        "count < 2, abort_after_s=0", runner=SimpleNamespace(quit=lambda: quits.append(gevent.getcurrent()))
    )
    bench.start()
    for _ in range(3):
        bench.deliver("/a", count=5)
        bench.tick()
        gevent.sleep(0.05)
    wait_until_gevent(lambda: quits)
    gevent.sleep(0.05)
    assert len(quits) == 1
    assert quits[0] is not gevent.getcurrent()
    assert quits[0] not in bench.judge._greenlets
    (outcome,) = bench.finish()
    assert outcome.aborted_by.name == "count < 2"


def test_a_rule_that_is_broken_after_the_stop_stops_nothing():
    quits = []
    bench = JudgeBench("count < 2, abort_after_s=0", runner=SimpleNamespace(quit=lambda: quits.append(1)))
    bench.deliver("/a", count=5)
    bench.runs.stop(NOW_S + 1)
    bench.finish()
    assert quits == []


def test_a_runner_that_can_not_be_stopped_is_logged(caplog):
    def fails():
        raise RuntimeError("no")

    bench = JudgeBench("count < 2, abort_after_s=0", runner=SimpleNamespace(quit=fails))
    bench.start()
    bench.deliver("/a", count=5)
    bench.tick()
    wait_until_gevent(lambda: "could not stop the test" in caplog.text)
    bench.finish()


def test_files_say_what_became_of_the_run(tmp_path):
    paths = {"junit": str(tmp_path / "out" / "j.xml"), "rules_json": str(tmp_path / "out" / "r.json")}
    bench = JudgeBench("count > 5", **paths)
    bench.deliver("/a", count=7)
    bench.run.stopped_s = NOW_S + 9
    bench.run.verdict = VALID
    bench.finish(lambda state: state is State.VALID)
    (run,) = json.loads((tmp_path / "out" / "r.json").read_text())["runs"]
    assert (run["run_id"], run["duration_s"]) == (bench.run.run_id, 9)
    assert (run["verdict"], run["unreliable"]) == ({"state": "valid", "reasons": []}, True)
    assert (tmp_path / "out" / "j.xml").exists()


@pytest.mark.parametrize("setting", ["junit", "rules_json"])
def test_a_file_that_can_not_be_written_is_found_before_the_run(tmp_path, setting):
    with pytest.raises(SettingsError, match=f"--cw-{setting.replace('_', '-')}: got .*, must be a file that can be wr"):
        JudgeBench("count > 5", **{setting: str(tmp_path)})


def test_a_disk_that_fails_at_the_end_is_told_and_stops_nothing(tmp_path, caplog, monkeypatch):
    bench = JudgeBench("count > 5", junit=str(tmp_path / "j.xml"), rules_json=str(tmp_path / "r.json"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_files, "write_junit", full)
    bench.finish()
    assert f"{tmp_path / 'j.xml'} can't be written ([Errno 28] No space left on device)" in caplog.text
    assert (tmp_path / "r.json").exists()


def test_a_disk_that_hangs_at_the_end_is_left_alone(tmp_path, caplog, monkeypatch):
    released, release = os.pipe()
    bench = JudgeBench("count > 5", rules_json=str(tmp_path / "r.json"))
    monkeypatch.setattr(judge_module, "LAST_DISK_S", 0.05)
    monkeypatch.setattr(report_files, "write_json", lambda *_: os.read(released, 1))
    try:
        with gevent.Timeout(20):
            bench.finish()
    finally:
        os.write(release, b"1")
    assert "can't be written (the disk took too long)" in caplog.text


def test_what_can_not_be_judged_is_known(caplog, monkeypatch):
    bench = JudgeBench("count > 5")

    def fails(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(judge_module.Evaluation, "observe", fails)
    bench.deliver("/a")
    bench.finish()
    assert not bench.judge.has_seen_all
    assert caplog.text.count("could not judge a window by the rules") == 1


def test_of_older_runs_the_outcome_is_kept_and_nothing_else():
    bench = JudgeBench("count > 1")
    bench.start()
    for number in range(5):
        bench.deliver("/a", count=1)
        bench.tick()
        gevent.sleep(0.05)
        bench.runs.stop(bench.clock.time_s)
        if number < 4:
            bench.run = bench.runs.start(bench.clock.time_s, "-", ())
            bench.recorded = 0
    outcomes = bench.finish()
    assert [outcome.rules[0].observed for outcome in outcomes] == [1, 1, 1, 1, 1]
    evaluations = [judged.evaluation for judged in bench.judge._judged.values() if judged.evaluation is not None]
    assert 0 < len(evaluations) <= judge_module.MAX_OPEN_RUNS


def test_the_hub_is_given_back_again_and_again_at_a_thousand_endpoints(request):
    # Python's search for garbage looks at all that the tests before have left.
    gc.disable()
    request.addfinalizer(gc.enable)
    rules = [f"p95(/{digit}.*) < 500, window_s=60" for digit in range(10)] + ["p99 < 500, window_s=300", "rps > 1"]
    bench = JudgeBench(*rules)
    bench.start()
    names = [f"/{number}" for number in range(1_000)]
    held_s = 0.0
    turns = 0
    ended = gevent.event.Event()

    def look_on():
        nonlocal held_s, turns
        while not ended.is_set():
            began_s = time.thread_time()
            gevent.sleep(0)
            held_s += time.thread_time() - began_s
            turns += 1

    for at in range(3):
        bench.deliver(*names, count=20, at_s=NOW_S + 10 * at)
    bench.clock.time_s += 60
    # Windows are handed over, and only then one looks on: closing them is the publisher's business.
    for window in bench.collector.close(bench.clock.time_s):
        bench.judge.take(window)
    watch = gevent.spawn(look_on)
    with gevent.Timeout(30):
        while not bench.judge.has_seen_all:
            gevent.sleep(0.01)
    ended.set()
    watch.join()
    # On average; the benchmark looks at the longest one.
    assert turns > 3
    assert held_s / turns < 0.010
