"""Makes a worker give its master up after eight seconds without a heartbeat, where Locust waits a minute.

And what the plugin then thinks of as long ago shrinks with it.
"""

from locust import runners

from locust_cw_dist.hosts import worker

runners.MASTER_HEARTBEAT_TIMEOUT = 8
worker.LAST_WORD_TIMEOUT_S = 6.0
