"""A user whose results come from native threads, as those of a client library with threads of its own do."""

import gevent
from locust import User, task

EACH = 5_000


class Threads(User):
    def fire_many(self):
        for number in range(EACH):
            self.environment.events.request.fire(
                request_type="X",
                name=f"thread {number % 30}",
                response_time=1.0,
                response_length=1,
                exception=OSError() if number % 4 == 0 else None,
            )

    @task
    def fire(self):
        pool = gevent.get_hub().threadpool
        gevent.joinall([pool.spawn(self.fire_many) for _ in range(3)])
        gevent.sleep(60)
