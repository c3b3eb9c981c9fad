"""A single process with the plugin and a web UI, asked without a socket."""

from __future__ import annotations

import logging
import time

import gevent
import pytest
from locust.argument_parser import get_parser
from locust.env import Environment

import locust_cw_dist
from locust_cw_dist.testing import RecordingClient
from support.cluster.processes import DEADLINE_S

STATE = "/cloudwatch/state.json"


class Site:
    """A single process with the plugin and a web UI."""

    def __init__(self, *, base_path="", login=False, **settings):
        self.environment = Environment(parsed_options=get_parser().parse_args([]))
        self.environment.create_local_runner()
        more = {"web_base_path": base_path} if base_path else {}
        self.web_ui = self.environment.create_web_ui("127.0.0.1", 0, delayed_start=True, web_login=login, **more)
        self.web_ui.app.secret_key = "test"
        if login:
            self.web_ui.login_manager.user_loader(lambda _: None)
        self.client = RecordingClient()
        chosen = locust_cw_dist.Settings(**{"service": "site", "resolution_s": 1} | settings)
        self.plugin = locust_cw_dist.install(self.environment, chosen, client=self.client)
        self.web = self.web_ui.app.test_client()

    def start(self):
        self.environment.events.test_start.fire(environment=self.environment)

    def stop(self):
        self.environment.events.test_stop.fire(environment=self.environment)

    def fire(self, name="/a", time_ms=20.0, exception=None):
        self.environment.events.request.fire(
            request_type="GET",
            name=name,
            response_time=time_ms,
            response_length=10,
            response=None,
            context={},
            exception=exception,
            start_time=time.time(),
            url=name,
        )

    def warn(self):
        logging.getLogger("locust_cw_dist").warning("locust-cw: a warning")

    def state(self, **asked):
        answer = self.web.get(STATE, query_string=asked)
        assert answer.status_code == 200
        return answer.get_json()

    def wait_for(self, condition, what):
        # By gevent: with pytest-xdist a thread's wait would hold the hub that is waited for.
        with gevent.Timeout(DEADLINE_S, AssertionError(f"not within {DEADLINE_S:g} s: {what}")):
            while not condition(self.state()):
                gevent.sleep(0.02)


@pytest.fixture(autouse=True)
def _no_options(monkeypatch):
    # Locust's web UI reads the command line for what its form shows.
    monkeypatch.setattr("sys.argv", ["locust"])


@pytest.fixture
def make_site():
    made = []

    def make(**options):
        made.append(Site(**options))
        return made[-1]

    yield make
    for site in made:
        site.plugin.close(timeout_s=5)


@pytest.fixture
def site(make_site):
    return make_site()
