"""A locustfile without users: the test ends itself on the master, or in a single process, after two seconds."""

import gevent
from locust import events
from locust.runners import WorkerRunner


@events.test_start.add_listener
def on_test_start(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        gevent.spawn_later(2, environment.runner.quit)
