"""A locustfile without users: the one line that a locustfile needs."""

import locust_cw_dist.auto  # noqa: F401
