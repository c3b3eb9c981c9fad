"""Makes a worker give its master up after eight seconds without a heartbeat, where Locust waits a minute.

What the plugin then thinks of as long ago shrinks by the same factor.
"""

from locust import runners

from locust_cw_dist.live.worker import worker

runners.MASTER_HEARTBEAT_TIMEOUT = 8
worker.FINAL_FRAME_TIMEOUT_S *= 8 / 60
