"""A locustfile without users whose CloudWatch client writes to the log for as long as a call lasts."""

import logging
import time

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch


def send(*_):
    end_s = time.monotonic() + 0.3
    while time.monotonic() < end_s:
        logging.getLogger("client").info("a line of the client's")
        time.sleep(0)
    raise SendError(Failure.TRANSIENT, "it fails")


Cloudwatch.send = send
