"""A locustfile without users: a master that makes a new server socket two seconds into its test.

It sets the flag that Locust itself sets when its socket fails.
"""

import gevent
from locust import events
from locust.runners import MasterRunner


@events.test_start.add_listener
def on_test_start(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        gevent.spawn_later(2, setattr, environment.runner, "connection_broken", True)
