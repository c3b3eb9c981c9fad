"""Makes a master wait four seconds at its end for a worker that is silent; comes before the plugin in -f."""

from locust_cw_dist.live.master import master

master.SILENCE_S = 4.0
