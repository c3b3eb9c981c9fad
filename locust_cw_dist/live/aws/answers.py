"""Answers: whose an answer is, and reading no more of it than an answer can have.

A login page, a gateway or a wrong address may answer in place of AWS, with any status. What it says must not count as
AWS's word: a batch would be booked as published, or set aside for good. So an answer is taken for a stranger's on
positive evidence, and all of it is needed:

- it carries no request id, which AWS and what stands in for it give, and
- its body is HTML, or is not of the protocol that was asked in; or it sends us somewhere else.

An empty body is evidence of nothing. What is a stranger's is tried again and kept, so an answer of AWS's that is taken
for one would be sent again for ever: where in doubt, it is AWS's.

A body is read to the end of what an answer of its operation may have, and no further.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from locust_cw_dist.live.aws.lines import one_line
from locust_cw_dist.live.platform.clock import monotonic_s

MAX_ANSWER_BYTES = 64 * 1024
"""Of an answer that says done, or why not: a hundred times what AWS says. Reading it must not hold the hub."""

MAX_LIST_BYTES = 16 * 1024 * 1024
"""Of one that lists what there is: a page of alarms, metrics or objects. Only commands ask for these."""

PIECE_BYTES = 64 * 1024

MAX_ANSWER_S = 60.0
"""How long one may trickle in where nobody else sets a limit: commands."""

_LISTING = ("Describe", "Get", "List")

_REQUEST_IDS = ("x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id", "x-amz-id-2")

# What follows runs on the hub, over bytes that anybody may have made. So nothing is looked at twice: no pattern here
# has two ways to match the same bytes, and none begins anew at each byte and runs on from there.
_BLANK = re.compile(rb"\s*")
_HTML = re.compile(
    rb"<(?:!doctype\s+html|(?:html|head|body|title|meta|script|style|div|h1|p|center|form|table|iframe|a)[\s/>])",
    re.IGNORECASE,
)
_BOM = b"\xef\xbb\xbf"
_GENERIC = b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>"
"""What AWS's own front doors answer when what is behind them can't; botocore knows it too."""

_BEFORE_THE_ROOT = ((b"<!--", b"-->"), (b"<?", b"?>"))
"""How comments and declarations of XML begin and end."""

_QUERY_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_QUERY_ENDS = (b"Response", b"Result", b"Error")
_JSON_ERRORS = ("__type", "code", "Code")
_JSON_ERROR_HEADERS = ("x-amzn-errortype", "x-amzn-query-error")

_TITLE = re.compile(rb"<title[^<>]*>([^<]*)", re.IGNORECASE)
SHOWN_CHARS = 80
MAX_SHOWN_BYTES = 16 * 1024
"""From where these come: enough to know a secret by that stands among them."""

_SAID = {"content-type": "", "server": "Server ", "via": "Via ", "location": "to "}
"""Headers that tell who has answered, and the words before their values."""


class Answer(NamedTuple):
    """What came back.

    Attributes:
        service: Who was asked, as CloudWatch.
        url: Where.
        status: The HTTP status.
        headers: Header names in small letters -> values.
        body: The body, unpacked.
    """

    service: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class ForeignAnswerError(Exception):
    """Something else than AWS has answered; ``str()`` says what, in one line.

    Attributes:
        status: its HTTP status.
        service: who should have answered.
    """

    def __init__(self, answer: Answer, problem: str = "") -> None:
        super().__init__(f"{describe(answer)}{problem and f', {problem}'}")
        self.status = answer.status
        self.service = answer.service


class Expected(NamedTuple):
    """What AWS would answer.

    Attributes:
        protocol: As botocore names it: json, smithy-rpc-v2-cbor, query, rest-xml.
        members: Names of the members of a good answer.
    """

    protocol: str
    members: frozenset[str]


def small(headers: Mapping[Any, Any]) -> dict[str, str]:
    """Return headers with their names in small letters."""
    return {str(name).lower(): str(value) for name, value in headers.items()}


def has_request_id(headers: Mapping[str, str]) -> bool:
    """Whether an answer has AWS's sign."""
    return any(headers.get(name) for name in _REQUEST_IDS)


def check(answer: Answer, expected: Expected) -> None:
    """Let an answer of AWS's pass.

    Raises:
        ForeignAnswerError: It is a stranger's.
    """
    if is_foreign(answer, expected):
        raise ForeignAnswerError(answer)


def is_foreign(answer: Answer, expected: Expected) -> bool:
    """Whether an answer is certainly not AWS's."""
    if has_request_id(answer.headers) or "x-amz-bucket-region" in answer.headers:
        return False
    body = answer.body.removeprefix(_BOM).strip()
    if 300 < answer.status < 400 and "location" in answer.headers and not body:
        return True
    if not body or (answer.status >= 500 and body == _GENERIC):
        return False
    return is_html(body) or not _is_of_protocol(body, answer, expected)


def is_html(body: bytes) -> bool:
    """Whether a body begins as a page does."""
    body = body.removeprefix(_BOM)
    return _HTML.match(body, _root_at(body)) is not None


def _root_at(body: bytes) -> int:
    """Return where a page or a document of XML begins, behind comments and declarations."""
    at = _behind_blanks(body, 0)
    while end := next((end for begin, end in _BEFORE_THE_ROOT if body.startswith(begin, at)), None):
        end_at = body.find(end, at)
        if end_at < 0:
            break
        at = _behind_blanks(body, end_at + len(end))
    return at


def _behind_blanks(body: bytes, at: int) -> int:
    found = _BLANK.match(body, at)
    return found.end() if found else at


def _is_of_protocol(body: bytes, answer: Answer, expected: Expected) -> bool:
    if expected.protocol in {"json", "rest-json"}:
        return _is_json(body, answer, expected.members)
    if expected.protocol == "smithy-rpc-v2-cbor":
        return body[0] >> 5 == 5  # a map, as everything in this protocol
    if expected.protocol == "query":
        root = _QUERY_ROOT.match(body, _root_at(body))
        return root is not None and root[1].endswith(_QUERY_ENDS)
    return body.startswith(b"<")


def _is_json(body: bytes, answer: Answer, members: frozenset[str]) -> bool:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    if answer.status < 300:
        return not document or not document.keys().isdisjoint(members | {"ResponseMetadata"})
    return any(key in document for key in _JSON_ERRORS) or any(key in answer.headers for key in _JSON_ERROR_HEADERS)


def describe(answer: Answer) -> str:
    """Say who has answered and what, in one line: for whoever has to find them."""
    title = _TITLE.search(answer.body, 0, 4 * MAX_ANSWER_BYTES)
    shown = (title[1] if title else answer.body).lstrip()[:MAX_SHOWN_BYTES]
    beginning = one_line(shown.decode("utf-8", "replace"))[:SHOWN_CHARS]
    said = {name: one_line(value)[:SHOWN_CHARS] for name, value in answer.headers.items() if name in _SAID}
    signs = [f"HTTP {answer.status}", *(f"{_SAID[name]}{said[name]}" for name in _SAID if name in said)]
    signs.insert(2 if "content-type" in said else 1, f"from {urlsplit(answer.url).netloc.rpartition('@')[2]}")
    if beginning:
        signs.append(f"'{beginning}'")
    return ", ".join(signs)


def max_bytes(operation: str) -> int:
    """Return how long an answer of an operation may be."""
    return MAX_LIST_BYTES if operation.startswith(_LISTING) else MAX_ANSWER_BYTES


def read(raw: Any, answer: Answer, limit_bytes: int) -> bytes:
    """Read a body, and unpack it if it is packed.

    Args:
        raw: urllib3's answer, whose body is yet to be read.
        answer: The same without its body.
        limit_bytes: How long it may be, unpacked.

    Raises:
        ForeignAnswerError: It is longer, takes too long, or can't be unpacked.
        OSError: It was cut off on its way, which says nothing of who has sent it.
    """
    end_s = monotonic_s() + MAX_ANSWER_S
    body = bytearray()
    step = getattr(raw, "read1", raw.read)
    while piece := step(min(PIECE_BYTES, limit_bytes + 1 - len(body))):
        body += piece
        if len(body) > limit_bytes or monotonic_s() > end_s:
            raw.close()
            problem = f"more than {limit_bytes:,} bytes" if len(body) > limit_bytes else f"no end in {MAX_ANSWER_S:g} s"
            raise ForeignAnswerError(answer._replace(body=bytes(body)), problem)
    announced = answer.headers.get("content-length", "")
    if body and announced.isdecimal() and len(body) < int(announced) and not has_request_id(answer.headers):
        raise OSError(f"the answer was cut off: {len(body)} of {announced} bytes came")
    return _unpacked(answer._replace(body=bytes(body)), limit_bytes)


def _unpacked(answer: Answer, limit_bytes: int) -> bytes:
    if not answer.body or answer.headers.get("content-encoding", "").strip().lower() not in {"gzip", "x-gzip"}:
        return answer.body
    try:
        body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(answer.body, limit_bytes + 1)
    except zlib.error as e:
        raise ForeignAnswerError(answer._replace(body=b""), "no gzip") from e
    if len(body) > limit_bytes:
        raise ForeignAnswerError(answer._replace(body=body), f"more than {limit_bytes:,} bytes")
    return body
