"""The three protocols that AWS's SDKs speak with CloudWatch; the operations know nothing of them.

| protocol | who | request | answer |
|---|---|---|---|
| AWS JSON 1.0 | boto3 from 1.42.7 on, AWS CLI | `X-Amz-Target: GraniteServiceVersion20100801.OPERATION`, JSON | JSON |
| smithy-rpc-v2-cbor | SDKs for Go (from 1.52 of its CloudWatch module on), Ruby, PHP, Swift, Java | path `/service/GraniteServiceVersion20100801/operation/OPERATION`, CBOR | CBOR |
| query | all older ones | a form with `Action=OPERATION` | XML |

The document of an operation is the same in all three: JSON's.
"""  # noqa: E501 - a row of a table

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from locust_cw_dist.local_cloudwatch.errors import ApiError
from locust_cw_dist.local_cloudwatch.http import cbor, form

if TYPE_CHECKING:
    from email.message import Message

    from locust_cw_dist.local_cloudwatch.http.wire import Received
    from locust_cw_dist.local_cloudwatch.operations.fields import Document

_SERVICE_PATH = re.compile(r"/service/GraniteServiceVersion20100801/operation/(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, whatever its protocol.

    Attributes:
        operation: what it names as operation; empty where it names none.
        document: its parameters.
        problem: why there is no document, or None.
    """

    operation: str
    document: Document
    problem: ApiError | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it leaves.

    Attributes:
        body: its bytes.
        headers: names and values, the content type among them.
    """

    body: bytes
    headers: tuple[tuple[str, str], ...]


class WireProtocol(Protocol):
    """One way to write calls and answers."""

    def read(self, headers: Message, path: str, received: Received) -> Call:
        """Take a request apart; what can't be read is a `Call` with a problem."""

    def answer(self, operation: str, document: Document, request_id: str) -> Rendered:
        """Write an answer."""

    def error(self, error: ApiError, request_id: str) -> Rendered:
        """Write an error."""


def protocol_of(headers: Message, path: str) -> WireProtocol | None:
    """The protocol of a POST request; None where no protocol has this path."""
    if _SERVICE_PATH.fullmatch(path):
        return CBOR if cbor.is_installed() else NO_CBOR
    if path.rstrip("/"):
        return None
    return FORM if headers.get_content_type() == "application/x-www-form-urlencoded" else JSON


def _unreadable(what: str) -> ApiError:
    return ApiError("SerializationException", f"The body is not {what}.")


def _query_error(error: ApiError) -> tuple[str, str]:
    """How the newer protocols carry the older one's error code, which SDKs show."""
    return ("x-amzn-query-error", f"{error.code};{error.fault}")


def _operation_of(path: str) -> str:
    match = _SERVICE_PATH.fullmatch(path)
    return match[1] if match else ""


class _Json:
    def read(self, headers: Message, path: str, received: Received) -> Call:
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        if received.problem:
            return Call(operation, {}, received.problem)
        try:
            document = json.loads(received.content or b"{}")
        except (ValueError, RecursionError):
            return Call(operation, {}, _unreadable("valid JSON"))
        if not isinstance(document, dict):
            return Call(operation, {}, _unreadable("a JSON object"))
        return Call(operation, document)

    def answer(self, operation: str, document: Document, request_id: str) -> Rendered:
        return Rendered(json.dumps(document).encode(), (("Content-Type", "application/x-amz-json-1.0"),))

    def error(self, error: ApiError, request_id: str) -> Rendered:
        body = json.dumps({"__type": error.type_name, "message": error.message}).encode()
        return Rendered(body, (("Content-Type", "application/x-amz-json-1.0"), _query_error(error)))


class _Cbor:
    _HEADERS = (("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor"))

    def read(self, headers: Message, path: str, received: Received) -> Call:
        operation = _operation_of(path)
        if received.problem:
            return Call(operation, {}, received.problem)
        try:
            document = cbor.loads(received.content) if received.content else {}
        except cbor.CborError as error:
            return Call(operation, {}, _unreadable(f"valid CBOR: {error}"))
        if not isinstance(document, dict):
            return Call(operation, {}, _unreadable("a CBOR map"))
        return Call(operation, document)

    def answer(self, operation: str, document: Document, request_id: str) -> Rendered:
        if not document:  # an operation without output: no body, and so no type of it
            return Rendered(b"", self._HEADERS[:1])
        return Rendered(cbor.dumps(document), self._HEADERS)

    def error(self, error: ApiError, request_id: str) -> Rendered:
        document = {"__type": f"com.amazonaws.cloudwatch#{error.type_name}", "message": error.message}
        return Rendered(cbor.dumps(document), (*self._HEADERS, _query_error(error)))


class _NoCbor(_Json):
    """Where cbor2 is missing: every call is refused, with words that are at least text."""

    def read(self, headers: Message, path: str, received: Received) -> Call:
        message = 'CBOR needs cbor2; install it with: pip install "cbor2>=6.2"'
        return Call(_operation_of(path), {}, received.problem or ApiError("SerializationException", message))


class _Form:
    _HEADERS = (("Content-Type", "text/xml"),)

    def read(self, headers: Message, path: str, received: Received) -> Call:
        if received.problem:
            return Call("", {}, received.problem)
        try:
            operation, document = form.loads(received.content)
        except form.FormError as error:
            return Call("", {}, _unreadable(f"a readable form: {error}"))
        return Call(operation, document)

    def answer(self, operation: str, document: Document, request_id: str) -> Rendered:
        return Rendered(form.dumps(operation, document, request_id), self._HEADERS)

    def error(self, error: ApiError, request_id: str) -> Rendered:
        return Rendered(form.dumps_error(error.fault, error.code, error.message, request_id), self._HEADERS)


JSON: WireProtocol = _Json()
CBOR: WireProtocol = _Cbor()
NO_CBOR: WireProtocol = _NoCbor()
FORM: WireProtocol = _Form()
