"""A locustfile without users: a master that has each worker connect anew on its first report with results.

Locust's own message for that comes first, so the acknowledgement of that report's frame reaches a connection that the
worker has closed.
"""

from locust import events
from locust.rpc import Message

told = set()


@events.init.add_listener
def on_init(environment, **_):
    def on_report(client_id, data):
        if data["stats"] and client_id not in told:
            told.add(client_id)
            environment.runner.server.send_to_client(Message("reconnect", None, client_id))

    # Comes before the plugin's, if this file comes before it in -f.
    environment.events.worker_report.add_listener(on_report)
