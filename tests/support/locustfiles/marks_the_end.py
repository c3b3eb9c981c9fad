"""A locustfile without users that says how far the end of its process is, on stderr. It comes after the plugin's."""

import os

from locust import events


def say(text):
    os.write(2, f"{text}\n".encode())


@events.init.add_listener
def on_init(environment, **_):
    # The listener that was added last is called first.
    environment.events.quitting.add_listener(lambda **_: say("the end begins"))


events.quitting.add_listener(lambda **_: say("all is received"))
