"""Ctrl-C in processes of their own: who gets it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

BEGIN = """
import os, signal, sys
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from locust_cw_dist.live.platform import ctrl_c

def press():
    os.kill(os.getpid(), signal.SIGINT)

{before}
ctrl_c.install()
"""


def run(code, before=""):
    program = BEGIN.format(before=before) + code
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_it_is_raised_where_the_main_greenlet_waits_and_others_go_on():
    done = run("""
def work():
    for number in range(3):
        press()
        print(number, flush=True)
        gevent.sleep(0.2)

worker = gevent.spawn(work)
caught = 0
while not worker.dead:
    try:
        worker.join()
    except KeyboardInterrupt:
        caught += 1
print(caught, worker.successful())
""")
    assert done.stdout.split() == ["0", "1", "2", "3", "True"], done.stderr


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
    print("waits", flush=True)
    # As Locust does. A signal that comes as gevent goes to sleep is seen when it wakes up.
    for _ in range(300):
        gevent.sleep(0.1)
except KeyboardInterrupt:
    print("caught")
"""


def test_it_wakes_a_process_that_waits():
    program = BEGIN.format(before="") + WAIT
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"waits\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"caught\n"


def test_the_second_one_ends_what_never_yields():
    done = run("""
def work():
    press()
    try:
        press()
    except KeyboardInterrupt:
        print("caught")

gevent.spawn(work).join()
""")
    assert done.stdout.split() == ["caught"], done.stderr


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: print('theirs')"])
def test_whoever_takes_care_of_it_goes_on_doing_so(handler):
    done = run("press()\nprint('goes on')", f"signal.signal(signal.SIGINT, {handler})")
    assert done.stdout.split() == (["theirs"] if "theirs" in handler else []) + ["goes", "on"], done.stderr
