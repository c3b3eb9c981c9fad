"""A locustfile without users: a worker on which Locust spawns users once more when it has stopped all of them.

That is what it does where the master's word to spawn comes after the worker's own stop.
"""

from locust import events
from locust.runners import WorkerRunner


@events.init.add_listener
def on_init(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        # Comes before the plugin's, if this file comes before it in -f.
        environment.events.quit.add_listener(lambda **_: environment.runner.start_worker({"Shopper": 4}))
