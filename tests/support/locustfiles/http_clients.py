"""Locust's own clients against the target: successes, failures, checked responses and measured blocks."""

import os

import gevent
from locust import FastHttpUser, HttpUser, constant, task

OTHER_TARGET = os.environ.get("OTHER_TARGET")


class Browser(HttpUser):
    wait_time = constant(0.02)

    @task(3)
    def page(self):
        self.client.get("/fast", name="requests /fast")

    @task
    def broken_page(self):
        self.client.get("/broken", name="requests /broken")

    @task
    def checked_page(self):
        with self.client.get("/text", name="requests checked", catch_response=True) as response:
            if "gold" not in response.text:
                response.failure("no gold")

    @task
    def expected_error(self):
        with self.client.get("/broken", name="requests expected", catch_response=True) as response:
            response.success()

    @task
    def no_connection(self):
        self.client.get("http://127.0.0.1:9/", name="requests no connection")

    @task
    def measured_block(self):
        with self.environment.events.request.measure("BLOCK", "measured"):
            gevent.sleep(0.005)

    @task
    def measured_failure(self):
        with self.environment.events.request.measure("BLOCK", "measured failure"):
            raise ValueError("of no use")


class App(FastHttpUser):
    wait_time = constant(0.02)

    @task(3)
    def page(self):
        self.client.get("/fast", name="fast /fast")

    @task
    def broken_page(self):
        self.client.get("/broken", name="fast /broken")

    @task
    def checked_page(self):
        with self.client.get("/text", name="fast checked", catch_response=True) as response:
            if b"gold" not in response.content:
                response.failure("no gold")


class Elsewhere(HttpUser):
    host = OTHER_TARGET
    wait_time = constant(0.02)

    @task
    def page(self):
        self.client.get("/fast", name="elsewhere")
