"""The same, from a listener that is added at init: before the plugin's or after it, by its place in -f."""

from locust import events


@events.init.add_listener
def on_init(environment, **_):
    def on_quitting(environment, **_):
        environment.process_exit_code = 0

    environment.events.quitting.add_listener(on_quitting)
