"""Options in real Locust processes: a wrong one ends each kind of process at once, in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from support.cluster.forked import run_module

LOCUST = ["locust"]
LOCUST_CW = ["locust_cw_dist.tools.cli.main"]
LOCUST_CW_RUN = [*LOCUST_CW, "run"]

PLAIN = """
from locust import User, task
class Idle(User):
    @task
    def nothing(self):
        pass
"""
WITH_OPTIONS = "import locust_cw_dist.auto\n" + PLAIN

AT_ONCE_S = 45  # a start takes a second, or many on a busy machine; a worker without a master waits for a minute


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "locustfile.py").write_text(PLAIN)
    (tmp_path / "with_options.py").write_text(WITH_OPTIONS)
    return tmp_path


def environment(folder):
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")} | {"HOME": str(folder)}


def run(folder, command, *args, **variables):
    return run_module(*command, *args, folder=folder, env=environment(folder) | variables)


def run_anew(folder, *command):
    command = [sys.executable, *command]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )


def assert_refused_at_once(folder, command, *args, expected, **variables):
    started = time.monotonic()
    done = run(folder, command, *args, **variables)
    took_s = time.monotonic() - started
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for part in expected:
        assert part in done.stderr
    assert done.stdout == ""
    assert took_s < AT_ONCE_S


WRONG_RESOLUTION = ("--cw-resolution", "got 7", "1, 5, 10, 30 or 60")


@pytest.mark.parametrize(
    "mode",
    [
        [],
        ["--headless", "-u", "1", "-t", "1"],
        ["--master", "--headless", "--expect-workers", "1"],
        ["--worker"],
        ["--processes", "2", "--headless"],
        ["--worker", "--processes", "2"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "command", [[*LOCUST, "-f", "with_options.py"], LOCUST_CW_RUN], ids=["locust", "locust-cw run"]
)
def test_a_wrong_flag_ends_every_kind_of_process(folder, command, mode):
    assert_refused_at_once(folder, command, *mode, "--cw-resolution", "7", expected=WRONG_RESOLUTION)


@pytest.mark.parametrize("mode", [["--headless", "--processes", "2"], ["--master"], ["--worker"]], ids=" ".join)
def test_a_wrong_variable_does_so_too(folder, mode):
    command = [*LOCUST, "-f", "with_options.py"]
    assert_refused_at_once(folder, command, *mode, LOCUST_CW_RESOLUTION="7", expected=WRONG_RESOLUTION)


@pytest.mark.parametrize("mode", [["--headless", "--processes", "2"], ["--master"], ["--worker"]], ids=" ".join)
def test_a_wrong_line_in_locust_conf_does_so_too(folder, mode):
    (folder / "locust.conf").write_text("locustfile = with_options.py\ncw-resolution = 7\n")
    assert_refused_at_once(folder, LOCUST, *mode, expected=WRONG_RESOLUTION)


OWN_OPTIONS = """
from locust import User, events, task
@events.init_command_line_parser.add_listener
def declare(parser):
    parser.add_argument("--cw", default="0")
    parser.add_argument("--cw-serv", default="", env_var="OWN_SERV")
    parser.add_argument("--cw-re", action="store_true")
    parser.add_argument("--cw-resolutions", type=int, default=0)
class Idle(User):
    @task
    def nothing(self):
        pass
@events.init.add_listener
def show(environment, **_):
    own = environment.parsed_options
    print("own:", own.cw, repr(own.cw_serv), own.cw_re, own.cw_resolutions)
"""


@pytest.mark.parametrize(
    ("command", "locustfile"),
    [
        ([*LOCUST, "-f", "own.py"], "import locust_cw_dist.auto\n" + OWN_OPTIONS),
        ([*LOCUST_CW_RUN, "-f", "own.py"], OWN_OPTIONS),
    ],
    ids=["locust", "locust-cw run"],
)
@pytest.mark.parametrize(
    ("args", "conf", "variables", "own"),
    [
        (["--cw", "5", "--cw-serv", "a b", "--cw-re", "--cw-resolutions", "7"], "", {}, "5 'a b' True 7"),
        (["--cw=5"], "cw-resolutions = 7\ncw-re = true", {"OWN_SERV": "a b"}, "5 'a b' True 7"),
    ],
    ids=["flags", "elsewhere"],
)
def test_options_of_a_locustfile_that_look_like_ours_cut_short(folder, command, locustfile, args, conf, variables, own):
    (folder / "own.py").write_text(locustfile)
    (folder / "locust.conf").write_text(f"host = http://example.com\n{conf}\n")  # the first line is no TOML
    done = run(folder, command, "--headless", "-t", "1", *args, **variables)
    assert done.returncode == 0, done.stderr
    assert f"own: {own}\n" in done.stdout


@pytest.mark.parametrize(
    "command", [[*LOCUST, "-f", "with_options.py"], LOCUST_CW_RUN], ids=["locust", "locust-cw run"]
)
def test_a_mistyped_option_is_one_line_with_the_nearest_one(folder, command):
    expected = ("unknown option --cw-servce: did you mean --cw-service?",)
    assert_refused_at_once(folder, command, "--headless", "--cw-servce", "checkout", expected=expected)


def test_a_worker_that_would_ask_its_master_for_the_locustfile_does_not_wait_for_it(folder):
    mode = ["-f", "-", "--worker", "--master-port", "9"]
    expected = ("--cw-label", "'nonsense'", "KEY=VALUE")
    assert_refused_at_once(folder, LOCUST_CW_RUN, *mode, "--cw-label", "nonsense", expected=expected)


@pytest.mark.parametrize("mode", [["--worker"], ["--master"], []], ids=" ".join)
def test_the_same_command_line_in_all_processes_even_where_it_contradicts_itself(folder, mode):
    # --list ends Locust after the options are parsed, before any process needs another.
    done = run(folder, LOCUST_CW_RUN, *mode, "--cw-required", "--cw-external-id", "abc", "--list")
    assert done.returncode == 0, done.stderr
    assert "Idle" in done.stdout


def test_a_locustfile_that_nobody_edited_has_the_options_under_locust_cw_run_only(folder):
    args = ("-f", "locustfile.py", "--cw-service", "checkout", "--list")
    assert run(folder, LOCUST_CW_RUN, *args).returncode == 0
    assert run(folder, LOCUST, *args).returncode == 2


def test_two_locustfiles_that_both_import_auto(folder):
    (folder / "second.py").write_text(WITH_OPTIONS.replace("Idle", "Second"))
    done = run(folder, LOCUST_CW_RUN, "-f", "with_options.py,second.py", "--cw-service", "x", "--list")
    assert done.returncode == 0, done.stderr
    assert "Idle" in done.stdout
    assert "Second" in done.stdout


def test_help_is_locusts_with_our_group(folder):
    (folder / "locust.conf").write_text("cw-service = a b\n")  # what is wrong keeps nobody from the help
    done = run(folder, LOCUST_CW_RUN, "--help", "--cw-resolution", "7")
    assert done.returncode == 0
    assert "--headless" in done.stdout
    assert "CloudWatch (locust-cw-dist):" in done.stdout
    assert "--cw-flush-timeout" in done.stdout


def test_version_is_locusts(folder):
    done = run(folder, LOCUST_CW_RUN, "--version")
    assert (done.returncode, done.stdout) == (0, run(folder, LOCUST, "--version").stdout)


def test_no_arguments_is_locust_without_arguments(folder):
    (folder / "locustfile.py").unlink()
    ours, theirs = run(folder, LOCUST_CW_RUN), run(folder, LOCUST)
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr)
    assert "locustfile.py" in ours.stderr


SHOW_WHERE_IT_RUNS = """
import json, sys
from gevent import monkey
import beside_the_locustfile, in_the_working_directory
if len(sys.argv) > 1:
    print(json.dumps({
        "path": sys.path,
        "args": sys.argv[1:],
        "patched": [monkey.is_module_patched(name) for name in ("socket", "ssl", "threading", "time")],
        "boto3": "boto3" in sys.modules or "botocore" in sys.modules,
    }))
"""


def test_a_locustfile_finds_what_it_would_find_under_locust(folder):
    (folder / "in_the_working_directory.py").touch()
    (folder / "tests").mkdir()
    (folder / "tests" / "beside_the_locustfile.py").touch()
    (folder / "tests" / "lf.py").write_text(SHOW_WHERE_IT_RUNS + PLAIN)
    args = ("-f", "tests/lf.py", "--tags", "a b", "--list")
    ours, theirs = run_anew(folder, "-m", *LOCUST_CW_RUN, *args), run_anew(folder, "-m", *LOCUST, *args)
    assert theirs.returncode == 0, theirs.stderr
    assert ours.stdout == theirs.stdout
    assert '"boto3": false' in ours.stdout
    assert '"patched": [true, true, true, true]' in ours.stdout
    assert "Warning" not in ours.stderr


def test_a_wrong_command_is_one_line(folder):
    done = run(folder, LOCUST_CW, "runn")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "unknown command runn: did you mean run?" in done.stderr
    assert "local-cloudwatch" in run(folder, LOCUST_CW, "frobnicate").stderr


def test_help_shows_the_commands_and_examples(folder):
    done = run(folder, LOCUST_CW, "--help")
    assert done.returncode == 0
    for part in ("run ", "demo", "local-cloudwatch", "locust-cw run -f locustfile.py"):
        assert part in done.stdout
    assert run(folder, LOCUST_CW, "--version").stdout.startswith("locust-cw-dist ")


def test_the_command_loads_nothing_heavy_by_itself(folder):
    code = (
        "import sys, locust_cw_dist.tools.cli.main as m; m.main(['--version']);"
        "print({'locust', 'gevent', 'boto3', 'botocore'} & set(sys.modules))"
    )
    assert run_anew(folder, "-c", code).stdout.endswith("set()\n")
