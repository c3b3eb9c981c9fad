"""A master and a worker of Locust in one process: real runners, real ZeroMQ and msgpack, a client that records."""

from __future__ import annotations

import time
from collections import Counter

import gevent
import locust.runners
import pytest
from locust import User, constant, task
from locust.argument_parser import get_parser
from locust.env import Environment

from locust_cw_dist import Settings, install
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.settings.options import add_arguments


class RecordingClient:
    def __init__(self):
        self.datums = []

    def put_metric_data(self, Namespace, MetricData):  # noqa: N803 - boto3's names
        self.datums += [(Namespace, datum) for datum in MetricData]

    def requests(self):
        counts = Counter()
        for _, datum in self.datums:
            dimensions = {d["Name"]: d["Value"] for d in datum["Dimensions"]}
            if datum["MetricName"] == "RequestCount" and "Request" in dimensions:
                counts[dimensions["Request"]] += sum(datum["Counts"])
        return counts


class Buyer(User):
    wait_time = constant(0.01)

    @task
    def buy(self):
        fire = self.environment.events.request.fire
        fire(request_type="GET", name="/buy", response_time=3.5, response_length=7, exception=None)


@pytest.fixture
def fast_reports(monkeypatch):
    monkeypatch.setattr(locust.runners, "WORKER_REPORT_INTERVAL", 0.2)
    monkeypatch.setattr(locust.runners, "HEARTBEAT_INTERVAL", 0.2)


def wait_for(condition, what, deadline_s=30.0):
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, f"no {what} within {deadline_s} s"
        gevent.sleep(0.02)


@pytest.mark.usefixtures("fast_reports")
def test_what_the_worker_counted_is_what_the_client_gets():
    client, counted = RecordingClient(), Counter()
    master_env = Environment(user_classes=[Buyer])
    master = master_env.create_master_runner("127.0.0.1", 0)
    publisher = install(master_env, Settings(service="shop", resolution_s=1), client=client)
    worker_env = Environment(user_classes=[Buyer])
    worker_env.events.request.add_listener(lambda name, **_: counted.update([name]))
    worker = worker_env.create_worker_runner("127.0.0.1", master.server.port)
    shipper = install(worker_env)

    wait_for(lambda: len(master.clients.ready) == 1, "ready worker")
    master.start(3, spawn_rate=100)
    wait_for(lambda: counted["/buy"] > 100, "request")
    ending = gevent.spawn(publisher.close, timeout_s=10)
    wait_for(lambda: not worker.greenlet, "end of the worker's runner")
    shipper.close(timeout_s=5)
    ending.get(timeout=20)

    assert client.requests() == counted
    assert {namespace for namespace, _ in client.datums} == {"perf/shop/loadtests"}


def parsed(*args):
    parser = get_parser()
    add_arguments(parser)
    return parser.parse_args(args)


@pytest.mark.usefixtures("fast_reports")
def test_a_worker_gets_none_of_our_options_but_the_label():
    """Locust holds a worker's hub for 3 to 6 ms for each option that comes with the message that starts users."""
    master_env = Environment(user_classes=[Buyer])
    master_env.parsed_options = parsed("--cw-service", "shop", "--cw-label", "build=7", "-u", "3")
    master = master_env.create_master_runner("127.0.0.1", 0)
    publisher = install(master_env, client=RecordingClient())
    assert publisher.settings.service == "shop"
    worker_env = Environment(user_classes=[Buyer])
    worker = worker_env.create_worker_runner("127.0.0.1", master.server.port)
    shipper = install(worker_env)
    wait_for(lambda: len(master.clients.ready) == 1, "ready worker")
    master.start(1, spawn_rate=1)
    wait_for(lambda: worker.user_count == 1, "user")
    assert [name for name in vars(worker_env.parsed_options) if name.startswith("cw_")] == ["cw_label"]
    publisher.close(timeout_s=5)
    shipper.close(timeout_s=5)


def test_installing_again_after_the_end_reads_the_same_options():
    environment = Environment(parsed_options=parsed("--cw-service", "shop", "--cw-label", "build=7"))
    first = install(environment, client=RecordingClient())
    first.close(timeout_s=5)
    again = install(environment, client=RecordingClient())
    assert again.settings == first.settings
    assert again.settings.service == "shop"
    again.close(timeout_s=5)


def test_installing_twice_gives_the_same_plugin():
    environment = Environment()
    first = install(environment, Settings(service="shop"), client=RecordingClient())
    assert install(environment) is first
    first.close(timeout_s=5)


def test_a_single_process_without_a_runner_publishes_what_is_fired():
    client = RecordingClient()
    environment = Environment(host="http://shop.test")
    plugin = install(environment, Settings(namespace="shop/tests", resolution_s=1), client=client)
    for _ in range(5):
        environment.events.request.fire(request_type="GET", name="/buy", response_time=1.0)
    plugin.close(timeout_s=5)
    assert client.requests() == {"/buy": 5}
    hosts = {d["Value"] for _, datum in client.datums for d in datum["Dimensions"] if d["Name"] == "Host"}
    assert hosts == {"http://shop.test"}


@pytest.mark.parametrize("step", ["bring_out", "tick"])
def test_an_error_at_the_end_keeps_no_later_step_from_being_taken(tmp_path, monkeypatch, caplog, step):
    """What could not be sent for an error of ours is said, the spool is freed, and a gate does not pass."""
    caplog.set_level("INFO")
    environment = Environment()
    settings = Settings(service="shop", spool_dir=str(tmp_path), required=True)
    monkeypatch.setattr("locust_cw_dist.live.publish.publisher.Publisher.check", lambda *_: None)
    plugin = install(environment, settings, client=RecordingClient())
    environment.events.test_start.fire(environment=environment)
    environment.events.request.fire(request_type="GET", name="/buy", response_time=1.0)

    def fail(*_, **__):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(f"locust_cw_dist.live.publish.publisher.Publisher.{step}", fail)
    plugin.close(timeout_s=1)
    environment.events.quitting.fire(environment=environment, reverse=True)
    # Where windows close, the rest goes out by itself.
    assert ("INCOMPLETE" in caplog.text) == (step == "tick")
    assert caplog.text.count("an error in the step 'send'") == 1
    assert list(tmp_path.iterdir()) == []
    assert environment.process_exit_code == 4


def test_a_disk_that_hangs_takes_no_more_than_half_of_the_time_there_is_at_the_end(monkeypatch):
    environment = Environment()
    plugin = install(environment, Settings(service="shop"), client=RecordingClient())
    settle_s, left_s = [], []

    def hang(_, timeout_s):
        settle_s.append(timeout_s)
        gevent.sleep(timeout_s)

    monkeypatch.setattr("locust_cw_dist.live.spool.spool_keeper.SpoolKeeper.settle", hang)
    send = Publisher.bring_out

    def bring_out(publisher, timeout_s):
        left_s.append(timeout_s)
        return send(publisher, timeout_s)

    monkeypatch.setattr(Publisher, "bring_out", bring_out)
    plugin.close(timeout_s=2)
    assert settle_s == [pytest.approx(1.0, abs=0.1)]
    assert left_s[0] <= 1.01


@pytest.mark.usefixtures("fast_reports")
def test_without_locusts_private_parts_it_works_in_the_stated_lesser_mode(caplog, monkeypatch):
    """As `test_what_the_worker_counted`, but the test stops and all is reported before the master ends."""
    monkeypatch.setattr("locust_cw_dist.live.platform.locust_internals.callable", lambda _: False, raising=False)
    client, counted = RecordingClient(), Counter()
    master_env = Environment(user_classes=[Buyer])
    master = master_env.create_master_runner("127.0.0.1", 0)
    publisher = install(master_env, Settings(service="shop", resolution_s=1), client=client)
    worker_env = Environment(user_classes=[Buyer])
    worker_env.events.request.add_listener(lambda name, **_: counted.update([name]))
    worker_env.create_worker_runner("127.0.0.1", master.server.port)
    shipper = install(worker_env)
    assert caplog.text.count("with this version of Locust") == 4

    wait_for(lambda: len(master.clients.ready) == 1, "ready worker")
    master.start(3, spawn_rate=100)
    wait_for(lambda: counted["/buy"] > 100, "request")
    master.stop()
    wait_for(lambda: client.requests() == counted, "publication of everything")
    publisher.close(timeout_s=1)
    shipper.close(timeout_s=1)
    assert client.requests() == counted
