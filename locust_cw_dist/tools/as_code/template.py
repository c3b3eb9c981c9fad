"""Template: alarms and a dashboard as a CloudFormation template, in JSON.

A stack owns what it made: alarms carry no tag of ours, and a dashboard says that it is of a template, so that
``apply`` and ``delete`` leave both alone.

Limits of CloudFormation: 500 resources a template; 51,200 bytes where the template travels in the call, a megabyte
from S3 (quotas in its user guide).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from locust_cw_dist.tools.as_code.alarms import Alarm
from locust_cw_dist.tools.as_code.dashboard import Dashboard
from locust_cw_dist.tools.as_code.names import logical_id

MAX_INLINE_BYTES = 51_200

_DOLLAR = "Dollar"
"""A variable that holds a dollar sign: Fn::Sub's own way to escape it needs a brace that closes."""

REGION = "${AWS::Region}"
"""What stands for the stack's Region in a dashboard that goes into a template."""


def alarms_template(alarms: Sequence[Alarm], set_name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return a template of alarms."""
    added = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
    resources = {
        logical_id("Alarm", alarm.name): {"Type": "AWS::CloudWatch::Alarm", "Properties": {**alarm.request, **added}}
        for alarm in alarms
    }
    return _template(f"Alarms of the load tests {set_name}, from their rules (locust-cw alarms)", resources)


def dashboard_template(dashboard: Dashboard, set_name: str) -> dict[str, Any]:
    """Return a template of a dashboard whose Region is `REGION`."""
    text = json.dumps(_for_sub(dashboard.body), separators=(",", ":"))
    # Only where it is used: cfn-lint complains of a variable that is not.
    body = {"Fn::Sub": [text, {_DOLLAR: "$"}] if f"${{{_DOLLAR}}}" in text else text}
    properties = {"DashboardName": dashboard.name, "DashboardBody": body}
    resource = {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}
    return _template(
        f"Dashboard of the load tests {set_name} (locust-cw dashboard)",
        {logical_id("Dashboard", dashboard.name): resource},
    )


def made_by_stack(set_name: str) -> str:
    """Return what a dashboard in a template says about itself; not the mark of one that `apply` made."""
    return f"Made by CloudFormation, from a template of `locust-cw dashboard` for `{set_name}`."


def _template(description: str, resources: Mapping[str, Any]) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Description": description[:1024], "Resources": dict(resources)}


def _for_sub(value: Any, key: str = "") -> Any:
    """Return JSON in which Fn::Sub finds the Region, and leaves every other ``${`` as it was."""
    if isinstance(value, str):
        return value if key == "region" and value == REGION else value.replace("${", f"${{{_DOLLAR}}}{{")
    if isinstance(value, dict):
        return {name: _for_sub(one, name) for name, one in value.items()}
    return [_for_sub(one) for one in value] if isinstance(value, list) else value
