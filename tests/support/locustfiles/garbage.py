"""A client that fires whatever custom clients were seen to fire, and some more."""

from locust import User, constant, task

LONG_NAME = "/" + "x" * 5000


class Hostile:
    def __str__(self):
        raise RuntimeError("not to be looked at")

    __float__ = __int__ = __repr__ = __bool__ = __str__
    status_code = property(__str__)


TIMED = (
    {"name": "plain", "request_type": "GET", "response_time": 12.5, "response_length": 3},
    {"name": None, "request_type": "GET", "response_time": 1},
    {"name": "", "request_type": "", "response_time": 2, "response_length": None},
    {"request_type": None, "response_time": 3.5},
    {"response_time": 4, "name": LONG_NAME, "request_type": "GET", "response_length": "many"},
    {"response_time": 5, "name": "größe €", "request_type": "GET", "response_length": -1},
    {"response_time": 10, "name": "lone \ud800", "request_type": "GET"},
    {"response_time": 6, "name": "back\\slash", "request_type": "GET"},
    {"response_time": 0, "name": "failed", "request_type": "GET", "exception": "just a text"},
    {"response_time": 7, "name": "failed", "request_type": "GET", "exception": ValueError("x" * 10_000)},
    {"response_time": 9, "name": "failed", "request_type": "GET", "exception": OSError(), "response": Hostile()},
    {"response_time": 8, "name": "no event of Locust's", "request_type": "GET", "more": object(), "user": None},
)
UNTIMED = (
    {},
    {"name": "no time", "request_type": "GET", "response_time": None, "response_length": 0},
    {"name": "negative", "request_type": "GET", "response_time": -1, "response_length": 0},
    {"name": "nan", "request_type": "GET", "response_time": float("nan"), "response_length": 0},
    {"name": "inf", "request_type": "GET", "response_time": float("inf"), "response_length": 0},
    {"name": "text", "request_type": "GET", "response_time": "12 ms", "response_length": 0},
    {"name": "two days", "request_type": "GET", "response_time": 2 * 24 * 3600 * 1000, "response_length": 0},
    {"name": "hostile time", "request_type": "GET", "response_time": Hostile(), "response_length": 0},
    {"name": "no time", "request_type": "GET", "response_time": None, "exception": ConnectionError("refused")},
    {"name": "no time at all", "request_type": "GET", "response_time": None, "exception": ConnectionError("refused")},
    {"name": "nan", "request_type": "GET", "response_time": float("nan"), "exception": OSError("broken")},
)


class Careless(User):
    wait_time = constant(0.2)

    @task
    def fire(self):
        for event in (*TIMED, *UNTIMED):
            self.environment.events.request.fire(**event)
