"""A process with the CloudWatch listener of locust-plugins, as it is; requests come as lines of JSON.

    python old_listener.py SERVICE ENVIRONMENT HOST <lines of [start_s, response_time_ms, response_length, failed]

PYTHONPATH has locust-plugins, and the environment says where CloudWatch is.
"""

from __future__ import annotations

import json
import sys

from locust.env import Environment
from locust.event import Events
from locust_plugins.listeners.cloudwatch import CloudwatchAdapter


def main(service: str, name: str, host: str) -> None:
    environment = Environment(events=Events(), host=host)
    CloudwatchAdapter(environment, service, name)
    for line in sys.stdin:
        start_s, response_time_ms, response_length, failed = json.loads(line)
        environment.events.request.fire(
            request_type="POST",
            name="/pay",
            response_time=response_time_ms,
            response_length=response_length,
            response=None,
            context={},
            exception=ConnectionError("refused") if failed else None,
            start_time=start_s,
            url=f"{host}/pay",
        )
    environment.events.test_stop.fire(environment=environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
