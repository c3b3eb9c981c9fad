"""What the users of the example do: an ordinary locustfile. Put your own in its place, or name it with LOCUSTFILE."""

import random

from locust import FastHttpUser, between, task


class Shopper(FastHttpUser):
    """Looks at products, searches now and then, and buys."""

    wait_time = between(0.05, 0.15)

    @task(6)
    def look(self):
        self.client.get(f"/product?id={random.randint(1, 500)}", name="/product")

    @task(3)
    def search(self):
        self.client.get(f"/search?q={random.choice('abcdef')}", name="/search")

    @task(1)
    def buy(self):
        self.client.post("/checkout", json={"basket": [1, 2, 3]})
