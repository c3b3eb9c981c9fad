"""A listener that ends Locust's reader on a master: Locust lets its exception through."""

from locust import events
from locust.exception import StopUser


@events.worker_report.add_listener
def stop(**_):
    raise StopUser
