"""Locust as a library, a worker. Arguments: the port."""

import sys

from locust.env import Environment
from locust.log import setup_logging
from record_truth import record
from shopper import Shopper

import locust_cw_dist

setup_logging("INFO")
environment = Environment(user_classes=[Shopper])
record(environment.events)
runner = environment.create_worker_runner("127.0.0.1", int(sys.argv[1]))
plugin = locust_cw_dist.install(environment)
runner.greenlet.join()
plugin.close()
