"""A locustfile without users: a worker that takes a second between the master's word to quit and its last results.

Time enough for a test to freeze the master, so that the worker has to wait at its end.
"""

import gevent
from locust import events
from locust.runners import WorkerRunner


@events.quitting.add_listener
def on_quitting(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        gevent.sleep(1)
