"""Locust as a library, the master. Arguments: the namespace, the port."""

import sys

import gevent
from locust.env import Environment
from locust.log import setup_logging
from shopper import Shopper

import locust_cw_dist

setup_logging("INFO")
environment = Environment(user_classes=[Shopper])
runner = environment.create_master_runner("127.0.0.1", int(sys.argv[2]))
plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(namespace=sys.argv[1], resolution_s=1))
while not runner.clients.ready:
    gevent.sleep(0.1)
runner.start(8, spawn_rate=8)
gevent.sleep(4)
plugin.close()
