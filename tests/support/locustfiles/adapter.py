"""A locustfile that was written for locust-plugins, with another import and a client of its own."""

import json
import os
import threading
from pathlib import Path

from locust import events

from locust_cw_dist import CloudwatchAdapter


class Client:
    """Has nothing but put_metric_data, and writes down its calls."""

    def put_metric_data(self, Namespace, MetricData):  # noqa: N803
        call = {"pid": os.getpid(), "thread": threading.get_native_id(), "namespace": Namespace, "data": MetricData}
        with Path("calls.jsonl").open("a") as file:
            file.write(json.dumps(call, default=str) + "\n")


@events.init.add_listener
def on_locust_init(environment, **_):
    CloudwatchAdapter(environment, "shop", environment="staging", cloudwatch=Client())
