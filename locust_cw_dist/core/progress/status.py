"""Status: how publishing is doing, since when, and why.

For example, CloudWatch goes away at 12:00:07 and is back at 12:03:20:

    12:00:00   publishing since 11:58:00
    12:00:10   retrying since 12:00:07, CloudWatch not reached: Could not connect to the endpoint URL
    12:00:20   spooling since 12:00:07, the same reason: results wait on disk, where there is a spool
    12:03:21   publishing since 12:03:20
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from locust_cw_dist.core.publish.retry import Failure

NOTHING_YET = "CloudWatch has accepted nothing yet"
"""Why a status of publishing is not good news yet."""


class StatusName(StrEnum):
    """The six ways that publishing can be."""

    PUBLISHING = "publishing"
    RETRYING = "retrying"
    WAITING_FOR_CREDENTIALS = "waiting for credentials"
    SPOOLING = "spooling"
    DRY_RUN = "dry run"
    OFF = "off"

    @property
    def is_trouble(self) -> bool:
        """Whether results do not arrive that should."""
        return self in {StatusName.RETRYING, StatusName.WAITING_FOR_CREDENTIALS, StatusName.SPOOLING}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why no call succeeds now.

    Attributes:
        failure: What kind of failure the last one was.
        text: What is known of it, one line for people.
        since_s: When calls began to fail.
        is_final: Whether no call of this process can succeed.
    """

    failure: Failure
    text: str
    since_s: float
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingFacts:
    """What the status is found from.

    Attributes:
        publishes: Whether anything is to be published.
        is_dry_run: Whether nothing is sent all the same.
        trouble: Why calls fail now; None as long as they don't.
        has_accepted: Whether CloudWatch has accepted anything.
        results_on_disk: Results that wait in the spool.
        well_since_s: When the last trouble was over, or when the process began.
    """

    publishes: bool
    is_dry_run: bool
    trouble: Trouble | None
    has_accepted: bool
    results_on_disk: int
    well_since_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """How publishing is doing.

    Attributes:
        name: In one word.
        since_s: Since when, seconds since the epoch.
        reason: Why, one line for people; None where there is nothing to say.
    """

    name: StatusName
    since_s: float
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"name": self.name.value, "reason": self.reason, "since_s": round(self.since_s, 3)}


def status_of(facts: PublishingFacts) -> Status:
    """Return the status."""
    if not facts.publishes:
        return Status(StatusName.OFF, facts.well_since_s, "no service and no namespace is set")
    if facts.is_dry_run:
        return Status(StatusName.DRY_RUN, facts.well_since_s, "nothing is sent to CloudWatch")
    trouble = facts.trouble
    if trouble is None:
        return Status(StatusName.PUBLISHING, facts.well_since_s, None if facts.has_accepted else NOTHING_YET)
    reason = f"{trouble.failure.value}: {trouble.text}"
    return Status(_name_of(trouble, facts.results_on_disk), trouble.since_s, reason)


def _name_of(trouble: Trouble, results_on_disk: int) -> StatusName:
    if trouble.failure is Failure.CREDENTIALS and not trouble.is_final:
        return StatusName.WAITING_FOR_CREDENTIALS
    if results_on_disk:
        return StatusName.SPOOLING
    # Where no call of this process can succeed, it does not try.
    return StatusName.OFF if trouble.is_final else StatusName.RETRYING
