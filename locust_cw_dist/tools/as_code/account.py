"""The user's account, through boto3: what is there, and doing what was planned.

Calls are made with the user's own credentials, whoever they are for boto3. botocore tries throttled calls again:
PutMetricAlarm and DeleteAlarms take three a second.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from locust_cw_dist.core.publish.datums import ENDPOINT_DIMENSIONS
from locust_cw_dist.core.publish.dimension_text import restore_dimension_value
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.live.aws.call import ours
from locust_cw_dist.live.aws.errors import NO_CREDENTIALS, NO_REGION, code_of, explain
from locust_cw_dist.live.aws.session import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, make_session
from locust_cw_dist.live.aws.settings_check import check_way
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.changes import Change, ExistingAlarm, Kind
from locust_cw_dist.tools.as_code.names import alarm_prefix

MAX_DELETED_AT_ONCE = 100
"""Names in one DeleteAlarms, by botocore's service model."""

TRIES = 10


class Account:
    """CloudWatch in one Region of the user's account."""

    def __init__(self, settings: Settings) -> None:
        """Connect as `settings` say; their role is the publisher's, and not taken.

        Raises:
            LocustCwError: There is no Region, or something is wrong with the user's configuration.
        """
        with _one_line():
            self._client = _make_client(settings)

    def alarms(self, set_name: str) -> list[ExistingAlarm]:
        """Return the alarms whose names begin like those of a set, with their tags.

        Raises:
            LocustCwError: AWS did not answer, or refused.
        """
        with _one_line():
            pages = self._client.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=alarm_prefix(set_name), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            found = [
                alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(kind, [])
            ]
            return [ExistingAlarm(alarm, self._tags(alarm["AlarmArn"])) for alarm in found]

    def apply_to_alarms(self, changes: Sequence[Change], done: Callable[[Change], None]) -> None:
        """Do what was planned; `done` is called after each.

        Raises:
            LocustCwError: AWS did not answer, or refused; what was done before stays done.
        """
        with _one_line():
            for change in changes:
                if change.request is not None:
                    self._put_alarm(change, change.request)
                    done(change)
            deletions = [change for change in changes if change.kind is Kind.DELETE]
            for start in range(0, len(deletions), MAX_DELETED_AT_ONCE):
                part = deletions[start : start + MAX_DELETED_AT_ONCE]
                self._client.delete_alarms(AlarmNames=[change.name for change in part])
                for change in part:
                    done(change)

    def dashboard(self, name: str) -> str | None:
        """Return the body of a dashboard; None if there is none of this name.

        Raises:
            LocustCwError: AWS did not answer, or refused.
        """
        with _one_line():
            try:
                return str(self._client.get_dashboard(DashboardName=name)["DashboardBody"])
            except Exception as e:
                if _is_not_found(e):
                    return None
                raise

    def apply_to_dashboards(self, changes: Sequence[Change], done: Callable[[Change], None]) -> list[str]:
        """Do what was planned, and return what CloudWatch says about it.

        Raises:
            LocustCwError: AWS did not answer, or refused.
        """
        said = []
        with _one_line():
            for change in changes:
                if change.request is None:
                    self._client.delete_dashboards(DashboardNames=[change.name])
                else:
                    body = json.dumps(change.request, separators=(",", ":"))
                    answer = self._client.put_dashboard(DashboardName=change.name, DashboardBody=body)
                    said += [_message(message) for message in answer.get("DashboardValidationMessages") or []]
                done(change)
        return said

    def endpoints(self, settings: Settings, host: str | None) -> list[EndpointKey]:
        """Return the endpoints that CloudWatch had results of in the last two weeks, sorted.

        Args:
            settings: Namespace and static dimensions.
            host: Only those of this host; None: of any.

        Raises:
            LocustCwError: AWS did not answer, or refused.
        """
        with _one_line():
            pages = self._client.get_paginator("list_metrics").paginate(
                Namespace=settings.resolved_namespace,
                MetricName="RequestCount",
                Dimensions=[{"Name": name, "Value": value} for name, value in settings.dimensions],
            )
            metrics = [metric for page in pages for metric in page["Metrics"]]
        names = {*ENDPOINT_DIMENSIONS, *(name for name, _ in settings.dimensions)}
        found = set()
        for metric in metrics:
            values = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            if values.keys() == names and host in (None, restore_dimension_value(values["Host"])):
                key = tuple(restore_dimension_value(values[name]) for name in ENDPOINT_DIMENSIONS[:2])
                if None not in key:
                    found.add((str(key[0]), str(key[1])))
        return sorted(found)

    def _put_alarm(self, change: Change, request: Mapping[str, Any]) -> None:
        tags = [{"Key": key, "Value": value} for key, value in change.tags.items()]
        if change.arn is None:
            self._client.put_metric_alarm(**request, Tags=tags)
            return
        self._client.put_metric_alarm(**request)
        # Of an alarm that is there, PutMetricAlarm leaves the tags as they are.
        if tags:
            self._client.tag_resource(ResourceARN=change.arn, Tags=tags)

    def _tags(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._client.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def region_of(settings: Settings) -> str:
    """Return the Region of the settings, the environment or the profile.

    Raises:
        LocustCwError: There is none.
    """
    with _one_line():
        region = _session(settings).region_name
    if not region:
        raise LocustCwError(NO_REGION.line)
    return str(region)


def _session(settings: Settings) -> Any:
    return make_session(dataclasses.replace(settings, role_arn=None, external_id=None), may_ask=True)


def _make_client(settings: Settings) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        user_agent_extra="locust-cw-dist",
    )
    client = _session(settings).client("cloudwatch", endpoint_url=settings.endpoint_url, config=config)
    check_way(client, client.meta.region_name)
    return client


def _is_not_found(error: Exception) -> bool:
    return code_of(error) in {
        "ResourceNotFound",
        "ResourceNotFoundException",
        "DashboardNotFoundError",
    }


def _message(message: Mapping[str, str]) -> str:
    return " ".join(f"{message.get('DataPath', '')}: {message.get('Message', '')}".split())


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what an error of boto3 means, and what to do, in one line."""
    try:
        with ours():
            yield
    except LocustCwError:
        raise
    except Exception as e:
        explained = explain(e)
        if explained == NO_CREDENTIALS:  # whose advice is for a master
            advice = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws sso login"
            explained = dataclasses.replace(explained, advice=advice)
        raise LocustCwError("; ".join(filter(None, (explained.found, explained.advice)))) from e
