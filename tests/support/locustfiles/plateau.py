"""A shape without users that goes on for a minute."""

from locust import LoadTestShape


class Plateau(LoadTestShape):
    def tick(self):
        return (8, 8) if self.get_run_time() < 60 else None
