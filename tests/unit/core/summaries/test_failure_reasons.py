"""Reasons of what the clients of real locustfiles raise."""

from __future__ import annotations

import json
import socket
import ssl
from enum import Enum, IntEnum
from types import SimpleNamespace

import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError
from geventhttpclient.useragent import BadStatusCode
from hypothesis import given
from hypothesis import strategies as st
from locust.exception import CatchResponseError
from urllib3.exceptions import ProtocolError
from websocket import WebSocketBadStatusException

from locust_cw_dist.core.summaries.failure_reasons import MAX_REASON_CHARS, UNKNOWN, reason_of
from support.strategies import any_char


class Status(IntEnum):
    BROKEN = 500


def answered(status):
    return SimpleNamespace(status_code=status)


class StatusCode(Enum):
    """As grpc has it."""

    UNAVAILABLE = (14, "unavailable")


class _InactiveRpcError(Exception):
    """As grpc has it: its text is of several lines, with times and file names."""

    def __init__(self, details):
        self._details = details

    def code(self):
        return StatusCode.UNAVAILABLE

    def details(self):
        return self._details

    def __str__(self):
        return '<_InactiveRpcError of RPC that terminated with:\n\tdebug_error_string = "{grpc_status:14}"\n>'


class UniqueViolation(Exception):  # noqa: N818
    """As psycopg has it."""

    sqlstate = "23505"


class IntegrityError(Exception):
    """As SQLAlchemy has it."""

    code = "gkpj"

    def __init__(self, text, orig):
        super().__init__(text)
        self.orig = orig


class OperationalError(Exception):
    """As PyMySQL has it."""


class ConnectionClosedError(Exception):
    """As websockets has it."""

    code = 1006


class RateLimitError(Exception):
    """As clients of web services have it."""

    def __init__(self, text, code=None, status_code=None):
        super().__init__(text)
        self.code, self.status_code = code, status_code


def http_error(status, phrase):
    response = requests.Response()
    response.status_code, response.reason, response.url = status, phrase, "http://10.0.0.1/a?token=x"
    try:
        response.raise_for_status()
    except requests.HTTPError as e:
        return e
    raise AssertionError


def json_error():
    try:
        json.loads("{x")
    except ValueError as e:
        return e
    raise AssertionError


POOL = "HTTPConnectionPool(host='10.0.0.1', port=80)"
REFUSED = "Failed to establish a new connection: [Errno 111] Connection refused"
RETRIES = "Max retries exceeded with url: /a b?id=3 (Caused by NewConnectionError"
JSON = "Expecting property name enclosed in double quotes: line <n> column <n> (char <n>)"
OLD_URLLIB3 = f"'<urllib3.connection.HTTPConnection object at 0x7f0a1b2c3d4e>: {REFUSED}'"
NEW_URLLIB3 = f"\"HTTPConnection(host='10.0.0.1', port=80): {REFUSED}\""

# An exception, a response's status or None, the reason, and what it is without a message.
REASONS = [
    (CatchResponseError("price is wrong"), 200, "CatchResponseError: price is wrong", "CatchResponseError"),
    (CatchResponseError("no gold"), None, "CatchResponseError: no gold", "CatchResponseError"),
    (CatchResponseError("no gold in stock"), 500, "HTTP 500: no gold in stock", "HTTP 500"),
    (CatchResponseError(None), None, "CatchResponseError: None", "CatchResponseError"),
    (CatchResponseError({"code": 17}), 404, "HTTP 404: {'code': <n>}", "HTTP 404"),
    (ValueError(), 500, "HTTP 500", "HTTP 500"),
    (ValueError("x"), 400, "HTTP 400: x", "HTTP 400"),
    (ValueError("x"), 399, "ValueError: x", "ValueError"),
    (ValueError("x"), 0, "ValueError: x", "ValueError"),
    (ValueError("x"), -500, "ValueError: x", "ValueError"),
    (ValueError("x"), 1_000, "ValueError: x", "ValueError"),
    (ValueError("x"), 10**300, "ValueError: x", "ValueError"),
    (ValueError("x"), "500", "ValueError: x", "ValueError"),
    (ValueError("x"), True, "ValueError: x", "ValueError"),
    (ValueError("x"), Status.BROKEN, "HTTP 500: x", "HTTP 500"),
    (ValueError, None, "ValueError", "ValueError"),
    (AssertionError(), None, "AssertionError", "AssertionError"),
    (SystemExit("secretly"), None, "SystemExit: secretly", "SystemExit"),
    (SystemExit(3), None, "SystemExit 3: <n>", "SystemExit 3"),
    (KeyError("user_17"), None, "KeyError: 'user_<n>'", "KeyError"),
    (json_error(), None, f"JSONDecodeError: {JSON}", "JSONDecodeError"),
    ("timed out", None, "timed out", "str"),
    ("timed out", 504, "HTTP 504: timed out", "HTTP 504"),
    (b"timed out", None, "timed out", "bytes"),
    ("HTTP 503", None, "HTTP 503", "str"),
    ("\ud800", None, "\ufffd", "str"),
    ("\n", None, "str", "str"),
    (17, None, "17", "17"),
    (123_456_789, None, "int", "int"),
    (True, None, "bool", "bool"),
    ({"error": "no gold", "id": 17}, None, "dict: {'error': 'no gold', 'id': <n>}", "dict"),
    (type("", (Exception,), {})(), None, UNKNOWN, UNKNOWN),
    (type("Two\nLines", (Exception,), {})("x"), None, "TwoLines: x", "TwoLines"),
    # requests and urllib3
    (http_error(404, "Not Found"), 404, "HTTP 404", "HTTP 404"),
    (http_error(404, "Not Found"), None, "HTTP 404", "HTTP 404"),
    (http_error(503, "Maintenance"), 503, "HTTP 503: Maintenance", "HTTP 503"),
    (requests.ConnectionError(f"{POOL}: {RETRIES}({OLD_URLLIB3}))"), None,
     f"ConnectionError: NewConnectionError('<HTTPConnection>: {REFUSED}')", "ConnectionError"),
    (requests.ConnectionError(f"{POOL}: {RETRIES}({NEW_URLLIB3}))"), None,
     f'ConnectionError: NewConnectionError("<addr>: {REFUSED}")', "ConnectionError"),
    (requests.ReadTimeout(f"{POOL}: Read timed out. (read timeout=0.2)"), None,
     "ReadTimeout: <addr>: Read timed out. (read timeout=<n>)", "ReadTimeout"),
    (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))),
     None, "ConnectionError: ('Connection aborted.', ConnectionResetError(<n>, 'reset'))", "ConnectionError"),
    (requests.exceptions.MissingSchema("Invalid URL 'foo': No scheme supplied."), None,
     "MissingSchema: Invalid URL 'foo': No scheme supplied.", "MissingSchema"),
    # geventhttpclient
    (BadStatusCode("http://10.0.0.1/a?b=1", code=503), 503, "HTTP 503", "HTTP 503"),
    (BadStatusCode("http://10.0.0.1/a?b=1", code=503), None, "HTTP 503", "HTTP 503"),
    (BadStatusCode("http://10.0.0.1/a?b=1", "too slow"), None, "BadStatusCode: too slow", "BadStatusCode"),
    # The system's
    (ConnectionRefusedError(111, "Connection refused"), None, "ECONNREFUSED: Connection refused", "ECONNREFUSED"),
    (OSError(104, "reset"), 0, "ECONNRESET: reset", "ECONNRESET"),
    (FileNotFoundError(2, "No such file", "/a/b17"), None, "ENOENT: No such file: '/a/b<n>'", "ENOENT"),
    (socket.gaierror(-2, "Name or service not known"), None, "gaierror: Name or service not known", "gaierror"),
    (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong (_ssl.c:1006)"), None,
     "SSLError: [SSL: WRONG_VERSION_NUMBER] wrong (_ssl.c:<n>)", "SSLError"),
    (TimeoutError("timed out"), None, "TimeoutError: timed out", "TimeoutError"),
    # gRPC
    (_InactiveRpcError("connection refused to 10.0.0.1:50051"), None, "UNAVAILABLE: connection refused to <addr>",
     "UNAVAILABLE"),
    (_InactiveRpcError(None), None, "UNAVAILABLE", "UNAVAILABLE"),
    # botocore
    (ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "PutItem"), None,
     "ThrottlingException: An error occurred (ThrottlingException) when calling the PutItem operation: Rate exceeded",
     "ThrottlingException"),
    (ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject"), None,
     "HTTP 404: An error occurred (<n>) when calling the HeadObject operation: Not Found", "HTTP 404"),
    (EndpointConnectionError(endpoint_url="http://10.0.0.1/"), None,
     'EndpointConnectionError: Could not connect to the endpoint URL: "<url>"', "EndpointConnectionError"),
    # Databases
    (UniqueViolation('duplicate key value violates "users_pkey" DETAIL: Key (id)=(42) already exists.'), None,
     'UniqueViolation 23505: duplicate key value violates "users_pkey" DETAIL: Key (id)=(<n>) already exists.',
     "UniqueViolation 23505"),
    (IntegrityError("duplicate", UniqueViolation()), None, "IntegrityError 23505: duplicate", "IntegrityError 23505"),
    (OperationalError(1045, "Access denied for 'root'@'10.0.0.1'"), None,
     "OperationalError 1045: (<n>, \"Access denied for 'root'@'<addr>'\")", "OperationalError 1045"),
    (ConnectionError("Error 111 connecting to localhost:6379. Connection refused."), None,
     "ConnectionError: Error <n> connecting to <addr>. Connection refused.", "ConnectionError"),
    # Websockets and web services
    (ConnectionClosedError("no close frame received or sent"), None,
     "ConnectionClosedError 1006: no close frame received or sent", "ConnectionClosedError 1006"),
    (WebSocketBadStatusException("Handshake status 401 Unauthorized", 401), None,
     "HTTP 401: Handshake status 401 Unauthorized", "HTTP 401"),
    (RateLimitError("slow down", code="rate_limit_exceeded"), None,
     "RateLimitError rate_limit_exceeded: slow down", "RateLimitError rate_limit_exceeded"),
    (RateLimitError("slow down", code="4f9c1e7a"), None, "RateLimitError: slow down", "RateLimitError"),
    (RateLimitError("slow down", status_code=429), None, "HTTP 429: slow down", "HTTP 429"),
    # Groups
    (ExceptionGroup("unhandled errors", [ConnectionResetError(104, "reset"), ValueError()]), None,
     "ExceptionGroup: ECONNRESET: reset", "ExceptionGroup"),
    # People's messages
    (CatchResponseError("user jane@example.com sent token=abc"), None,
     "CatchResponseError: user <email> sent token=<masked>", "CatchResponseError"),
    (CatchResponseError("one\ntwo\t\x1b[31mthree\x1b[0m"), None, "CatchResponseError: one two three",
     "CatchResponseError"),
]  # fmt: skip


@pytest.mark.parametrize(("exception", "status", "reason", "code"), REASONS)
def test_a_reason_is_the_code_and_then_the_message(exception, status, reason, code):
    assert reason_of(exception, answered(status)) == reason
    assert reason_of(exception, answered(status), with_message=False) == code


@pytest.mark.parametrize("response", [None, object(), "text", 17])
def test_a_response_without_a_status_is_no_matter(response):
    assert reason_of(ValueError("x"), response) == "ValueError: x"


def test_a_response_of_another_client_has_a_status_too():
    assert reason_of(ValueError("x"), SimpleNamespace(status=502)) == "HTTP 502: x"


class Broken:
    """Raises whatever is done with it."""

    def _fail(self, *_):
        raise RuntimeError("do not touch")

    __str__ = __repr__ = __bool__ = __len__ = __int__ = __lt__ = __le__ = __eq__ = __hash__ = _fail
    status_code = status = code = response = errno = args = orig = sqlstate = __dict__ = property(_fail)


class BrokenError(Broken, Exception):
    pass


class EndlessError(Exception):
    def __getattr__(self, name):
        return self if name != "errno" else 3

    def __str__(self):
        return str(self.__str__())


class NoTextError(Exception):
    def __str__(self):
        return 17  # noqa: PLE0307


@pytest.mark.parametrize(
    ("exception", "response", "reason"),
    [
        (Broken(), None, "Broken"),
        (BrokenError(), Broken(), "BrokenError"),
        (ValueError("x"), Broken(), "ValueError: x"),
        (Broken(), answered(500), "HTTP 500"),
        (EndlessError(), EndlessError(), "EndlessError"),
        (NoTextError(), None, "NoTextError"),
        (ValueError(Broken()), None, "ValueError"),
    ],
)
def test_what_raises_when_it_is_looked_at_costs_only_itself(exception, response, reason):
    assert reason_of(exception, response) == reason
    assert reason_of(exception, response, with_message=False) == reason.partition(":")[0]


def test_what_is_no_exception_passes():
    class CancelledError(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reason_of(CancelledError())


def test_a_class_of_text_is_plain_text_afterwards():
    class Text(str):
        __slots__ = ()

        def __str__(self):
            return self

    for exception in (Text("broken"), ValueError(Text("broken"))):
        assert type(reason_of(exception)) is str


def test_a_reason_as_long_as_a_page_is_cut():
    for text in ("<html> " * 1_000_000, "x" * 10**7, "word " * 100):
        for exception in (text, CatchResponseError(text), ValueError(text, text), KeyError(text)):
            assert len(reason_of(exception)) <= MAX_REASON_CHARS
    assert reason_of("word " * 100).endswith("...")
    assert len({reason_of(type("E" * 500 + end, (Exception,), {})("x")) for end in "ab"}) == 2


exceptions = st.one_of(
    st.text(any_char),
    st.binary(),
    st.integers(),
    st.floats(),
    st.builds(ValueError, st.text(any_char)),
    st.builds(ValueError, st.integers(), st.text(any_char)),
    st.builds(OSError, st.integers(-200, 200), st.text(any_char)),
    st.builds(RateLimitError, st.text(any_char), st.text(any_char) | st.integers(), st.integers(0, 1_000)),
    st.dictionaries(st.text(any_char), st.integers()),
)
responses = st.none() | st.builds(answered, st.integers(0, 1_100))


@given(exceptions, responses)
def test_any_reason_is_short_and_printable_and_begins_with_its_code(exception, response):
    code, reason = reason_of(exception, response, with_message=False), reason_of(exception, response)
    for text in (code, reason):
        assert type(text) is str
        assert 1 <= len(text) <= MAX_REASON_CHARS
        assert text.isprintable()
    assert reason.startswith(code) or isinstance(exception, str | bytes)
