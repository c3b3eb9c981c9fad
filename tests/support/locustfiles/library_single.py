"""Locust as a library, in one process. Arguments: the namespace; without it, variables say where to publish."""

import sys

import gevent
from locust.env import Environment
from locust.log import setup_logging
from record_truth import record
from shopper import Shopper

import locust_cw_dist

setup_logging("INFO")
environment = Environment(user_classes=[Shopper])
record(environment.events)
runner = environment.create_local_runner()
settings = locust_cw_dist.Settings(namespace=sys.argv[1], resolution_s=1) if sys.argv[1:] else None
plugin = locust_cw_dist.install(environment, settings)
assert locust_cw_dist.install(environment) is plugin
runner.start(8, spawn_rate=8)
gevent.spawn_later(2, runner.quit)
runner.greenlet.join()
plugin.close()
