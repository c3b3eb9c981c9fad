"""Changes: what must be done so that an account has what is wanted, and nothing of this set beside it.

Nothing here calls AWS. What belongs to others is never touched: where it is in the way, that is an error before
anything is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.core.summaries import checked_json
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.tools.as_code.alarms import Alarm
from locust_cw_dist.tools.as_code.names import OWNER_TAG, STACK_TAG, mark, owner_value

MAX_SHOWN_CHARS = 120

_COMPARED = (
    "AlarmDescription",
    "AlarmActions",
    "OKActions",
    "InsufficientDataActions",
    "Namespace",
    "MetricName",
    "Dimensions",
    "Metrics",
    "Statistic",
    "ExtendedStatistic",
    "Unit",
    "Period",
    "ComparisonOperator",
    "Threshold",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)
"""What PutMetricAlarm sets and DescribeAlarms tells. ActionsEnabled is left to whoever switched it."""


class Kind(StrEnum):
    """What a change does."""

    CREATE = "+"
    CHANGE = "~"
    DELETE = "-"


@dataclass(frozen=True, slots=True)
class ExistingAlarm:
    """An alarm as the account has it.

    Attributes:
        fields: What DescribeAlarms tells of it.
        tags: Its tags.
    """

    fields: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.fields["AlarmName"])

    @property
    def arn(self) -> str:
        """Its ARN, of whatever partition."""
        return str(self.fields["AlarmArn"])

    def belongs_to(self, set_name: str) -> bool:
        """Whether this program made it for the set, and no stack owns it."""
        is_metric_alarm = "AlarmRule" not in self.fields
        return is_metric_alarm and self.tags.get(OWNER_TAG) == owner_value(set_name) and self.stack is None

    @property
    def stack(self) -> str | None:
        """The CloudFormation stack that it is in, if any."""
        in_stack = any(key.startswith(STACK_TAG) for key in self.tags)
        return self.tags.get(f"{STACK_TAG}stack-name", "?") if in_stack else None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do.

    Attributes:
        kind: What it does.
        name: Of the alarm or the dashboard.
        lines: What is new, in words.
        request: What to put; None for a deletion.
        tags: Tags to set.
        arn: Of what is there already; tags of that are set apart from the rest.
    """

    kind: Kind
    name: str
    lines: tuple[str, ...] = ()
    request: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is to be done.

    Attributes:
        changes: In the order in which it is done.
        unchanged: How many are as they should be.
    """

    changes: tuple[Change, ...]
    unchanged: int

    def count(self, kind: Kind) -> int:
        """Return how many changes are of a kind."""
        return sum(change.kind is kind for change in self.changes)

    def summary(self) -> str:
        """Return the numbers, for people."""
        parts = ((Kind.CREATE, "to create"), (Kind.CHANGE, "to change"), (Kind.DELETE, "to delete"))
        told = [f"{self.count(kind)} {words}" for kind, words in parts]
        return ", ".join([*told, f"{self.unchanged} unchanged"])


def alarm_changes(
    wanted: Sequence[Alarm], existing: Iterable[ExistingAlarm], set_name: str, tags: Mapping[str, str]
) -> Changes:
    """Return what makes the alarms of a set those that are wanted.

    Args:
        wanted: All alarms that the set shall have.
        existing: Alarms of the account whose names begin like those of the set.
        set_name: The set.
        tags: Tags of the user's for each alarm.

    Raises:
        LocustCwError: An alarm has a name that is wanted, and is not the set's.
    """
    there = {alarm.name: alarm for alarm in existing}
    _check_ours((there[alarm.name] for alarm in wanted if alarm.name in there), set_name)
    all_tags = {**tags, OWNER_TAG: owner_value(set_name)}
    changes = [_alarm_change(alarm, there.get(alarm.name), all_tags) for alarm in wanted]
    names = {alarm.name for alarm in wanted}
    deletions = [
        Change(Kind.DELETE, alarm.name, arn=alarm.arn)
        for alarm in sorted(there.values(), key=lambda alarm: alarm.name)
        if alarm.name not in names and alarm.belongs_to(set_name)
    ]
    found = [change for change in changes if change is not None]
    return Changes((*found, *deletions), len(wanted) - len(found))


def dashboard_changes(name: str, body: Mapping[str, Any] | None, existing: str | None, set_name: str) -> Changes:
    """Return what makes the dashboard of a set the one that is wanted.

    Args:
        name: Its name.
        body: What it shall be; None: gone.
        existing: The body that the account has under this name, as it is there.
        set_name: The set.

    Raises:
        LocustCwError: There is one of this name that is not the set's.
    """
    old = None if existing is None else _read_body(existing)
    if existing is not None and not _is_marked(old, set_name):
        raise LocustCwError(
            f"the dashboard {name} was not made by locust-cw dashboard for {set_name}: it is left as it is; "
            "choose another name with --name, or rename that one"
        )
    if body is None:
        return Changes((Change(Kind.DELETE, name),) if existing is not None else (), 0)
    if existing is None:
        return Changes((Change(Kind.CREATE, name, tuple(_titles(body)), body),), 0)
    if old == body:
        return Changes((), 1)
    return Changes((Change(Kind.CHANGE, name, _widget_lines(old or {}, body), body),), 0)


def _check_ours(alarms: Iterable[ExistingAlarm], set_name: str) -> None:
    for alarm in alarms:
        if alarm.stack is not None:
            raise LocustCwError(
                f"the alarm '{alarm.name}' is in the CloudFormation stack {alarm.stack}: change it there, or choose "
                "another name with --name"
            )
        if not alarm.belongs_to(set_name):
            raise LocustCwError(
                f"the alarm '{alarm.name}' was not made by locust-cw alarms for {set_name} (its tag {OWNER_TAG} is "
                "missing or different): nothing is changed; delete or rename it, or choose another name with --name"
            )


def _alarm_change(alarm: Alarm, there: ExistingAlarm | None, tags: Mapping[str, str]) -> Change | None:
    if there is None:
        return Change(Kind.CREATE, alarm.name, (watches(alarm.request),), alarm.request, tags)
    new_tags = {key: value for key, value in tags.items() if there.tags.get(key) != value}
    lines = [
        f"{key}: {_shown(old)} -> {_shown(new)}"
        for key in _COMPARED
        if (old := _normal(key, there.fields.get(key))) != (new := _normal(key, alarm.request.get(key)))
    ]
    lines += [f"tag {key}: {there.tags.get(key, '(none)')} -> {value}" for key, value in new_tags.items()]
    if not lines:
        return None
    # Without it PutMetricAlarm would switch actions on again that somebody has switched off.
    request = {**alarm.request, "ActionsEnabled": bool(there.fields.get("ActionsEnabled", True))}
    return Change(Kind.CHANGE, alarm.name, tuple(lines), request, new_tags, there.arn)


def watches(request: Mapping[str, Any]) -> str:
    """Return what an alarm watches, in words: ``ResponseTime_ms p95 >= 300, 1 of 1 periods of 60 s``."""
    stats = [query["MetricStat"] for query in request.get("Metrics", []) if "MetricStat" in query]
    if stats:
        period = stats[0]["Period"]
        what = next(query["Expression"] for query in request["Metrics"] if "Expression" in query)
        what += "".join(
            f", {query['Id']} = {query['MetricStat']['Metric']['MetricName']} {query['MetricStat']['Stat']}"
            for query in request["Metrics"]
            if "MetricStat" in query
        )
        what = f"({what})"
    else:
        period = request["Period"]
        what = f"{request['MetricName']} {request.get('ExtendedStatistic') or request.get('Statistic')}"
    sign = OPERATORS[request["ComparisonOperator"]]
    times = f"{request['DatapointsToAlarm']} of {request['EvaluationPeriods']} periods of {period} s"
    return f"{what} {sign} {request['Threshold']:.10g}, {times}"


OPERATORS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}
"""How PutMetricAlarm's comparisons are written."""


def _normal(key: str, value: Any) -> Any:
    """Return a field so that two ways to say the same are equal."""
    if not value and value != 0:
        return None
    if key.endswith("Actions"):
        return sorted(value)
    if key == "Dimensions":
        return _dimensions(value)
    if key == "Metrics":
        return sorted((_query(query) for query in value), key=lambda query: str(query["Id"]))
    return float(value) if key == "Threshold" else value


def _dimensions(value: Iterable[Mapping[str, str]]) -> list[list[str]]:
    return sorted([one["Name"], one["Value"]] for one in value)


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: query[key] for key in ("Id", "Expression", "Label") if query.get(key)}
    kept["ReturnData"] = bool(query.get("ReturnData", True))
    if query.get("MetricStat"):
        stat = query["MetricStat"]
        metric = stat["Metric"]
        kept["MetricStat"] = [metric["Namespace"], metric["MetricName"], _dimensions(metric.get("Dimensions") or [])]
        kept["MetricStat"] += [stat["Period"], stat["Stat"]]
    return kept


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value)
    text = printable(" ".join(text.split()))
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 3]}..."


def _read_body(text: str) -> dict[str, Any] | None:
    try:
        body = checked_json.parse(text.encode())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _widgets(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = body.get("widgets")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_marked(body: Mapping[str, Any] | None, set_name: str) -> bool:
    texts = [
        str((one.get("properties") or {}).get("markdown", ""))
        for one in _widgets(body or {})
        if one.get("type") == "text" and isinstance(one.get("properties"), dict)
    ]
    return any(mark(set_name) in text for text in texts)


def _titles(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the widgets by title, as JSON; titles that occur again get a number."""
    found: dict[str, str] = {}
    for widget in _widgets(body):
        properties = widget.get("properties")
        text = properties if isinstance(properties, dict) else {}
        title = base = str(text.get("title") or "text")
        number = 1
        while title in found:
            number += 1
            title = f"{base} #{number}"
        found[title] = json.dumps(widget, sort_keys=True)
    return found


def _widget_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = _titles(old), _titles(new)
    lines = [f"+ {title}" for title in after if title not in before]
    lines += [f"~ {title}" for title in after if title in before and before[title] != after[title]]
    lines += [f"- {title}" for title in before if title not in after]
    return tuple(lines) or ("settings of the whole dashboard",)
