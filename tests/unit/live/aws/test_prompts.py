"""Nothing that gives credentials asks on a terminal while a load test runs."""

from __future__ import annotations

import os
import subprocess
import sys

import gevent
import pytest

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.prompts import QuietProcess
from locust_cw_dist.live.aws.session import make_session
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings
from support.cluster.processes import wait_until

MFA = "role_arn = arn:aws:iam::123456789012:role/x\nmfa_serial = arn:aws:iam::123456789012:mfa/x\nsource_profile = base"
BASE = "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"


def test_the_code_of_an_mfa_device_is_not_asked_for(profile, monkeypatch):
    asked = []
    monkeypatch.setattr("getpass.getpass", asked.append)
    profile(f"[profile perf]\n{MFA}\n{BASE}")
    with pytest.raises(SendError, match=r"MFA code.*aws configure export-credentials") as caught:
        Cloudwatch(Settings(service="x")).check()
    assert caught.value.failure is Failure.CREDENTIALS
    assert asked == []


def test_a_command_may_ask(profile):
    profile(f"[profile perf]\n{MFA}\n{BASE}")
    [provider] = [
        one
        for one in make_session(Settings(), may_ask=True)._session.get_component("credential_provider").providers
        if one.METHOD == "assume-role"
    ]
    assert provider._prompter.__name__ != "_refuse"


PROGRAM = """
import json, os, sys
asks = os.isatty(0) or os.getsid(0) != os.getpid() or sys.stdin.read()
print(json.dumps({"Version": 1, "AccessKeyId": "ASKS" if asks else "QUIET", "SecretAccessKey": "x"}))
"""


@pytest.mark.parametrize("is_source", [False, True], ids=["of the profile", "of its source"])
def test_a_program_has_no_terminal_to_ask_on(profile, tmp_path, is_source):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = f"credential_process = {sys.executable} {tmp_path / 'program.py'}"
    if is_source:
        role = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base"
        profile(f"[profile perf]\n{role}\n[profile base]\n{process}\n")
        credentials = make_session(Settings()).get_credentials()
        found = credentials._refresh_using.__self__._source_credentials.access_key
    else:
        profile(f"[profile perf]\n{process}\n")
        found = make_session(Settings()).get_credentials().access_key
    assert found == "QUIET"


def test_a_program_that_nobody_waits_for_ends(profile, tmp_path):
    pid_file = tmp_path / "pid"
    program = (
        f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(3600)"
    )
    (tmp_path / "program.py").write_text(program)
    profile(f"[profile perf]\ncredential_process = {sys.executable} {tmp_path / 'program.py'}\n")
    fetching = gevent.spawn(lambda: make_session(Settings()).get_credentials())
    with gevent.Timeout(60):
        while not (pid_file.exists() and pid_file.read_text()):
            gevent.sleep(0.05)
    fetching.kill()
    wait_until(lambda: not is_running(int(pid_file.read_text())), "the program ends")


def test_a_program_that_has_ended_when_nobody_waits_for_it_any_more_is_no_error(tmp_path):
    pid_file = tmp_path / "pid"
    # What it has started in a session of its own keeps the pipe open.
    process = QuietProcess(["sh", "-c", f"setsid sleep 600 & echo $! > {pid_file}"], stdout=subprocess.PIPE)
    waiting = gevent.spawn(process.communicate)
    with gevent.Timeout(60):
        while process.poll() is None:
            gevent.sleep(0.01)
    waiting.kill()
    os.kill(int(pid_file.read_text()), 9)
    assert isinstance(waiting.value, gevent.GreenletExit)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - it may be gone by now
        return stat.read().split()[2] != "Z"
