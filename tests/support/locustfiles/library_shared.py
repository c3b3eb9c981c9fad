"""Locust as a library: a master and two workers in one process, on the same events. Arguments: the namespace,
the port, and `master-first` where that ends first.
"""

import sys

import gevent
from locust.env import Environment
from locust.event import Events
from locust.log import setup_logging
from record_truth import record
from shopper import Shopper

import locust_cw_dist

setup_logging("INFO")
events = Events()
record(events)
master = Environment(user_classes=[Shopper], events=events)
master.create_master_runner("127.0.0.1", int(sys.argv[2]))
settings = locust_cw_dist.Settings(namespace=sys.argv[1], resolution_s=1)
locust_cw_dist.install(master, settings)
workers = [Environment(user_classes=[Shopper], events=events) for _ in range(2)]
for worker in workers:
    worker.create_worker_runner("127.0.0.1", int(sys.argv[2]))
    locust_cw_dist.install(worker)
while len(master.runner.clients.ready) < 2:
    gevent.sleep(0.1)
master.runner.start(8, spawn_rate=8)
gevent.sleep(3)
ends = [master, *workers] if "master-first" in sys.argv else [*workers, master]
for environment in ends:
    environment.runner.quit()
    locust_cw_dist.install(environment).close()
ours = [str(one) for hook in vars(events).values() for one in hook._handlers if "locust_cw_dist" in str(one)]
assert not ours, ours
assert not any(environment.runner.custom_messages for environment in ends)
