"""A master and a worker of Locust in one process: real runners, real ZeroMQ and msgpack, a client that records."""

from __future__ import annotations

import json
import signal
import time

import gevent
import pytest
from locust import User, constant, task
from locust.argument_parser import get_parser
from locust.env import Environment

from locust_cw_dist import Settings, install
from locust_cw_dist.live.publish.publisher import Publisher
from locust_cw_dist.settings.options import add_arguments
from locust_cw_dist.testing import LinkedPair, RecordingClient
from support.strategies import a_result

pytestmark = pytest.mark.locust


class Buyer(User):
    wait_time = constant(0.01)

    @task
    def buy(self):
        fire = self.environment.events.request.fire
        fire(request_type="GET", name="/buy", response_time=3.5, response_length=7, exception=None)


def test_what_the_worker_counted_is_what_the_client_gets():
    with LinkedPair([Buyer], Settings(service="shop", resolution_s=1)) as pair:
        pair.start(users=3)
        pair.wait_until(lambda: pair.fired["/buy"] > 100, "requests")
        pair.finish()
    assert pair.client.totals("RequestCount") == pair.fired
    assert {namespace for namespace, _ in pair.client.datums} == {"perf/shop/loadtests"}


def parsed(*args):
    parser = get_parser()
    add_arguments(parser)
    return parser.parse_args(args)


def test_a_worker_gets_none_of_our_options_but_the_label():
    """Locust holds a worker's hub for 3 to 6 ms for each option that comes with the message that starts users."""
    pair = LinkedPair([Buyer])
    pair.master.parsed_options = parsed("--cw-service", "shop", "--cw-label", "build=7", "-u", "3")
    with pair:
        assert pair.master_plugin.settings.service == "shop"
        pair.start(users=1)
        assert [name for name in vars(pair.worker.parsed_options) if name.startswith("cw_")] == ["cw_label"]


def test_installing_again_after_the_end_reads_the_same_options():
    environment = Environment(parsed_options=parsed("--cw-service", "shop", "--cw-label", "build=7"))
    first = install(environment, client=RecordingClient())
    first.close(timeout_s=5)
    again = install(environment, client=RecordingClient())
    assert again.settings == first.settings
    assert again.settings.service == "shop"
    again.close(timeout_s=5)


def test_publishing_that_is_off_names_a_variable_that_is_not_read(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setenv("LOCUST_CW_SERVICE", "shop")
    install(Environment(), Settings()).close()
    (line,) = caplog.messages
    assert line == (
        "locust-cw: publishing is off: no service and no namespace is set; pass Settings with a service or a namespace "
        "(found LOCUST_CW_SERVICE (not read: the script passes Settings))"
    )


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
    assert client.totals("RequestCount") == {"/buy": 5}
    hosts = {d["Value"] for _, datum in client.datums for d in datum["Dimensions"] if d["Name"] == "Host"}
    assert hosts == {"http://shop.test"}


@pytest.mark.parametrize("step", ["bring_out", "tick"])
def test_an_error_at_the_end_keeps_no_later_step_from_being_taken(tmp_path, monkeypatch, caplog, step, capsys):
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
    assert ("INCOMPLETE" in capsys.readouterr().err) == (step == "tick")
    assert caplog.text.count("an error in the step 'send'") == 1
    assert list(tmp_path.iterdir()) == []
    assert environment.process_exit_code == 4


def test_ctrl_c_in_a_script_shortens_the_end_and_skips_nothing_of_it(tmp_path, caplog, capsys):
    """A script has Python's way: it is raised where `close` waits, and again when all is done."""
    caplog.set_level("INFO")
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    class Slow(RecordingClient):
        def put_metric_data(self, **_):
            gevent.sleep(600)

    environment = Environment()
    settings = Settings(service="shop", rule=["max < 1 s"], junit=str(tmp_path / "junit.xml"), record=str(tmp_path))
    plugin = install(environment, settings, client=Slow())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    environment.events.test_start.fire(environment=environment)
    environment.events.request.fire(request_type="GET", name="/buy", response_time=1.0)
    gevent.spawn_later(0.2, gevent.getcurrent().throw, KeyboardInterrupt)
    with gevent.Timeout(60), pytest.raises(KeyboardInterrupt):
        plugin.close(timeout_s=600)
    told = capsys.readouterr().err
    assert "INCOMPLETE: 0 of 1 result published" in told
    assert "1 dropped: no answer from CloudWatch" in told
    assert (tmp_path / "junit.xml").exists()
    assert "its record is" in caplog.text


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


def test_without_locusts_private_parts_it_works_in_the_stated_lesser_mode(caplog, monkeypatch):
    """As `test_what_the_worker_counted`, but the test stops and all is reported before the master ends."""
    monkeypatch.setattr("locust_cw_dist.live.platform.locust_internals.callable", lambda _: False, raising=False)
    with LinkedPair([Buyer], Settings(service="shop", resolution_s=1)) as pair:
        assert caplog.text.count("with this version of Locust") == 5
        pair.start(users=3)
        pair.wait_until(lambda: pair.fired["/buy"] > 100, "requests")
        pair.master.runner.stop()
        pair.wait_until(lambda: pair.client.totals("RequestCount") == pair.fired, "publication of everything")
    assert pair.client.totals("RequestCount") == pair.fired


def test_a_frame_that_the_master_can_not_take_holds_nothing_up(caplog):
    """One result of an impossible time: it is counted as lost, with the reason, and all others arrive."""
    caplog.set_level("INFO")
    with LinkedPair([Buyer], Settings(service="shop", resolution_s=1)) as pair:
        pair.start(users=2)
        pair.wait_until(lambda: pair.client.totals("RequestCount").get("/buy", 0) > 10, "results in CloudWatch")
        listener = pair.worker_plugin._worker._request_listener
        listener.buffer.record(a_result("/buy"), time.time() + 10**7)
        pair.fired["/buy"] += 1
        pair.wait_until(lambda: "refused a frame of this worker (time out of range)" in caplog.text, "a refusal")
        fired = pair.fired["/buy"]
        pair.wait_until(lambda: pair.client.totals("RequestCount")["/buy"] > fired + 10, "what was recorded later")
        pair.finish()
    summary = next(json.loads(r.message) for r in caplog.records if "locust_cw_run_summary" in r.message)
    lost = summary["dropped"]["a worker's frame: time out of range"]
    assert lost > 0
    assert summary["recorded"] == pair.fired["/buy"] == pair.client.totals("RequestCount")["/buy"] + lost
    assert not summary["complete"]
