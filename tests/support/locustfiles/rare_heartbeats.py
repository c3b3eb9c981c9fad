"""Makes heartbeats go every five seconds, so that a worker is missing after twenty: time for many to start at once."""

from locust import runners

runners.HEARTBEAT_INTERVAL = 5
