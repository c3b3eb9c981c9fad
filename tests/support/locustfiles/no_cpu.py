"""A locustfile without users: what Locust measures of a worker's CPU is as on a machine that has none left.

How much a process gets of a machine on which many tests run is chance; Locust's own measuring is Locust's to test.
"""

import gevent
from locust import events
from locust.runners import WorkerRunner


@events.init.add_listener
def on_init(environment, **_):
    def measure():
        while True:
            environment.runner.current_cpu_usage = 97.0
            gevent.sleep(0.2)

    if isinstance(environment.runner, WorkerRunner):
        gevent.spawn(measure)
