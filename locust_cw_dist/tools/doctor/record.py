"""Permission to put run records to S3, by the one sure way: an object is put. Only where a record belongs there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from locust_cw_dist.core.costs.iam_policies import record_policy
from locust_cw_dist.core.records.location import S3Location, is_url
from locust_cw_dist.live.records.s3 import S3, S3Error
from locust_cw_dist.tools.doctor.result import Result, failed, ok, skipped

if TYPE_CHECKING:
    from locust_cw_dist.settings.settings import Settings

NAME = "locust-cw-doctor.txt"
"""One name, no record's: however often it is put, it is one object."""

CONTENT = b"Put by 'locust-cw doctor --send', to see whether run records could be. It can be removed.\n"


def place_of(settings: Settings) -> S3Location | None:
    """Where in S3 records would go; None if they would not."""
    return S3Location.parse(settings.record) if settings.record and is_url(settings.record) else None


def check_record(settings: Settings, place: S3Location, region: str | None, *, send: bool) -> Result:
    """Put one small object below `place`, if `send` says so."""
    target = place.below(NAME)
    if not send:
        return skipped("record", f"{place}: not tried", f"--send puts one small object, {target}, and leaves it there")
    try:
        S3(settings).put(CONTENT, target)
    except S3Error as error:
        policy = record_policy(place, region) or {}
        statement = json.dumps(policy["Statement"][0])
        return failed("record", str(error), f"make the bucket, and give the publisher this statement: {statement}")
    return ok("record", f"records can be put below {place}: {target} was taken")
