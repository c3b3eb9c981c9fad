"""The chart's sample: each user asks for the page / once a second, at locust.host or, without it, at its own worker."""

from gevent.pywsgi import WSGIServer
from locust import FastHttpUser, constant_pacing, events, task
from locust.runners import MasterRunner


class Visitor(FastHttpUser):
    """Asks once a second."""

    wait_time = constant_pacing(1)

    @task
    def home(self):
        self.client.get("/")


def answer(_, start_response):
    """What a worker answers its own users."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]


@events.init.add_listener
def serve(environment, **_):
    """Give users an address; that of locust.host, which the master sends with the users, goes before it."""
    if not isinstance(environment.runner, MasterRunner):
        server = WSGIServer(("127.0.0.1", 0), answer, log=None)
        server.start()
        Visitor.host = f"http://127.0.0.1:{server.server_port}"
