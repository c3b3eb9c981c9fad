"""A cluster whose processes each have a machine of their own, as far as the network goes."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest

from support import needs
from support.cluster.cluster import Cluster
from support.cluster.table import pytest_runtest_makereport  # noqa: F401 - a hook, for the tests of this folder
from support.network import netns

NODES = ("master", "worker-1", "worker-2")


@pytest.fixture(scope="session", autouse=True)
def _network_namespaces():
    netns.remove_leftovers()
    reason = netns.missing()
    if reason:
        needs.lack(reason)


@pytest.fixture
def network():
    with netns.Network(*NODES) as network:
        yield network


@pytest.fixture
def cluster(tmp_path, cloudwatch, network):
    network.relay("master", urlsplit(cloudwatch.endpoint_url).port)
    address = network.address("master")
    with Cluster(tmp_path, cloudwatch, prefixes=network.prefixes, master_host=address) as cluster:
        if "LCW_WITHOUT" in os.environ:
            cluster.locustfile += ",without.py"
        yield cluster
