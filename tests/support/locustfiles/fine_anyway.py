"""A locustfile without users, with a listener as in Locust's documentation that sets the exit code, mostly to success.

After the plugin in -f it is added at import; Locust runs it after what was added at init.
"""

from locust import events


@events.quitting.add_listener
def on_quitting(environment, **_):
    if environment.stats.total.fail_ratio > 0.5:
        environment.process_exit_code = 7
    else:
        environment.process_exit_code = 0
