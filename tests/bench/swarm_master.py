"""A master as Locust's own command makes it, without users; ends when its stdin closes. Argument: ours or nothing.

Prints its port, and for each line of stdin how many reports it has taken.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import itertools
import sys

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
print(runner.server.port, flush=True)
for asked, _ in enumerate(FileObject(sys.stdin.buffer, "rb")):
    # To ask counts too.
    print(next(taken) - asked, flush=True)
if plugin is not None:
    plugin.close()
else:
    runner.quit()
