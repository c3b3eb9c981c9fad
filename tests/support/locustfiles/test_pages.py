"""A pytest-style locustfile: Locust 2.43 and later make users of its functions."""


def test_page(session):
    session.get("/fast", name="requests /fast")
    session.get("/broken", name="requests /broken")
    with session.get("/text", name="requests checked", catch_response=True) as response:
        response.failure("no gold")


def test_fast_page(fastsession):
    fastsession.get("/fast", name="fast /fast")
