"""A locustfile without users: a master that has each worker connect anew on its second report with results.

The first one may bring less than an interval's. Locust's own message for that comes first, so the acknowledgement of
that report's frame reaches a connection that the worker has closed.
"""

from collections import Counter

from locust import events
from locust.rpc import Message

reports = Counter()


@events.init.add_listener
def on_init(environment, **_):
    def on_report(client_id, data):
        reports[client_id] += bool(data["stats"])
        if reports[client_id] == 2 and data["stats"]:
            environment.runner.server.send_to_client(Message("reconnect", None, client_id))

    # Comes before the plugin's, if this file comes before it in -f.
    environment.events.worker_report.add_listener(on_report)
