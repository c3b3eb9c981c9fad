"""Guard: what stands between botocore and the network, for every client of a session of ours.

botocore's event `before-send` is enough for it: what listens there may send the request itself. So it notes that the
body leaves, reads the answer with a bound, and looks whose answer it is, before anything in it counts. A client of the
user's own sends by itself; there `before-parse` looks at the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from locust_cw_dist.live.aws import answers, call
from locust_cw_dist.live.aws.lines import one_line
from locust_cw_dist.live.platform.log_once import LogOnce

_NAME = "locust-cw-dist"

_BATCH = "PutMetricData"
"""The call that may count twice: it has no idempotency token."""

_LOGGERS = ("credentials", "tokens", "utils", "session", "args", "regions", "handlers", "client")
"""Those of botocore's loggers that warn."""

_RAISES_TOO = "mandatory"
"""How botocore marks a warning of what it raises as well."""


def watch(client: Any) -> None:
    """Have a stranger's answer to a client of the user's end the call, with `answers.ForeignAnswerError`."""

    def look(operation_model: Any, response_dict: Any, **_: Any) -> None:
        head = answers.Answer(
            operation_model.service_model.service_id,
            client.meta.endpoint_url,
            response_dict["status_code"],
            answers.small(response_dict["headers"]),
        )
        if isinstance(response_dict["body"], bytes):
            _check(head._replace(body=response_dict["body"]), operation_model)

    client.meta.events.register("before-parse", look, unique_id=_NAME)


def guard(client: Any) -> None:
    """Have a client note when a batch leaves, bound what it reads, and take nothing from a stranger."""

    def send(request: Any, event_name: str, **_: Any) -> Any:
        http = client._endpoint.http_session  # noqa: SLF001 - botocore gives no other way to bound an answer
        return _send(http, request, client.meta.service_model.operation_model(event_name.rpartition(".")[2]))

    client.meta.events.register("before-send", send, unique_id=_NAME)


class _Leaving:
    """A body that notes when the connection takes it, which is when there is one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        call.reach(call.Stage.LEFT)
        yield self._body


class _Read:
    """A body that was read already, in the form that botocore reads."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _send(http: Any, request: Any, operation: Any) -> Any:
    """Send a request as botocore does, and return its answer, read."""
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import HTTPClientError

    body, is_stream = request.body, request.stream_output
    if operation.name == _BATCH and isinstance(body, bytes):
        request.body = _Leaving(body)
    request.stream_output = True
    try:
        answer = http.send(request)
    finally:
        # botocore looks at both again, when it tries again.
        request.body, request.stream_output = body, is_stream
    if is_stream and answer.status_code < 300:
        return answer
    service_id = operation.service_model.service_id
    head = answers.Answer(service_id, request.url, answer.status_code, answers.small(answer.headers))
    try:
        content = answers.read(answer.raw, head, answers.max_bytes(operation.name))
    except answers.ForeignAnswerError:
        raise
    except Exception as e:
        raise HTTPClientError(error=e) from e
    _check(head._replace(body=content), operation)
    return AWSResponse(answer.url, answer.status_code, answer.headers, _Read(content))


def _check(answer: answers.Answer, operation: Any) -> None:
    members = frozenset(operation.output_shape.members if operation.output_shape is not None else ())
    answers.check(answer, answers.Expected(operation.service_model.resolved_protocol, members))


class _OneLine(logging.Filter):
    """Says what botocore warns of in a call of ours in one line, once, without its traceback.

    What is raised as well is said by whoever catches it. A call of the user's own is none of our business.
    """

    def __init__(self) -> None:
        super().__init__()
        self._once = LogOnce()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not call.is_ours():
            return True
        if not (isinstance(record.args, tuple) and _RAISES_TOO in record.args):
            error = record.exc_info[1] if record.exc_info else None
            reason = f" ({type(error).__name__}: {one_line(error)})" if error else ""
            self._once.warning(str(record.msg), "locust-cw: botocore: %s%s", one_line(record.getMessage()), reason)
        return False


_one_line = _OneLine()


def quieten() -> None:
    """Have botocore's warnings in calls of ours said in one line each."""
    for name in _LOGGERS:
        # Adding it twice changes nothing.
        logging.getLogger(f"botocore.{name}").addFilter(_one_line)
