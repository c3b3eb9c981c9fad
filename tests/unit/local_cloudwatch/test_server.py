"""The server on the wire: bodies, protocols, what it tells of itself, many clients, and the process around it."""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.config import Config

from locust_cw_dist.local_cloudwatch.command import run
from locust_cw_dist.tools.cli.local_cloudwatch import add_parser
from support.publishing.aws_json import headers_of, operate, post
from support.publishing.put_requests import NAMESPACE, ONE_TRY, a_call, a_datum, dimensions, refusal

pytestmark = pytest.mark.once

MODULE = "locust_cw_dist.local_cloudwatch"
LIMIT_BYTES = 1_000_000
DEADLINE_S = 20


def body_of(size=None, name="m"):
    """A call's body, of a given size where asked for: JSON may end in any number of spaces."""
    body = json.dumps(a_call(a_datum(MetricName=name))).encode()
    return body if size is None else body + b" " * (size - len(body))


def put(cloudwatch, body, **headers):
    return post(cloudwatch.endpoint_url, body, headers_of("PutMetricData", **headers))


# Bodies


@pytest.mark.parametrize("size", [LIMIT_BYTES, LIMIT_BYTES + 1])
def test_size_of_a_plain_body(cloudwatch, size):
    answer = put(cloudwatch, body_of(size))
    expected = (200, None) if size <= LIMIT_BYTES else (413, "RequestEntityTooLarge")
    assert (answer.status, answer.code) == expected


@pytest.mark.parametrize("size", [LIMIT_BYTES, LIMIT_BYTES + 1])
def test_size_of_a_body_after_gzip(cloudwatch, size):
    answer = put(cloudwatch, gzip.compress(body_of(size)), Content_Encoding="gzip")
    expected = (200, None) if size <= LIMIT_BYTES else (413, "RequestEntityTooLarge")
    assert (answer.status, answer.code) == expected


def test_size_of_a_compressed_body(cloudwatch):
    packer = zlib.compressobj(0, wbits=31)
    stored = packer.compress(body_of(LIMIT_BYTES)) + packer.flush()  # gzip without compression: a little larger
    assert len(stored) > LIMIT_BYTES
    assert put(cloudwatch, stored, Content_Encoding="gzip").status == 413


def test_a_gzip_bomb_is_not_inflated(cloudwatch):
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()
    assert len(bomb) < LIMIT_BYTES
    assert put(cloudwatch, bomb, Content_Encoding="gzip").status == 413
    assert cloudwatch.stats().body_bytes == LIMIT_BYTES + 1


def test_boto3_compresses_and_nothing_is_lost(cloudwatch):
    client = cloudwatch.client(config=ONE_TRY.merge(Config(request_min_compression_size_bytes=1)))
    client.put_metric_data(**a_call(*(a_datum(MetricName=f"m{i}", Values=[1.5], Counts=[3]) for i in range(200))))
    stats = cloudwatch.stats()
    assert stats.datums == 200
    assert stats.wire_bytes < stats.body_bytes / 5
    assert {one.values[1.5] for one in cloudwatch.dump()} == {3}


@pytest.mark.parametrize("compress", [False, True])
def test_chunked_bodies(cloudwatch, compress):
    body = gzip.compress(body_of()) if compress else body_of()
    headers = {"Content_Encoding": "gzip"} if compress else {}
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    assert put(cloudwatch, iter(pieces), **headers).status == 200  # http.client sends an iterator in chunks
    assert cloudwatch.stats().wire_bytes == len(body)
    assert cloudwatch.stats().datums == 1


def test_a_chunked_body_that_is_too_large(cloudwatch):
    body = body_of(LIMIT_BYTES + 1)
    assert put(cloudwatch, iter([body[:500_000], body[500_000:]])).status == 413


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"\xff\xfe{}", {}, 400),
        (b"not gzip", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(body_of())[:-5], {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(body_of()) + b"more", {"Content_Encoding": "gzip"}, 400),
        (body_of(), {"Content_Encoding": "br"}, 415),
    ],
    ids=range(8),
)
def test_unreadable_bodies(cloudwatch, body, headers, status):
    answer = put(cloudwatch, body, **headers)
    assert answer.status == status
    assert answer.document["__type"] == "SerializationException"
    assert cloudwatch.stats().put_refused == 1


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n",
    ],
    ids=range(5),
)
def test_bad_framing_closes_the_connection(cloudwatch, request_text):
    with socket.create_connection(address(cloudwatch), timeout=DEADLINE_S) as connection:
        connection.sendall(request_text)
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 413")


def address(cloudwatch):
    parts = urlsplit(cloudwatch.endpoint_url)
    return parts.hostname, parts.port


def read_to_end(connection):
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_a_connection_serves_many_calls_even_after_a_refusal(cloudwatch):
    connection = http.client.HTTPConnection(*address(cloudwatch), timeout=DEADLINE_S)
    connection.connect()
    kept = connection.sock
    for body in (body_of(), body_of(LIMIT_BYTES + 1), b"{}", body_of()):
        connection.request("POST", "/", body, headers_of("PutMetricData"))
        connection.getresponse().read()
        assert connection.sock is kept
    connection.close()
    assert cloudwatch.stats().put_accepted == 2


# Operations and errors


def test_the_error_as_it_travels(cloudwatch):
    answer = operate(cloudwatch.endpoint_url, "PutMetricData", {})
    assert answer.status == 400
    assert answer.document == {
        "__type": "MissingRequiredParameterException",
        "message": "The parameter Namespace is required.",
    }
    assert answer.headers["x-amzn-query-error"] == "MissingParameter;Sender"
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"
    assert answer.headers["x-amzn-RequestId"]


def test_unknown_operations(cloudwatch, client):
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.describe_alarms()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert "DescribeAlarms" in caught.value.response["Error"]["Message"]
    assert cloudwatch.stats().refusals == {"UnknownOperationException": 1}
    assert cloudwatch.stats().operations == {"(unknown)": 1}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/x"), ("DELETE", "/"), ("GET", "/_local/x"), ("POST", "/_local/stats")]
)
def test_other_paths_are_not_found(cloudwatch, method, path):
    assert post(cloudwatch.endpoint_url, "{}", {}, path=path, method=method).status == 404


# What it tells of itself


def test_counters_tell_of_every_call(cloudwatch, client):
    for _ in range(3):
        client.put_metric_data(**a_call(a_datum(), a_datum()))
    refusal(client, a_call(a_datum(Unit="x")))
    refusal(client, a_call())
    client.list_metrics()
    stats = cloudwatch.stats()
    assert (stats.put_calls, stats.put_accepted, stats.put_refused, stats.put_unanswered) == (5, 3, 2, 0)
    assert stats.datums == 6
    assert stats.refusals == {"InvalidParameterValue": 1, "MissingParameter": 1}
    assert stats.operations == {"PutMetricData": 5, "ListMetrics": 1}
    assert (stats.series, stats.evicted_series, stats.evicted_cells) == (1, 0, 0)
    cloudwatch.reset()
    assert cloudwatch.stats().put_calls == cloudwatch.stats().series == 0


def test_concurrent_puts_lose_nothing(cloudwatch):
    threads, calls = 8, 25
    local = threading.local()

    def one_call(number):
        if not hasattr(local, "client"):
            with making:  # boto3's default session is not for several threads at once
                local.client = cloudwatch.client(config=ONE_TRY)
        pairs = {"Values": [1.0, float(2 + number % 7)], "Counts": [2, 3]}
        own = a_datum(Dimensions=dimensions(("Thread", threading.current_thread().name)))
        local.client.put_metric_data(**a_call(a_datum(**pairs), own))

    making = threading.Lock()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one_call, range(threads * calls)))
    shared, *own = sorted(cloudwatch.dump(NAMESPACE, "RequestCount"), key=lambda one: len(one.dimensions))
    assert shared.values[1.0] == 2 * threads * calls
    assert shared.count == 5 * threads * calls
    assert sum(one.count for one in own) == threads * calls
    assert cloudwatch.stats().put_accepted == threads * calls


# The process


def test_the_command_is_a_part_of_locust_cw():
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["local-cloudwatch"])
    assert (arguments.run, arguments.host, arguments.port) == (run, "127.0.0.1", 4582)


def start(*arguments, **kwargs):
    command = [sys.executable, "-m", MODULE, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number):
    process = start("--port", "0")
    ready, usage = process.stdout.readline(), process.stdout.readline()
    assert ready.startswith("local CloudWatch listens on http://127.0.0.1:")
    url = ready.split()[-1]
    assert f"AWS_ENDPOINT_URL_CLOUDWATCH={url}" in usage
    assert f"--cw-endpoint-url {url}" in usage
    process.send_signal(number)
    rest, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_busy_port_is_one_line_and_code_1(cloudwatch):
    _, port = address(cloudwatch)
    process = start("--port", str(port))
    out, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert out == ""
    assert errors == f"local CloudWatch: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_refusals_are_said_unless_quiet():
    process = start("--port", "0")
    url = process.stdout.readline().split()[-1]
    operate(url, "PutMetricData", {})
    process.terminate()
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert errors == (
        "local CloudWatch: refused PutMetricData: MissingParameter: The parameter Namespace is required.\n"
    )


def test_it_can_end_with_its_standard_input():
    process = start("--port", "0", "--quiet", "--until-stdin-closes", stdin=subprocess.PIPE)
    process.stdout.readline()
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0
    process.stdout.close()
    process.stderr.close()


def test_neither_locust_nor_gevent_nor_boto3_is_imported():
    program = f"import sys, {MODULE}.http.server, {MODULE}.__main__, locust_cw_dist.testing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert f"{MODULE}.http.server" in done.stdout.split()
    assert not loaded & {"locust", "gevent", "boto3", "botocore", "msgpack", "zmq", "flask", "werkzeug"}


def test_it_runs_on_the_standard_library_alone():
    # -S leaves site-packages out; the package itself comes by path
    root = Path(sys.modules["locust_cw_dist.testing"].__file__).parents[1]
    command = [sys.executable, "-S", "-m", MODULE, "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=environment, **pipes)
    ready = process.stdout.readline()
    assert ready.startswith("local CloudWatch listens on ")
    # CBOR alone needs more, and says so.
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    request = Request(re.search(r"http://\S+", ready)[0].rstrip("/") + path, b"\xa0", method="POST")
    with pytest.raises(HTTPError) as caught:
        urlopen(request, timeout=DEADLINE_S)
    assert caught.value.code == 400
    assert 'pip install "cbor2>=6.2"' in json.load(caught.value)["message"]
    process.terminate()
    _, logged = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert logged.count("refused ListMetrics") == 1


# Web pages of others


def control_status(cloudwatch, method="POST", path="/_local/reset", **headers):
    address = urlsplit(cloudwatch.endpoint_url)
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=DEADLINE_S)
    try:
        line.request(method, path, body=b"{}", headers={"Host": address.netloc} | headers)
        return line.getresponse().status
    finally:
        line.close()


@pytest.mark.parametrize("path", ["/_local/reset", "/_local/faults"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example:4582", "Origin": "http://evil.example:4582"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "@"},
        {"Host": "[::1"},
    ],
)
def test_a_page_of_another_site_changes_nothing(cloudwatch, path, headers):
    assert control_status(cloudwatch, path=path, **headers) == 403


@pytest.mark.parametrize(
    "host",
    ["localhost:4582", "127.0.0.1", "[::1]:4582", "cloudwatch:4582", "cloudwatch.perf.svc", "host.docker.internal:1"],
)
def test_a_program_calls_it_by_any_name_that_is_nobodys(cloudwatch, host):
    assert control_status(cloudwatch, "GET", "/_local/stats", Host=host) == 200


def test_a_page_of_the_servers_own_may_ask_it(cloudwatch):
    assert control_status(cloudwatch, "GET", "/_local/stats", Origin=cloudwatch.endpoint_url) == 200
