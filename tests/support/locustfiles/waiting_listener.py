"""A locustfile without users with a listener of `quitting` that waits for a minute, and says so on stderr."""

import os

import gevent
from locust import events


@events.quitting.add_listener
def wait(**_):
    os.write(2, b"a listener waits\n")
    gevent.sleep(60)
