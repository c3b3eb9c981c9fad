"""Makes a worker write each frame of its reports to a file, for a client that sends it once more."""

import itertools
from pathlib import Path

from locust import events

from locust_cw_dist.core.wire.messages import REPORT_KEY

numbers = itertools.count(1)


@events.init.add_listener
def on_init(environment, **_):
    client = getattr(environment.runner, "client", None)
    if client is None:
        return  # on a master
    # No listener sees the frame: the plugin's comes last.
    send = client.send

    def copy_and_send(message):
        if message.type == "stats" and message.data.get(REPORT_KEY):
            copy(message.data[REPORT_KEY])
        send(message)

    client.send = copy_and_send


def copy(frame):
    path = Path("frames", f"{next(numbers)}.part")
    path.write_bytes(frame)
    path.rename(path.with_suffix(".frame"))
