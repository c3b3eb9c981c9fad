"""A locustfile without users: a worker whose start lets nothing else happen for three seconds, as a long import does.

Comes after the plugin in -f: the worker has greeted the master by then and does not hear the answer.
"""

from gevent import monkey
from locust import events
from locust.runners import WorkerRunner


@events.init.add_listener
def on_init(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        monkey.get_original("time", "sleep")(3)
