"""An example; put yours in its place."""

from locust import FastHttpUser, constant_pacing, task


class Buyer(FastHttpUser):
    wait_time = constant_pacing(1)

    @task
    def product(self):
        self.client.get("/product")
