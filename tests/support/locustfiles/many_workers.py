"""A locustfile without users that makes two workers many, for which a master asks for whole windows."""

from locust_cw_dist.live.master import master

master.MANY_WORKERS = 1
