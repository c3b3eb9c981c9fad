"""Makes a worker write each frame of its reports to a file, for a client that sends it once more."""

import itertools
from pathlib import Path

from locust import events

from locust_cw_dist.core.wire.messages import REPORT_KEY

numbers = itertools.count(1)


@events.init.add_listener
def on_init(environment, **_):
    # Listeners run in the order in which they came: the plugin, whose file is before this one, has listened by now.
    environment.events.report_to_master.add_listener(on_report)


def on_report(data, **_):
    if data.get(REPORT_KEY):
        path = Path("frames", f"{next(numbers)}.part")
        path.write_bytes(data[REPORT_KEY])
        path.rename(path.with_suffix(".frame"))
