"""Join a master and a worker of this Locust over loopback, and print what they lack: a JSON list of lesser modes.

A process of its own: runners leave greenlets, listeners and sockets behind.
"""

from __future__ import annotations

import json
import logging
import sys


def main() -> int:
    """Probe; the last line on stdout is the answer."""
    from locust.env import Environment

    from locust_cw_dist.live.platform.locust_internals import EndLink, MasterLink, WorkerLink

    logging.disable()
    master = Environment().create_master_runner("127.0.0.1", 0)
    worker = Environment().create_worker_runner("127.0.0.1", master.server.port)
    modes = MasterLink(master).lesser_modes + WorkerLink(worker).lesser_modes
    modes += EndLink(master.environment).lesser_modes
    worker.quit()
    master.quit()
    print(json.dumps(modes))  # noqa: T201 - for the process that asked
    return 0


if __name__ == "__main__":
    sys.exit(main())
