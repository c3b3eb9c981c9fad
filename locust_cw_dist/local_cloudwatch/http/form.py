"""AWS's query protocol: a form becomes a document, and a document becomes XML. Pure.

    Action=PutMetricData&MetricData.member.1.MetricName=m&MetricData.member.1.Values.member.1=2.5

A form has texts only; which of them are numbers, times and booleans is a matter of their names, as in botocore's
service model of CloudWatch. A text that is none stays text, and is refused by whoever wants a number.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from locust_cw_dist.local_cloudwatch.operations.fields import Timestamp
from locust_cw_dist.local_cloudwatch.operations.identities import STS_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust_cw_dist.local_cloudwatch.operations.fields import Document

MAX_DEPTH = 12

_STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_CLOUDWATCH_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"
_NOT_MEMBERS = ("Action", "Version")
_WITHOUT_RESULT = ("PutMetricData",)
_LISTS = frozenset(
    {"MetricData", "Dimensions", "Values", "Counts", "MetricDataQueries", "Statistics", "ExtendedStatistics"}
)
_FLOATS = frozenset({"Value", "Values", "Counts", "SampleCount", "Sum", "Minimum", "Maximum"})
_INTEGERS = frozenset({"StorageResolution", "Period", "MaxDatapoints", "DurationSeconds"})
_TIMES = frozenset({"Timestamp", "StartTime", "EndTime"})
_BOOLEANS = {"true": True, "false": False}


class FormError(ValueError):
    """The form can't be read as a document."""


def loads(content: bytes) -> tuple[str, Document]:
    """The action that a form names (empty if none), and its parameters as a document.

    Raises:
        FormError: names contradict each other or are nested too deep, or it is no form.
    """
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, errors="strict", encoding="utf-8")
    except ValueError as error:
        raise FormError("it is not a form in UTF-8") from error
    root: dict[str, Any] = {}
    for name, text in pairs:
        _put(root, name.split("."), text)
    action = root.get("Action", "")
    document = {name: _typed(node, name, "") for name, node in root.items() if name not in _NOT_MEMBERS}
    return action if isinstance(action, str) else "", document


def _put(root: dict[str, Any], path: list[str], text: str) -> None:
    if len(path) > MAX_DEPTH:
        raise FormError(f"it is nested deeper than {MAX_DEPTH}")
    node = root
    for step in path[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise FormError(f"{'.'.join(path)[:100]} is a member of what has a value itself")
    if path[-1] in node:
        raise FormError(f"{'.'.join(path)[:100]} is there twice")
    node[path[-1]] = text


def _typed(node: Any, name: str, parent: str) -> Any:
    """A node of the tree as what the service model has under that name."""
    if isinstance(node, str):
        return _leaf(node, name, parent)
    if set(node) == {"member"} and isinstance(node["member"], dict):
        return [_typed(item, name, parent) for _, item in sorted(node["member"].items(), key=_position)]
    return {member: _typed(item, member, name) for member, item in node.items()}


def _position(item: tuple[str, Any]) -> int:
    index = item[0]
    if index.isascii() and index.isdigit() and len(index) < 10:
        return int(index)
    raise FormError(f"{index[:20]!r} is no place in a list")


def _leaf(text: str, name: str, parent: str) -> Any:
    if name in _LISTS and not text:
        return []  # how botocore writes an empty list
    if name in _INTEGERS:
        return _read(int, text)
    if name in _FLOATS and not (name == "Value" and parent == "Dimensions"):
        return _read(float, text)
    if name in _TIMES:
        return _time(text)
    return _BOOLEANS.get(text, text) if name in ("ReturnData", "IncludeLinkedAccounts") else text


def _read(kind: Callable[[str], float], text: str) -> float | str:
    try:
        return text if "_" in text else kind(text)
    except ValueError:
        return text


def _time(text: str) -> float | str:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()


def dumps(operation: str, document: Document, request_id: str) -> bytes:
    """An answer as XML."""
    inner = "".join(_element(name, value) for name, value in document.items())
    if operation not in _WITHOUT_RESULT:
        inner = f"<{operation}Result>{inner}</{operation}Result>"
    namespace = _STS_NAMESPACE if operation in STS_OPERATIONS else _CLOUDWATCH_NAMESPACE
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return f'<{operation}Response xmlns="{namespace}">{inner}{metadata}</{operation}Response>'.encode()


def dumps_error(fault: str, code: str, message: str, request_id: str) -> bytes:
    """An error as XML. `fault` is Sender or Receiver."""
    error = {"Type": fault, "Code": code, "Message": message}
    inner = _element("Error", error) + _element("RequestId", request_id)
    return f'<ErrorResponse xmlns="{_CLOUDWATCH_NAMESPACE}">{inner}</ErrorResponse>'.encode()


def _element(name: str, value: Any) -> str:
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if isinstance(value, Timestamp):
        return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if name == "ExtendedStatistics":  # the only map, from statistic to value
        return "".join(_element("entry", {"key": key, "value": item}) for key, item in value.items())
    if isinstance(value, list):
        return "".join(_element("member", item) for item in value)
    if isinstance(value, dict):
        return "".join(_element(member, item) for member, item in value.items())
    return escape(_printable(str(value)))


def _printable(text: str) -> str:
    """A message may quote what XML 1.0 can't hold, whatever the client sent."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
