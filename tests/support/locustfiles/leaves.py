"""A locustfile without users that calls `sys.exit(0)` where `LEAVES` says, in a single process or on a master.

That is the name of an event, after a dot `init` where its listener is added at init, by its place in -f before the
plugin's or after it; `greenlet` for a greenlet of its own in the middle of the test; `kill` for an exception of
Locust's own in a `quitting` listener.
"""

import os
import sys

import gevent
from locust import events
from locust.exception import StopUser
from locust.runners import WorkerRunner

where, _, when = os.environ.get("LEAVES", "").partition(".")


def leave(environment=None, **_):
    if environment is None or not isinstance(environment.runner, WorkerRunner):
        sys.exit(0)


def stop_user(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        raise StopUser


if where == "greenlet":
    events.test_start.add_listener(lambda **_: gevent.spawn_later(1, sys.exit, 0))
elif where == "kill":
    events.quitting.add_listener(stop_user)
elif when == "init":
    events.init.add_listener(lambda environment, **_: getattr(environment.events, where).add_listener(leave))
elif where:
    getattr(events, where).add_listener(leave)
