"""Makes a worker give up on a master without the plugin after two reports, where it waits for twenty."""

from locust_cw_dist.core.worker import outbox

outbox.GIVE_UP_AFTER_REPORTS = 1
outbox.GIVE_UP_AFTER_S = 0.0
