"""A local CloudWatch for the tests of this folder, one for each of their files and emptied for each test."""

from __future__ import annotations

import pytest

from locust_cw_dist.testing import LocalCloudwatch
from support.publishing.put_requests import ONE_TRY


@pytest.fixture(scope="module")
def server():
    with LocalCloudwatch() as running:
        yield running


@pytest.fixture
def cloudwatch(server):
    server.reset()
    return server


@pytest.fixture
def client(cloudwatch):
    return cloudwatch.client(config=ONE_TRY)
