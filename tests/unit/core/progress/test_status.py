"""The status of publishing, from facts alone."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.progress.status import NOTHING_YET, PublishingFacts, Status, StatusName, Trouble, status_of
from locust_cw_dist.core.publish.retry import Failure


def status(trouble=None, **facts):
    usual = {
        "publishes": True,
        "is_dry_run": False,
        "has_accepted": True,
        "results_on_disk": 0,
        "well_since_s": 100.0,
    }
    return status_of(PublishingFacts(trouble=trouble, **usual | facts))


def test_all_is_well():
    assert status() == Status(StatusName.PUBLISHING, 100.0)


def test_before_the_first_acceptance_it_says_so():
    assert status(has_accepted=False) == Status(StatusName.PUBLISHING, 100.0, NOTHING_YET)


@pytest.mark.parametrize(
    ("failure", "on_disk", "is_final", "name"),
    [
        (Failure.UNREACHABLE, 0, False, StatusName.RETRYING),
        (Failure.THROTTLED, 0, False, StatusName.RETRYING),
        (Failure.PERMISSION, 0, False, StatusName.RETRYING),
        (Failure.UNREACHABLE, 7, False, StatusName.SPOOLING),
        (Failure.CREDENTIALS, 0, False, StatusName.WAITING_FOR_CREDENTIALS),
        (Failure.CREDENTIALS, 7, False, StatusName.WAITING_FOR_CREDENTIALS),
        (Failure.CREDENTIALS, 0, True, StatusName.OFF),
        (Failure.CREDENTIALS, 7, True, StatusName.SPOOLING),
    ],
)
def test_trouble(failure, on_disk, is_final, name):
    found = status(Trouble(failure, "no route to host", 120.0, is_final), results_on_disk=on_disk)
    assert found == Status(name, 120.0, f"{failure.value}: no route to host")
    assert found.name.is_trouble is (name is not StatusName.OFF)


def test_what_waits_on_disk_is_no_trouble_where_calls_succeed():
    assert status(results_on_disk=9).name is StatusName.PUBLISHING


def test_nothing_is_to_be_published():
    trouble = Trouble(Failure.UNREACHABLE, "x", 120.0)
    assert status(trouble, publishes=False).name is StatusName.OFF
    assert status(trouble, is_dry_run=True).name is StatusName.DRY_RUN


def test_it_is_json():
    assert Status(StatusName.RETRYING, 1.23456, "x").as_json() == {"name": "retrying", "reason": "x", "since_s": 1.235}
