"""Locust as a library, in one process, read as the listener is that this package replaces. Arguments: the namespace.

Windows are of the default ten seconds, so the end of one would come too late.
"""

import json
import sys
import time

import gevent
from locust import User, task
from locust.env import Environment
from locust.log import setup_logging
from record_truth import record

import locust_cw_dist

# isort: split
import boto3

setup_logging("INFO")


class Visitor(User):
    @task
    def call(self):
        for _ in range(20):
            fire("/home")
        gevent.sleep(60)


def fire(name):
    environment.events.request.fire(request_type="GET", name=name, response_time=12.0, response_length=100)


def in_cloudwatch(name):
    """Return how many results CloudWatch holds, and the values of the percentile that is sent once for a window."""
    values = {}
    for metric in ("RequestCount", "ResponseTime_p95_ms"):
        dimensions = [{"Name": n, "Value": v} for n, v in (("Request", name), ("Method", "GET"), ("Host", "-"))]
        answer = client.get_metric_statistics(
            Namespace=sys.argv[1],
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=time.time() - 300,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum", "SampleCount"],
        )
        key = "Sum" if metric == "RequestCount" else "SampleCount"
        values[metric] = sum(point[key] for point in answer["Datapoints"])
    return values


environment = Environment(user_classes=[Visitor])
record(environment.events)
environment.events.test_stop.add_listener(lambda **_: fire("/at stop"))
runner = environment.create_local_runner()
client = boto3.client("cloudwatch")
plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(namespace=sys.argv[1]))
# Early in a window, so that nothing of what follows is at the end of one.
gevent.sleep(10.5 - time.time() % 10)
seen = []
for _ in range(2):
    runner.start(1, spawn_rate=1)
    gevent.sleep(0.5)
    runner.quit()
    runner.quit()
    gevent.sleep(0.5)
    seen.append([in_cloudwatch("/home"), in_cloudwatch("/at stop")])
    fire("/home")
plugin.close()
plugin.close()
seen.append([in_cloudwatch("/home"), in_cloudwatch("/at stop")])
print(json.dumps(seen))
