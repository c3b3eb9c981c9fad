"""Signals in processes of their own: what ends a test, and what they do to the end of a process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

BEGIN = """
import os, signal, sys, time
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from locust_cw_dist.live.platform import signals
from locust_cw_dist.live.platform.patience import Bounds, Patience
from locust_cw_dist.live.platform.signals import Signals, end_at_once

def press(number=signal.SIGINT):
    os.kill(os.getpid(), number)

def press_anew():
    handlers._interrupted_s -= signals.DUPLICATE_S
    press()

def say(text):
    print(text, flush=True)

{before}
patience = Patience()
handlers = Signals(patience, is_testing=lambda: {is_testing}, early=end_at_once)
handlers.install()
"""


def run(code, before="", *, is_testing=True):
    program = BEGIN.format(before=before, is_testing=is_testing) + code
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_ctrl_c_ends_the_test_where_the_main_greenlet_waits_and_others_go_on():
    done = run("""
def work():
    for number in range(3):
        press()
        say(number)
        gevent.sleep(0.1)

worker = gevent.spawn(work)
caught = 0
while not worker.dead:
    try:
        worker.join()
    except KeyboardInterrupt:
        caught += 1
print(caught, worker.successful(), patience.has_begun, patience.interrupts)
""")
    assert done.stdout.split() == ["0", "1", "2", "1", "True", "True", "0"], (
        "within a second they are one; " + done.stderr
    )


def test_in_the_main_greenlet_it_is_raised_at_once():
    done = run("""
try:
    press()
    print("missed")
except KeyboardInterrupt:
    print("caught")
""")
    assert done.stdout.split() == ["caught"], done.stderr


WAIT = """
try:
    say("waits")
    # As Locust does. A signal that comes as gevent goes to sleep is seen when it wakes up.
    for _ in range(300):
        gevent.sleep(0.1)
except KeyboardInterrupt:
    print("caught")
"""


def test_it_wakes_a_process_that_waits():
    program = BEGIN.format(before="", is_testing=True) + WAIT
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"waits\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"caught\n"


def test_the_second_one_ends_what_never_yields():
    done = run("""
def work():
    press()
    try:
        press_anew()
    except KeyboardInterrupt:
        print("caught")

gevent.spawn(work).join()
""")
    assert done.stdout.split() == ["caught"], done.stderr


def test_one_that_comes_as_the_process_begins_to_end_does_not_count():
    done = run("""
press_in = gevent.spawn(press)
gevent.spawn(patience.begin)
gevent.sleep(0.1)
print(patience.interrupts)
""")
    assert done.stdout.split() == ["0"], done.stderr


STEPS = """
def step(name, *bounds):
    with patience.limit(Bounds(*bounds)) as limit:
        gevent.sleep(30)
    say(name)
    assert limit.is_over

patience.begin()
"""


def test_during_the_end_it_is_raised_nowhere_and_shortens_each_waiting():
    done = run(
        STEPS
        + """
gevent.spawn_later(0.1, press)
step("first", 30, 0.1, 0.1)
step("after it", 30, 0.1, 0.1)
gevent.spawn_later(0.1, press_anew)
step("second", 30, 30, 0.1)
step("after that", 30, 30, 0.0)
press()
step("duplicate", 0.0, 0.0, 0.0)
handlers._interrupted_s -= signals.DUPLICATE_S
say("third")
press()
say("goes on")
"""
    )
    assert done.stdout.splitlines() == ["first", "after it", "second", "after that", "duplicate", "third"], done.stderr
    assert done.returncode == -signal.SIGINT


def test_the_third_one_ends_what_never_yields():
    done = run("""
patience.begin()
for _ in range(3):
    press_anew()
say("goes on")
""")
    assert (done.stdout, done.returncode) == ("", -signal.SIGINT), done.stderr


def test_during_the_end_it_is_raised_in_the_users_own_code():
    done = run("""
def listen():
    with patience.user_code():
        try:
            gevent.sleep(30)
        except KeyboardInterrupt:
            say("waited")
    with patience.user_code():
        try:
            press_anew()
            say("missed")
        except KeyboardInterrupt:
            say("computed")
    with patience.user_code():
        patience.own_code()
        gevent.sleep(0.1)
        say("goes on")

listener = gevent.spawn(listen)
gevent.spawn_later(0.1, press)
listener.join()
""")
    assert done.stdout.splitlines() == ["waited", "computed", "goes on"], done.stderr


def test_during_the_end_it_is_not_raised_where_our_own_code_takes_over():
    """Raised in the first line of what is called at exit, it would skip all that follows."""
    done = run("""
ours = {"__name__": "locust_cw_dist.plugin", "os": os, "signal": signal, "say": say}
exec("def finish():\\n os.kill(os.getpid(), signal.SIGINT)\\n say('goes on')", ours)
with patience.user_code():
    ours["finish"]()
gevent.sleep(0.1)
print(patience.interrupts)
""")
    assert done.stdout.splitlines() == ["goes on", "1"], done.stderr


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: print('theirs')"])
@pytest.mark.parametrize("number", ["signal.SIGINT", "signal.SIGHUP", "signal.SIGTERM"])
def test_whoever_takes_care_of_one_goes_on_doing_so(number, handler):
    done = run(f"press({number})\nprint('goes on')", f"signal.signal({number}, {handler})")
    assert done.stdout.split() == (["theirs"] if "theirs" in handler else []) + ["goes", "on"], done.stderr


@pytest.mark.parametrize("number", ["signal.SIGHUP", "signal.SIGTERM"])
def test_where_locust_does_not_take_care_of_it_a_signal_ends_the_test_as_ctrl_c_does(number):
    done = run(f"""
for _ in range(2):
    gevent.spawn_later(0.1, press, {number})
try:
    gevent.sleep(30)
except KeyboardInterrupt:
    say("caught")
for _ in range(5):
    press({number})
gevent.sleep(0.1)
print("goes on", patience.interrupts)
""")
    assert done.stdout.split() == ["caught", "goes", "on", "0"], done.stderr


@pytest.mark.parametrize("number", ["signal.SIGHUP", "signal.SIGTERM"])
def test_before_any_test_it_ends_the_process(number):
    done = run(f"press({number})\nprint('goes on')", is_testing=False)
    assert (done.stdout, done.returncode) == ("", -signal.SIGTERM), done.stderr


def test_a_hangup_does_what_a_handler_of_gevents_does_for_sigterm():
    """As Locust's."""
    done = run("""
gevent.signal_handler(signal.SIGTERM, say, "ends")
press(signal.SIGHUP)
gevent.sleep(0.1)
""")
    assert done.stdout.split() == ["ends"], done.stderr


@pytest.mark.parametrize("number", ["SIGINT", "SIGHUP", "SIGTERM"])
def test_when_all_is_done_none_replaces_the_exit_code(number):
    """Python gives its handlers up before it takes its modules apart; what is in them may still take a while."""
    done = run(f"""
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.{number})

sys.modules["last"] = last = Last()
last.itself = last
patience.begin()
sys.exit(7)
""")
    assert done.returncode == 7, done.stderr
