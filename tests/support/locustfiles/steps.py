"""A shape without users: up, down, and its end after four seconds."""

from locust import LoadTestShape

STEPS = ((1.5, 4), (3, 10), (4, 2))


class Steps(LoadTestShape):
    def tick(self):
        run_time_s = self.get_run_time()
        return next(((users, 20) for until_s, users in STEPS if run_time_s < until_s), None)
