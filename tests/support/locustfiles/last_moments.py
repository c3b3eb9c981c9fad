"""A locustfile without users that fires results at each of the last moments of a process, wherever it runs.

`FIRES_ON` names a class of Locust's runners: a background greenlet of processes with such a one goes on to fire, to the
end, or up to the `quit` event where `FIRES_UNTIL_QUIT` is set.
"""

import atexit
import os

import gevent
from locust import events


def fire(moment, failed=False):
    events.request.fire(
        request_type="KPI",
        name=f"/{moment}",
        response_time=5.0,
        response_length=1,
        exception=RuntimeError("too low") if failed else None,
    )


ended = []
events.quit.add_listener(lambda **_: ended.append("FIRES_UNTIL_QUIT" in os.environ))


def canary():
    while not any(ended):
        fire("canary")
        gevent.sleep(0.05)


for hook, moment in ((events.test_stop, "test_stop"), (events.quitting, "quitting"), (events.quit, "quit")):
    hook.add_listener(lambda moment=moment, **_: fire(moment))


atexit.register(fire, "atexit of import")


@events.init.add_listener
def on_init(environment, **_):
    environment.events.quitting.add_listener(lambda **_: fire("quitting of init", failed=True))
    environment.events.quit.add_listener(lambda **_: fire("quit of init"))
    atexit.register(fire, "atexit")
    if type(environment.runner).__name__ in os.environ.get("FIRES_ON", "").split(","):
        gevent.spawn(canary)
