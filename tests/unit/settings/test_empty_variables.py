"""LOCUST_CW_* variables that hold nothing, as `${VAR:-}` of Compose and inputs of CI leave them: they are not set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from locust_cw_dist.settings import options
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.settings.variables import describe_found, settings_from_variables
from support.cluster.ports import free_port

pytestmark = pytest.mark.slow

EMPTY = ["", " ", "\t\r\n \n"]


def variables():
    """The variables of all options, by Locust's own parser."""
    parser = get_empty_argument_parser(add_help=False)
    options.add_arguments(parser)
    names = [action.env_var for action in parser._actions if getattr(action, "env_var", None)]
    ours = [name for name in names if name.startswith(options.VARIABLES)]
    assert {"LOCUST_CW_RESOLUTION", "LOCUST_CW_DRY_RUN", "LOCUST_CW_RULE", "LOCUST_CW_AMBIGUOUS"} <= set(ours)
    return ours


@pytest.fixture(autouse=True)
def _nothing_from_outside(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("LOCUST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def parsed(*args):
    parser = get_empty_argument_parser(add_help=False)
    setup_parser_arguments(parser)
    options.add_arguments(parser)
    return parser.parse_args(args)


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_empty_variables_of_all_options_are_not_set(empty, monkeypatch):
    for name in variables():
        monkeypatch.setenv(name, empty)
    assert options.settings_from_options(parsed()) == Settings()
    assert settings_from_variables(os.environ) == Settings()


def test_an_empty_variable_leaves_a_files_value_and_a_flags(monkeypatch):
    Path("locust.conf").write_text("host = http://example.com\ncw-resolution = 5\ncw-dry-run = true\n")
    for name in variables():
        monkeypatch.setenv(name, "")
    settings = options.settings_from_options(parsed("--cw-service=checkout"))
    assert settings == Settings(service="checkout", resolution_s=5, dry_run=True)


def test_a_variable_that_is_not_empty_still_goes_before_a_file(monkeypatch):
    Path("locust.conf").write_text("host = http://example.com\ncw-resolution = 5\n")
    monkeypatch.setenv("LOCUST_CW_RESOLUTION", "60")
    assert options.settings_from_options(parsed()).resolution_s == 60


def test_variables_of_others_keep_their_meaning(monkeypatch):
    monkeypatch.setenv("OTHERS", "")
    parser = get_empty_argument_parser(add_help=False)
    parser.add_argument("--others", env_var="OTHERS", default="default")
    options.add_arguments(parser)
    assert parser.parse_args([]).others == ""
    assert os.environ["OTHERS"] == ""


def test_a_variable_of_blanks_is_told_as_empty():
    assert describe_found({"LOCUST_CW_SERVICE": " \n"}) == "LOCUST_CW_SERVICE (empty)"


LOCUSTFILE = """
import locust_cw_dist.auto
from locust import User, constant, task

class Shopper(User):
    wait_time = constant(0.1)

    @task
    def look(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=5, response_length=1, exception=None, context={}
        )
"""


def outcome(folder, *command, **more):
    """Exit code and output of a command whose environment has every variable of ours, empty."""
    environment = {**os.environ, **dict.fromkeys(variables(), " "), "AWS_EC2_METADATA_DISABLED": "true", **more}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_master_and_worker_start_with_all_variables_empty(tmp_path):
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    port = str(free_port())
    run = ["--headless", "--processes=1", "--master-bind-port", port, "--master-port", port, "-u1", "--run-time=1s"]
    code, text = outcome(tmp_path, "locust_cw_dist.tools.cli.main", "run", "-f", "locustfile.py", *run)
    assert code == 0, text
    assert "set --cw-service or --cw-namespace" in text


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plan --cw-service=shop", 0),
        ("doctor", 1),  # there is neither a Region nor a credential
        ("alarms show --cw-service=shop --cw-rule=p95<300", 0),
        ("dashboard show --cw-service=shop", 0),
        ("resend spool", 0),
    ],
)
def test_commands_take_all_variables_empty(command, code, tmp_path):
    (tmp_path / "spool").mkdir()
    found, text = outcome(tmp_path, "locust_cw_dist.tools.cli.main", *command.split())
    assert found == code, text
    assert "error:" not in text
