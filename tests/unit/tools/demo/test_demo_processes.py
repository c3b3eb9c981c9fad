"""The demo's processes, its target, its signals, and what it keeps away from them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from locust_cw_dist.tools.demo.interrupts import Interrupted, Interrupts
from locust_cw_dist.tools.demo.isolation import isolate, locust_environment
from locust_cw_dist.tools.demo.processes import Children, DemoError
from locust_cw_dist.tools.demo.target import READY_PREFIX, SERVED_PATH

pytestmark = pytest.mark.once

FOREVER = [sys.executable, "-c", "import time; time.sleep(1000)"]


def wait_for(condition, timeout_s=20):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_children_end_with_the_block(tmp_path, error):
    with pytest.raises(error) if error else Children(tmp_path), Children(tmp_path) as children:
        child = children.start("sleeper", FOREVER, os.environ)
        assert child.process.poll() is None
        if error:
            raise error
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_fails_is_named_with_the_end_of_its_log(tmp_path):
    code = "import sys; print('\\n'.join(map(str, range(50)))); sys.exit('no such thing')"
    with Children(tmp_path) as children:
        children.start("sleeper", FOREVER, os.environ)
        children.check()
        child = children.start("worker 1", [sys.executable, "-c", code], os.environ)
        child.process.wait()
        with pytest.raises(DemoError) as raised:
            children.check()
    lines = str(raised.value).splitlines()
    assert lines[0] == "the worker 1 ended with exit code 1; the last it said:"
    assert lines[-2:] == ["  49", "  no such thing"]
    assert len(lines) == 16


def test_a_child_that_has_ended_well_is_no_failure(tmp_path):
    with Children(tmp_path) as children:
        child = children.start("worker 1", [sys.executable, "-c", ""], os.environ)
        child.process.wait()
        children.check()
        assert child.tail() == "  (it said nothing)"


@pytest.fixture
def target():
    command = [sys.executable, "-m", "locust_cw_dist.tools.demo.target", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, urlsplit(process.stdout.readline().removeprefix(READY_PREFIX).strip()).netloc
        process.kill()


def test_the_target_counts_what_it_served(target):
    import json

    _, address = target
    connection = http.client.HTTPConnection(address, timeout=10)

    def answer(method, path, body=None):
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()

    failed = sum(answer("POST", "/checkout", b"{}" * 5000)[0] == 500 for _ in range(40))
    for number in range(5):
        assert answer("GET", f"/product?id={number}")[0] == 200
    assert answer("GET", "/nothing")[0] == 404
    _, body = answer("GET", SERVED_PATH)
    assert json.loads(body) == [["GET", "/product", 5, 0], ["GET", "/search", 0, 0], ["POST", "/checkout", 40, failed]]


def test_the_target_ends_when_nobody_holds_its_input(target):
    process, _ = target
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_target_ends_with_a_signal(target, number):
    process, _ = target
    process.send_signal(number)
    assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_first_and_raised_at_the_next_check(number, request):
    # Whoever runs the tests may ignore it, as nohup does.
    outside = signal.signal(number, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(number, outside))
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        interrupts.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as raised:
            interrupts.check()
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), number)
    assert raised.value.exit_code == 128 + number
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            interrupts.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_of_the_user_decides_where_the_demo_goes(tmp_path):
    variables = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "https://example.com",
        "LOCUST_USERS": "1000",
        "LOCUST_CW_NAMESPACE": "production",
        "HTTPS_PROXY": "http://proxy:3128",
        "http_proxy": "http://proxy:3128",
        "HOME": "/home/somebody",
        "PATH": "/bin",
    }
    isolate(variables)
    assert "production" not in variables.values()
    assert {name for name in variables if name.startswith(("LOCUST_", "AWS_"))} == {
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert not any("proxy:3128" in value for value in variables.values())
    assert variables["PATH"] == "/bin"
    assert locust_environment(variables, tmp_path)["HOME"] == str(tmp_path)
