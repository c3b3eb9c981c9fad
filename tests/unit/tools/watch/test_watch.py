"""`locust-cw watch` against a web server that serves a state."""

from __future__ import annotations

import io
import json
import ssl
import urllib.error
from unittest import mock

import pytest
from rich.console import Console

from locust_cw_dist.tools.cli import console
from locust_cw_dist.tools.cli import main as cli
from locust_cw_dist.tools.watch.client import Login, StateClient, WatchError, base_url
from locust_cw_dist.tools.watch.view import view
from support.cluster.ports import free_port
from support.state_server import StateServer, row, state

PASSWORD = "secret & +"


@pytest.fixture
def server():
    with StateServer() as server:
        yield server


def shown(document, columns=80, rows=None, note=""):
    console = Console(file=io.StringIO(), width=columns, highlight=False, color_system=None)
    console.print(view(document, console, rows=rows, note=note))
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= columns for line in lines)
    return [line.rstrip() for line in lines]


def rule(text, state, message=""):
    return {"name": text, "text": text, "state": state, "severity": "fail", "message": message}


def test_a_run_that_is_well_takes_a_few_lines():
    assert shown(state()) == [
        "PUBLISHING for 60 s",
        "run run-1 running, 63 s, 50 users, http://shop, branch=main",
        "perf/shop/loadtests, Region eu-west-1",
        "12,000 results: 11,880 published, 120 on the way; about $0.0095",
        "endpoint                         req/s  requests  failed  p50 ms  p95 ms  p99 ms",
        "all together                     120.0    12,000       3      12      96     412",
        "GET /cart                        120.0     1,200       3      12      96     412",
        "POST /checkout                   120.0     1,200       0      12      96     412",
    ]


def test_what_is_wrong_comes_first():
    rules = [
        rule("failure_ratio < 1 %", "passed", "0.2 % of 12,000 requests"),
        rule("p95 < 3 ms", "broken", "96 ms of 12,000 requests"),
        rule("rps > 1 /s", "waiting"),
    ]
    workers = [
        {"id": "w2", "heard_s": 1_043.0, "state": "missing"},
        {"id": "w3", "heard_s": None, "state": "without plugin"},
        {"id": "w1", "heard_s": 1_063.0, "state": "running"},
    ]
    ledger = state()["ledger"] | {"spooled": 7, "lost": 40, "doubtful": 5}
    lines = shown(
        state(
            status={"name": "retrying", "reason": "CloudWatch not reached: no way", "since_s": 1_000.0},
            rules=rules,
            workers=workers,
            ledger=ledger,
            warnings=[{"time_s": 1_060.0, "text": "locust-cw: CloudWatch not reached"}],
        )
    )
    assert lines[0] == "RETRYING for 63 s: CloudWatch not reached: no way"
    assert " ".join(lines[3:5]).startswith(
        "12,000 results: 11,880 published, 120 on the way, 7 on disk, 40 lost, up to 5 may count twice"
    )
    assert lines[5:10] == [
        "broken  p95 < 3 ms: 96 ms of 12,000 requests",
        "passed  failure_ratio < 1 %: 0.2 % of 12,000 requests",
        "waiting rps > 1 /s",
        "worker w2: missing, heard 20 s ago",
        "worker w3: without plugin",
    ]
    assert lines[-1] == "00:17:40Z locust-cw: CloudWatch not reached"


def test_before_any_test_there_is_a_state_too():
    nothing = row(None, None) | {"last": None}
    nothing["run"] = dict.fromkeys(nothing["run"]) | {"requests": 0, "failures": 0}
    assert "no test has been started" in shown(state(run=None, total=nothing, endpoints=[]))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_narrow_terminal_and_hostile_names(columns):
    many = [row(f"/\x1b[2J\n[red]\u202e{number}" + "x" * 90, "GET") for number in range(500)]
    lines = shown(state(endpoints=many, endpoints_left_out=9, host="x"), columns=columns, rows=24, note="not reached")
    assert len(lines) <= 24
    assert lines[-1] == "not reached"
    assert any(line.startswith("and 49") and line.endswith(" more") for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:8089", "http://localhost:8089"),
        ("http://localhost:8089/", "http://localhost:8089"),
        ("https://locust.example/team-a/cloudwatch", "https://locust.example/team-a"),
        ("https://locust.example/team-a/cloudwatch/state.json?name=x", "https://locust.example/team-a"),
    ],
)
def test_any_page_of_the_web_ui_names_it(text, url):
    assert base_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "http://", "ftp://x", "http://x:port", "http://anna:secret@x", "file:///etc/passwd"]
)
def test_what_is_no_such_url_is_exit_code_2(text, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["watch", text])
    assert ended.value.code == 2
    assert "must be the URL of Locust's web UI" in capsys.readouterr().err or text == "http://x:port"


def watch(server, *args, monkeypatch=None):
    return cli.main(["watch", server.url, *args])


def test_once_and_as_json(server, capsys):
    assert watch(server, "--once") == 0
    assert "11,880 published" in capsys.readouterr().out
    assert watch(server) == 0, "without a terminal it is once, too"
    assert "\x1b" not in capsys.readouterr().out
    assert watch(server, "--json") == 0
    assert json.loads(capsys.readouterr().out) == server.state


def test_on_a_terminal_that_can_not_draw_anew_it_is_once_too(server, capsys, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(console, "make_console", lambda: Console(force_terminal=True, width=80))
    assert watch(server) == 0
    assert "11,880 published" in capsys.readouterr().out


def failure(server, capsys, *args):
    assert watch(server, *args) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_whatever_is_in_the_way_is_one_line(server, capsys):
    server.status = 503
    assert "HTTP 503" in failure(server, capsys)
    server.status, server.state = 200, "<html>a portal</html>"
    assert "something other than the state of a run (HTTP 200, application/json)" in failure(server, capsys)
    server.state = state(version=2)
    assert "a state of version 2, this locust-cw knows version 1: install" in failure(server, capsys)
    server.state = state(endpoints="none")
    assert "something other than the state of a run" in failure(server, capsys)
    server.state = [1]
    assert "something other than the state of a run" in failure(server, capsys)
    server.url += "/elsewhere"
    assert "has no /cloudwatch/state.json: it is no web UI of Locust with locust-cw-dist" in failure(server, capsys)
    server.url = f"http://127.0.0.1:{free_port()}"
    assert "can't be reached: [Errno 111] Connection refused" in failure(server, capsys)


def test_a_certificate_that_is_not_trusted_says_what_to_do(monkeypatch):
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"
    client = StateClient("https://locust.example", Login())
    monkeypatch.setattr(client._opener, "open", mock.Mock(side_effect=urllib.error.URLError(error)))
    with pytest.raises(WatchError, match=r"does not trust \(self-signed certificate\): .* in SSL_CERT_FILE"):
        client.read()


@pytest.mark.parametrize("base_path", ["", "/team-a"])
@pytest.mark.parametrize("login", ["form", "basic"])
def test_a_login_of_user_and_password(login, base_path, capsys, monkeypatch):
    with StateServer(base_path) as server:
        server.login = login
        assert "asks for a login: give --user NAME, and the password in LOCUST_CW_WATCH_PASSWORD" in failure(
            server, capsys
        )
        monkeypatch.setenv("LOCUST_CW_WATCH_PASSWORD", "wrong")
        assert "the login as anna was refused" in failure(server, capsys, "--user", "anna")
        monkeypatch.setenv("LOCUST_CW_WATCH_PASSWORD", PASSWORD)
        assert watch(server, "--user", "anna", "--once") == 0
        client = StateClient(server.url, Login("anna", PASSWORD))
        tries = len(server.tries)
        assert client.read() == client.read() == server.state
        assert len(server.tries) - tries == (login == "form"), "it logs in once"


def test_a_login_without_a_form_needs_a_cookie(server, capsys, monkeypatch):
    monkeypatch.setenv("LOCUST_CW_WATCH_PASSWORD", PASSWORD)
    server.login = "sso"
    assert "log in with a browser, and give its cookie with --cookie" in failure(server, capsys, "--user", "anna")
    assert watch(server, "--once", "--cookie", "session=right") == 0


def test_no_password_goes_to_another_host(server, capsys, monkeypatch):
    monkeypatch.setenv("LOCUST_CW_WATCH_PASSWORD", PASSWORD)
    with StateServer() as elsewhere:
        server.login, server.callback = "form", f"{elsewhere.url}/login_submit"
        assert "it is not sent there" in failure(server, capsys, "--user", "anna")
        assert elsewhere.tries == []


def test_without_a_terminal_nobody_is_asked_for_a_password(server, capsys, monkeypatch):
    monkeypatch.delenv("LOCUST_CW_WATCH_PASSWORD", raising=False)
    assert "set LOCUST_CW_WATCH_PASSWORD" in failure(server, capsys, "--user", "anna")
