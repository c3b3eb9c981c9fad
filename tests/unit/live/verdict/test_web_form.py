"""Which run time a run has, by what the form of Locust's own web UI asked for."""

from __future__ import annotations

from types import SimpleNamespace

import gevent
import pytest
from locust import User, constant, task
from locust.argument_parser import get_parser
from locust.env import Environment

from locust_cw_dist.core.master.collector import Collector
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.runs import Runs
from locust_cw_dist.live.verdict.health_watch import HealthWatch
from locust_cw_dist.testing import ManualClock


class Idle(User):
    wait_time = constant(1)

    @task
    def rest(self):
        pass


class WebRuns:
    """Runs of a real runner and a real web UI, whose form is answered without a socket."""

    def __init__(self):
        self.clock = ManualClock()
        self.environment = Environment(user_classes=[Idle], parsed_options=get_parser().parse_args([]))
        self.runner = self.environment.create_local_runner()
        self.web_ui = self.environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
        self.runs = Runs(self.clock.now_s(), "-")
        self.watch = HealthWatch(self.environment, self.runs, self.clock, LogOnce())
        source = SimpleNamespace(collector=Collector(resolution_s=1, grace_s=15), without_plugin=set())
        source.count, source.has_no_worker = lambda: (1, 1), lambda: False
        self.watch.start(source)
        self.started = 0
        self.environment.events.test_start.add_listener(self._begin)
        self.environment.events.test_stop.add_listener(lambda **_: self.runs.stop(self.clock.now_s()))

    def _begin(self, **_):
        self.watch.begin(self.runs.start(self.clock.now_s(), "-", ()), ())
        self.started += 1

    def ask(self, **form):
        """Send the form; return when the test that it starts has begun."""
        started = self.started + (not self.runs.current.is_running)
        answer = self.web_ui.app.test_client().post("/swarm", data={"user_count": 1, "spawn_rate": 1, **form})
        assert answer.get_json()["success"]
        self._wait_for(started)

    def start_by_code(self):
        self.runner.start(1, 1)
        self._wait_for(self.started + 1)

    def _wait_for(self, started):
        with gevent.Timeout(30):
            while self.started < started:
                gevent.sleep(0.01)

    def close(self):
        self.watch.close()
        self.runner.quit()


@pytest.fixture
def web(monkeypatch):
    monkeypatch.setattr("sys.argv", ["locust"])  # which Locust reads for its form
    web = WebRuns()
    yield web
    web.close()


def test_a_run_without_a_run_time_does_not_have_that_of_the_run_before(web):
    web.ask(run_time="30s")
    assert web.watch.run_time_s == 30
    web.runner.stop()
    web.ask(run_time="")
    assert web.environment.parsed_options.run_time == 30, "Locust keeps it there"
    assert web.watch.run_time_s is None
    web.runner.stop()
    web.ask(run_time="1m")
    assert web.watch.run_time_s == 60


def test_neither_does_one_that_code_of_the_users_starts(web):
    web.ask(run_time="30s")
    web.runner.stop()
    web.start_by_code()
    assert web.watch.run_time_s is None


def test_a_change_of_a_running_test_counts_from_then_on(web):
    web.ask(run_time="30s")
    web.clock.advance(10)
    web.ask(run_time="1m", user_count=2)
    assert web.watch.run_time_s == 70
    web.ask(user_count=1)
    # Newer versions cancel the run time then.
    assert web.watch.run_time_s == (None if hasattr(web.web_ui, "_cancel_run_time_timer") else 70)


def test_without_the_form_it_is_the_options(web):
    web.environment.parsed_options.run_time = 40
    web.start_by_code()
    assert web.watch.run_time_s == 40
    web.ask(user_count=2)
    assert web.watch.run_time_s == 40, "of --autostart, which nothing cancels"


def test_nothing_of_it_is_left_in_the_web_ui(web):
    listeners = web.web_ui.app.after_request_funcs[None]
    before = len(listeners)
    web.watch.close()
    assert len(listeners) == before - 1
