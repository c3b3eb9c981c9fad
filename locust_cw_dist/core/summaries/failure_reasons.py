"""Failure reasons: why a request failed, in words that tell failures apart and put the same ones together.

    HTTP 500: no gold in stock
    CatchResponseError: price is wrong
    UNAVAILABLE: connection refused to <addr>
    ECONNRESET: Connection reset by peer

First the code, as it is: the response's status, else the exception's own code, else its class. Then the message,
redacted (see `redaction`). Without messages the code is all there is.

The objects of clients may do anything when they are looked at, so whatever they raise counts as nothing found; what is
no Exception (a timeout of gevent, the end of a greenlet) passes.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from locust_cw_dist.core.names.shorten import shorten
from locust_cw_dist.core.redaction.redaction import CUT, LOOKED_AT_CHARS, redact

MAX_REASON_CHARS = 200
"""For people who read a table. What urllib3 says of a refused connection, with all that it is wrapped in, has 180; an
exception that is a whole HTML page must not travel."""

MAX_CODE_CHARS = 120
"""Leaves room for a message behind the longest class name."""

MAX_CLASS_CHARS = 1_000
"""Of the name of a class: nobody writes longer ones, but they can be made."""

UNKNOWN = "(unnamed)"
"""Stands for a class without a name."""

MAX_DEPTH = 3
"""How far into groups of exceptions is looked."""

STATUS_NAMES = ("status_code", "status", "code")
"""What clients call a response's status. The `code` of an exception may be anything, unless it is one of HTTP."""

OWN_CODES = ("response", "errno", "orig", "sqlstate", "pgcode")
"""Where else an exception may carry one."""

MAX_CLASSES = 256
"""Classes of exceptions that are remembered."""

MAX_CODE = 99_999
"""Close codes of websockets and error numbers of databases are below it; ids are above."""

TEXTS = (str, bytes, bytearray)
"""What is a message itself, and has no code."""

_NOT_BY_ERRNO = {"SSLError", "gaierror", "herror"}
"""Classes of errors whose numbers are not the system's."""

_WORDS = re.compile(r"[A-Za-z]+(?:[_.-][A-Za-z]+)*")
"""A code in words, as RATE_LIMIT_EXCEEDED. Codes of other forms may be ids, or secrets of OAuth."""

_STATUS = re.compile(r"[4-9][0-9]{2}")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


def reason_of(exception: Any, response: Any = None, *, with_message: bool = True) -> str:
    """Return why a request failed, 1 to `MAX_REASON_CHARS` printable characters.

    Args:
        exception: What the event calls the exception: one, a text, or whatever a client takes for one.
        response: What it calls the response.
        with_message: Whether the message follows the code.
    """
    reason = _attempt(_reason_of, exception, response, with_message, MAX_DEPTH)
    return reason or _attempt(_class_name, exception) or UNKNOWN


def _reason_of(exception: Any, response: Any, with_message: bool, depth: int) -> str:
    status = _http_status(exception, response)
    code = f"HTTP {status}" if status else _own_code(exception) or _class_name(exception)
    message = _message(exception, status, depth) if with_message else ""
    if message and not status and isinstance(exception, TEXTS):
        return _shortened(message)
    return _shortened(f"{code}: {message}" if message else code)


def _shortened(text: str) -> str:
    # Without a hash of the rest: what has the same beginning is the same kind of failure.
    return text if len(text) <= MAX_REASON_CHARS else text[: MAX_REASON_CHARS - len(CUT)] + CUT


def _attempt(look: Callable[..., Any], *args: Any) -> Any:
    """Return what `look` finds; None where an object does not let itself be looked at."""
    try:
        return look(*args)
    except Exception:
        return None


def _attribute(thing: Any, name: str) -> Any:
    return _attempt(getattr, thing, name, None)


# The code.


def _http_status(exception: Any, response: Any) -> int:
    """Return the status of a response that is a failure's, or 0."""
    status = _status_of(response, STATUS_NAMES)
    if status or not _may_carry_code(exception):
        return status
    is_http = any("HTTP" in base.__name__ or "Status" in base.__name__ for base in type(exception).__mro__)
    own_names = STATUS_NAMES if is_http else STATUS_NAMES[:2]
    return _status_of(_attribute(exception, "response"), STATUS_NAMES) or _status_of(exception, own_names)


def _status_of(place: Any, names: tuple[str, ...]) -> int:
    if place is not None:
        for name in names:
            if status := _attempt(_failing_status, _attribute(place, name)):
                return int(status)
    return 0


def _may_carry_code(exception: Any) -> bool:
    """Whether there is anything to look for; most exceptions have a message alone."""
    kind: Any = type(exception)
    return _class_may_carry_code(kind) or bool(_attribute(exception, "__dict__"))


@lru_cache(MAX_CLASSES)
def _class_may_carry_code(kind: Any) -> bool:
    return any(hasattr(kind, name) for name in (*STATUS_NAMES, *OWN_CODES, "__getattr__"))


def _failing_status(value: Any) -> int:
    is_failing = isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 1000
    return int(value) if is_failing else 0


def _own_code(exception: Any) -> str:
    """Return the code that an exception carries, empty if it carries none."""
    if not _may_carry_code(exception):
        return _attempt(_number_in_args, exception) or ""
    for look in (_grpc_code, _system_code, _service_code, _labelled_code, _number_in_args):
        if code := _attempt(look, exception):
            return str(code)
    return ""


def _grpc_code(exception: Any) -> str:
    code = _attribute(exception, "code")
    name = _attribute(code(), "name") if callable(code) else None
    return _if_words(name)


def _system_code(exception: Any) -> str:
    number = exception.errno if isinstance(exception, OSError) else None
    if not isinstance(number, int) or _NOT_BY_ERRNO & {base.__name__ for base in type(exception).__mro__}:
        return ""
    return errno.errorcode.get(number, "")


def _service_code(exception: Any) -> str:
    """Return the code of an AWS service's error."""
    answer = _attribute(exception, "response")
    error = answer.get("Error") if isinstance(answer, dict) else None
    code = error.get("Code") if isinstance(error, dict) else None
    # Of an answer without a code, botocore takes the status for one.
    return f"HTTP {code}" if isinstance(code, str) and _STATUS.fullmatch(code) else _if_words(code)


def _labelled_code(exception: Any) -> str:
    """Return the class and the code of an error that means little without it."""
    code = _sql_state(exception) or _plain_code(exception)
    return f"{_class_name(exception)} {code}" if code else ""


def _sql_state(exception: Any) -> str:
    # SQLAlchemy keeps the driver's own error in `orig`.
    for place in (exception, _attribute(exception, "orig")):
        for name in ("sqlstate", "pgcode"):
            state = _attribute(place, name)
            if isinstance(state, str) and _SQLSTATE.fullmatch(state):
                return state
    return ""


def _plain_code(exception: Any) -> str:
    code = _attribute(exception, "code")
    # A text there is the message of sys.exit.
    words = "" if isinstance(exception, SystemExit) else _if_words(code)
    return _if_number(_attribute(code, "value")) or _if_number(code) or words


def _number_in_args(exception: Any) -> str:
    """Return what is a number itself, or class and number where a driver of MySQL puts one before the message."""
    if type(exception) is int:
        return _if_number(exception)
    args = _attribute(exception, "args")
    is_pair = isinstance(args, tuple) and len(args) == 2 and isinstance(args[1], str)
    if isinstance(exception, OSError):
        return ""
    number = _if_number(args[0]) if is_pair else ""
    return f"{_class_name(exception)} {number}" if number else ""


def _if_number(code: Any) -> str:
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 < abs(code) <= MAX_CODE
    return str(int(code)) if is_code else ""


def _if_words(code: Any) -> str:
    return code if isinstance(code, str) and len(code) <= MAX_CODE_CHARS and _WORDS.fullmatch(code) else ""


def _class_name(exception: Any) -> str:
    """Return the name of an exception's class; an exception can be fired as its class, too."""
    name = _attribute(exception if isinstance(exception, type) else type(exception), "__name__")
    text = name if isinstance(name, str) else ""
    clean = "".join(char for char in text[:MAX_CLASS_CHARS] if char.isprintable()).strip()
    return shorten(clean, MAX_CODE_CHARS) if clean else UNKNOWN


# The message.


def _message(exception: Any, status: int, depth: int) -> str:
    if isinstance(exception, type | int):
        return ""
    if isinstance(exception, BaseExceptionGroup) and depth:
        first = exception.exceptions[0]
        return _reason_of(first, None, True, depth - 1)
    text = _attempt(_text, exception)
    return _without_wrapping(redact(text), status) if text else ""


def _text(exception: Any) -> str:
    """Return the beginning of an exception's text, a little more than is looked at."""
    if isinstance(exception, str):
        return str.__getitem__(exception, slice(LOOKED_AT_CHARS + 1))
    if isinstance(exception, bytes | bytearray):
        return bytes(exception[: LOOKED_AT_CHARS + 1]).decode(errors="replace")
    details = _attribute(exception, "details")
    if callable(details) and callable(_attribute(exception, "code")):
        text = _attempt(details)
        return text[: LOOKED_AT_CHARS + 1] if isinstance(text, str) else ""
    # A message that is one text is not copied.
    return str.__getitem__(str(exception), slice(LOOKED_AT_CHARS + 1))


_STATUS_LINES = re.compile(
    r"(?:\d{3} |<n> |HTTP Error \d{3}: )?(?:(?:Client|Server) Error: )?(?P<phrase>[A-Za-z' -]*?)(?: for url: .*)?"
    r"|(?:Client|Server) error '(?:\d{3}|<n>) (?P<other>[^']*)' for url .*"
    r"|code=(?:\d{3}|<n>)"
)
"""What requests, httpx, urllib and geventhttpclient say of a status: nothing else."""

_PREFIXES = re.compile(r"URL (?:<url>|None)(?:: |\Z)|\[Errno -?\d{1,4}\] ")
"""What geventhttpclient puts before each message, and Python before those of the system."""

_RETRIES = re.compile(r"<addr>: Max retries exceeded with url: .*? \(Caused by (?P<cause>.*?)\)?")
"""What urllib3 says of any failure to connect: the path differs by request, and the cause comes last."""


def _without_wrapping(message: str, status: int) -> str:
    """Return the message without what the code says already, and without what stands around its cause."""
    if message.startswith(("URL ", "[Errno ")):
        message = _PREFIXES.sub("", message, count=1)
    if (retries := _RETRIES.fullmatch(message)) is not None:
        return str(retries["cause"])
    line = _STATUS_LINES.fullmatch(message) if status else None
    if line is None:
        return message
    phrase: str = line["phrase"] or line["other"] or ""
    return "" if phrase.lower() == _attempt(_usual_phrase, status) else phrase


def _usual_phrase(status: int) -> str:
    return HTTPStatus(status).phrase.lower()
