"""Listeners that keep later ones from being called or empty a report, and raise in it: added before the plugin's,
after them, and late.

What the users do is written down before all of them.
"""

import record_truth  # noqa: F401 - its listener is the first of all
from locust import events
from locust.exception import RescheduleTask, StopUser

OF_LOCUST = {"stats", "stats_total", "errors", "user_classes_count", "user_count"}


def reschedule(exception=None, **_):
    # As `RescheduleTaskOnFail` of locust-plugins.
    if exception is not None:
        raise RescheduleTask


def empty(data, **_):
    for key in data.keys() - OF_LOCUST:
        del data[key]
    raise StopUser


def add():
    events.request.add_listener(reschedule)
    events.report_to_master.add_listener(empty)


@events.test_start.add_listener
def add_in_place(environment, **_):
    hook = environment.events.report_to_master
    hook._handlers = [*hook._handlers, empty]


@events.init.add_listener
@events.test_start.add_listener
def add_again(**_):
    add()


add()
