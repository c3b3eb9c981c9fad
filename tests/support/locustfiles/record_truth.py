"""A locustfile without users that writes down every request of its process, by no code of the program under test.

The cluster appends it to `-f`. One line of JSON for each request, each with one `os.write`, so that no way to end the
process loses a line.
"""

import atexit
import json
import os
import sys
import time
from pathlib import Path

from locust import events

_files = {}  # by pid: --processes forks after this was imported
_run = [0]
_environment = []  # of the last test


def write(record):
    """Append a line to this process's file."""
    pid = os.getpid()
    if pid not in _files:
        path = Path(os.environ["TRUTH_FOLDER"]) / f"{pid}.jsonl"
        _files[pid] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(_files[pid], (json.dumps(record, default=lambda value: type(value).__name__) + "\n").encode())


def on_request(request_type=None, name=None, response_time=None, response_length=None, exception=None, **_):
    write(
        {
            "at": time.time(),
            "run": _run[0],
            "name": name,
            "method": request_type,
            "time": response_time,
            "length": response_length,
            "failed": bool(exception),
        }
    )


def on_test_start(environment, **_):
    _run[0] += 1
    _environment[:] = [environment]
    write({"start": time.time(), "run": _run[0], "runner": type(environment.runner).__name__})


def locust_totals():
    """Return Locust's own numbers of requests and failures, of the last test of this process, if there was one."""
    return [(one.stats.total.num_requests, one.stats.total.num_failures) for one in _environment][-1:]


def write_end(**_):
    write(
        {
            "end": time.time(),
            "locust": locust_totals(),
            "modules": [name for name in ("boto3", "botocore") if name in sys.modules],
            "aws": sorted(name for name in os.environ if name.startswith("AWS_") and "METADATA" not in name),
        }
    )


def record(events):
    """Write down what happens in an environment."""
    events.request.add_listener(on_request)
    events.test_start.add_listener(on_test_start)
    events.quit.add_listener(write_end)
    atexit.register(write_end)


# Locust imports a locustfile twice where it looks for pytest functions in it.
if not hasattr(events, "is_recorded") and __name__ == "record_truth":
    events.is_recorded = True
    record(events)
