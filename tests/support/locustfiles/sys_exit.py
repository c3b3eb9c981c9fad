"""A locustfile without users that calls `sys.exit` two seconds into the test.

gevent raises that where Locust waits for the end of the test, and Locust catches it nowhere: neither `quitting` nor
`quit` is fired, and `atexit` is all that is left.
"""

import sys

import gevent
from locust import events


@events.test_start.add_listener
def on_test_start(**_):
    gevent.spawn_later(2, sys.exit, 3)


@events.quitting.add_listener
def on_quitting(**_):
    print("quitting was fired")


@events.quit.add_listener
def on_quit(**_):
    print("quit was fired")
