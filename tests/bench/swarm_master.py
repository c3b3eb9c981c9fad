"""A master as Locust's own command makes it, without users; ends when its stdin closes. Argument: ours or nothing.

Prints its port, and for each line of stdin, as JSON, how many reports it has taken, the CPU time of Python's search for
garbage, and the longest of these searches since it was asked before.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import gc
import itertools
import json
import sys
import time

import gevent
from gevent.fileobject import FileObject
from locust.env import Environment
from locust.log import setup_logging

import locust_cw_dist

setup_logging("INFO")
environment = Environment()
runner = environment.create_master_runner("127.0.0.1", 0)
plugin = None
if sys.argv[1] == "ours":
    settings = locust_cw_dist.Settings(service="bench", max_endpoints=1_000)
    plugin = locust_cw_dist.install(environment, settings)
    gevent.sleep(1.0)
    environment.events.test_start.fire(environment=environment)
taken = itertools.count()
environment.events.worker_report.add_listener(lambda **_: next(taken))
searches_s = []


def on_collection(phase, _):
    if phase == "start":
        searches_s.append(-time.thread_time())
    else:
        searches_s[-1] += time.thread_time()


gc.callbacks.append(on_collection)
print(runner.server.port, flush=True)
garbage_s = 0.0
for asked, _ in enumerate(FileObject(sys.stdin.buffer, "rb")):
    searched_s, searches_s[:] = searches_s[:], []
    garbage_s += sum(searched_s)
    # To ask counts too.
    told = {"taken": next(taken) - asked, "garbage_s": garbage_s, "longest_search_s": max(searched_s, default=0.0)}
    print(json.dumps(told), flush=True)
if plugin is not None:
    plugin.close()
else:
    runner.quit()
