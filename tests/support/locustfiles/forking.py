"""A user whose task forks, in every way that Python has; its children are silent about what they do.

Each child fires a request of its own. In a single process it goes on for a while, in which its copies of all greenlets
run; on a worker such a copy of Locust's hangs in ZeroMQ, with the plugin and without.
"""

import itertools
import multiprocessing
import os
import sys

import gevent
import record_truth
from locust import User, constant, task
from locust.runners import LocalRunner

ways = itertools.cycle(["exit", "_exit", "multiprocessing"])


def fire(user):
    user.environment.events.request.fire(
        request_type="GET", name="/forks", response_time=1.0, response_length=1, exception=None
    )


def work_in_child(user):
    record_truth.write = lambda _: None
    fire(user)
    if isinstance(user.environment.runner, LocalRunner):
        gevent.sleep(1.5)


def fork(user, leave):
    child = os.fork()
    if not child:
        work_in_child(user)
        leave(0)
    return child


class Forker(User):
    fixed_count = 1
    wait_time = constant(0.1)

    @task
    def fork(self):
        way = next(ways)
        if way == "multiprocessing":
            child = multiprocessing.get_context("fork").Process(target=work_in_child, args=(self,))
            child.start()
            child.join()
            code = child.exitcode
        else:
            _, status = os.waitpid(fork(self, sys.exit if way == "exit" else os._exit), 0)
            code = os.waitstatus_to_exitcode(status)
        print(f"child: {way} {code}", flush=True)
        fire(self)
