"""What users' locustfiles do beside requests: listeners on the same events, functions as tasks, odd wait times.

Locust's own example `events.py` reports a sum of its own from workers to the master in the same way.
"""

import random

import gevent
from locust import TaskSet, User, events, task

LENGTH = 11

own = {"sum": 0}


@events.request.add_listener
def on_request(request_type, name, response_time, response_length, exception, context, **_):
    own["sum"] += response_length


@events.report_to_master.add_listener
def on_report_to_master(client_id, data):
    data["own"], own["sum"] = own["sum"], 0


@events.worker_report.add_listener
def on_worker_report(client_id, data):
    own["sum"] += data["own"]


@events.quitting.add_listener
def on_quitting(environment, **_):
    # As in Locust's documentation: users decide on the exit code here.
    environment.process_exit_code = 7 if environment.stats.total.num_requests else 8


@events.quit.add_listener
def on_quit(exit_code, **_):
    print(f"own sum: {own['sum']}, exit code: {exit_code}")


def fire(user_or_tasks, name):
    gevent.sleep(0.01)
    user_or_tasks.environment.events.request.fire(
        request_type="GET", name=name, response_time=10.0, response_length=LENGTH, context={}, exception=None
    )


def index(tasks):
    fire(tasks.user, "/")


class Nested(TaskSet):
    tasks = [index]  # noqa: RUF012

    @task
    class Inner(TaskSet):
        @task
        def inner(self):
            fire(self.user, "/inner")
            self.interrupt(reschedule=False)


class Visitor(User):
    tasks = {Nested: 1}  # noqa: RUF012
    wait_time = lambda self: random.expovariate(100)  # noqa: ARG005, E731
