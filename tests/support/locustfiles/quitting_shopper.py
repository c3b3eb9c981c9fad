"""Shoppers the first of whom makes the whole process quit in the middle of a task, two seconds after it began."""

import time

import shopper
from locust import task


class Shopper(shopper.Shopper):
    has_left = False

    def on_start(self):
        self.started_s = time.monotonic()

    @task
    def leave(self):
        if not Shopper.has_left and time.monotonic() - self.started_s > 2:
            Shopper.has_left = True
            self.environment.runner.quit()
