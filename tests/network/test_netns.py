"""The network of namespaces itself."""

from __future__ import annotations

import os
import subprocess
import sys

from support.network import netns

CRASH = """
import os, signal, subprocess
from support.network.netns import NAMESPACES, PREFIX, Network

network = Network("node")
network.__enter__()
subprocess.Popen([*network.prefixes["node"], "sleep", "60"], stdout=subprocess.DEVNULL)
print(len(list(NAMESPACES.glob(f"{PREFIX}-{os.getpid()}-*"))), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def namespaces(pid):
    return list(netns.NAMESPACES.glob(f"{netns.PREFIX}-{pid}-*"))


def test_nothing_is_left(network):
    assert namespaces(os.getpid())
    network.close()
    assert not namespaces(os.getpid())


def test_leftovers_of_a_run_that_died_are_removed(network):
    """Tests that run at the same time may remove them too, so it is the dying one that tells what there was."""
    with subprocess.Popen([sys.executable, "-c", CRASH], cwd=netns.TESTS, stdout=subprocess.PIPE, text=True) as crashed:
        assert crashed.stdout.readline() == "2\n"
    netns.remove_leftovers()
    assert not namespaces(crashed.pid)
    assert namespaces(os.getpid())
