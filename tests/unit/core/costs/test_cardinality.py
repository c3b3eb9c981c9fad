from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.costs.unbounded_dimensions import looks_unbounded, warnings


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("Version", "3f2a91c", "commit hash"),
        ("Version", "3F2A91C0", "commit hash"),
        ("Version", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "commit hash"),
        ("Version", "main-3f2a91c", "commit hash"),
        ("Version", "123e4567-e89b-12d3-a456-426614174000", "UUID"),
        ("Version", "pod-123E4567-E89B-12D3-A456-426614174000", "UUID"),
        ("Version", "build-123", "build number"),
        ("Version", "Build #7", "build number"),
        ("Version", "4711", "build number"),
        ("Version", "#123", "build number"),
        ("Version", "run-7", "run id"),
        ("Version", "job_9f3", "run id"),
        ("Version", "2026-11-24", "date or time"),
        ("Version", "20261124", "date or time"),
        ("Version", "nightly-2026.11.24", "date or time"),
        ("Version", "20261124T022605Z-40333500", "date or time"),
        ("Version", "1795517907", "date or time"),
        ("Version", "1795517907123", "date or time"),
        ("Commit", "latest", "commit"),
        ("GitSHA", "latest", "commit"),
        ("build_number", "one", "build number"),
        ("RunId", "x", "run id"),
        ("CI_PIPELINE_ID", "x", "run id"),
    ],
)
def test_what_is_new_each_time_is_noticed(name, value, kind):
    assert looks_unbounded(name, value) == kind


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("Team", value) for value in ("checkout", "facade", "defaced", "deadbeef-team", "a", "10", "-")],
        *[("Region", value) for value in ("eu-central-1", "us-east-1a")],
        *[("Stage", value) for value in ("prod", "staging-2", "v1.2.3", "2.47.0", "blue", "canary")],
        *[("Size", value) for value in ("m5.2xlarge", "4 vCPU", "64GB")],
        *[("Runtime", value) for value in ("python3.11", "node20")],
        ("Builder", "docker"),
        ("Update", "rolling"),
    ],
)
def test_what_stays_is_not(name, value):
    assert looks_unbounded(name, value) is None


@given(st.uuids())
def test_every_uuid_is_noticed(uuid):
    assert looks_unbounded("Version", str(uuid)) == "UUID"


@given(st.text("0123456789abcdef", min_size=7, max_size=40))
def test_every_commit_is_noticed_as_something(commit):
    letters, digits = set(commit) & set("abcdef"), set(commit) & set("0123456789")
    if digits:
        assert looks_unbounded("Version", commit) is not None
    else:
        assert letters


@given(st.datetimes(), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%S"]))
def test_every_date_of_our_time_is_noticed(moment, form):
    assert looks_unbounded("Version", moment.replace(year=2000 + moment.year % 100).strftime(form)) == "date or time"


@given(st.text(max_size=50), st.text(max_size=1024))
def test_any_text_has_an_answer(name, value):
    assert looks_unbounded(name, value) is None or looks_unbounded(name, value)


def test_a_warning_names_the_dimension_and_what_is_better():
    (line,) = warnings([("Team", "checkout"), ("Version", "3f2a91c")])
    assert line.startswith("dimension Version=3f2a91c looks like a commit hash: each new value makes new metrics")
    assert "--cw-label Version=3f2a91c" in line
