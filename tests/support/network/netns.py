"""A network for the processes of a test: a namespace for each node, and a router between them where links fail.

    with Network("master", "worker-1") as network:
        network.drop("worker-1")
        network.clear()

All faults are made on the router, so both ends see what they would see if a machine in the middle failed: silence, or a
reset that no end has sent. Nothing is left in the machine's own namespace, and every network has the same addresses,
since no network can see another.

Needs root and what `missing` tells.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil

from support.cluster.processes import wait_until

PREFIX = "lcwtest"
NAMESPACES = Path("/run/netns")
PACKAGES = {"ip": "iproute2", "ss": "iproute2", "iptables": "iptables"}
"""Programs that are needed, and the Debian packages that bring them."""

TESTS = Path(__file__).parents[2]
DELAY_QUEUE = 1
RTO_MAX_MS = "/proc/sys/net/ipv4/tcp_rto_max_ms"

_numbers = itertools.count(1)


def missing() -> str:
    """Return why there can be no such network on this machine; empty if there can be."""
    if os.geteuid():
        return "network namespaces need root"
    packages = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if packages:
        return f"missing; apt-get install -y --no-install-recommends {' '.join(packages)}"
    try:
        with Network("probe") as network:
            network.drop("probe")
    except subprocess.CalledProcessError as e:
        return f"{' '.join(e.cmd)}: {e.stderr.strip()}"
    return ""


def remove_leftovers() -> None:
    """Remove the namespaces, and what runs in them, of tests that died before they could."""
    for path in NAMESPACES.glob(f"{PREFIX}-*"):
        if not psutil.pid_exists(int(path.name.split("-")[1])):
            _remove(path.name)


class Network:
    """Namespaces behind a router; gone with the `with` block.

    Attributes:
        prefixes: For each node, the command that starts another command there.
    """

    def __init__(self, *nodes: str) -> None:
        """Make a namespace for each of `nodes`, whose names are those of the router's interfaces: 15 characters."""
        self._name = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        self._router = f"{self._name}-router"
        self._nodes = {node: f"{self._name}-{node}" for node in nodes}
        self._helpers: list[subprocess.Popen[str]] = []
        self.prefixes = {node: _inside(namespace) for node, namespace in self._nodes.items()}

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything; what still runs in a namespace is killed."""
        for helper in self._helpers:
            helper.kill()
            helper.wait()
        for namespace in (*self._nodes.values(), self._router):
            if (NAMESPACES / namespace).exists():
                _remove(namespace)

    def address(self, node: str) -> str:
        """Return the address of a node."""
        return f"{self._subnet(node)}.2"

    def relay(self, node: str, port: int) -> None:
        """Make this machine's loopback port reachable on the node's loopback."""
        self._help([], "support.network.relay", self._nodes[node], str(port))

    def connections(self, node: str, port: int) -> set[int]:
        """Return the node's own ports of its open TCP connections to `port`."""
        lines = _run(*self.prefixes[node], "ss", "-Htn", "state", "established", f"dport = :{port}").splitlines()
        return {int(line.split()[2].rpartition(":")[2]) for line in lines}

    def unplug(self, node: str) -> None:
        """Take the node's link down, at the router's end."""
        self._ip("link", "set", "dev", node, "down")

    def plug_in(self, node: str) -> None:
        """Take the link up again."""
        self._ip("link", "set", "dev", node, "up")

    def drop(self, node: str) -> None:
        """Drop whatever comes from the node and goes to it: a black hole."""
        self._both_ways(node, "-j", "DROP")

    def lose(self, node: str, probability: float) -> None:
        """Drop that share of all packets, at random, both ways."""
        self._both_ways(node, "-m", "statistic", "--mode", "random", "--probability", str(probability), "-j", "DROP")

    def bound_backoff(self) -> None:
        """Have TCP wait for a second at most until it sends again what was lost, in programs that start from now on.

        By default it waits twice as long each time, up to two minutes, so that by chance alone a link that loses
        packets may be silent for longer than a worker is waited for. Before Linux 6.15, which brought the setting,
        nothing is changed.
        """
        for prefix in self.prefixes.values():
            _run(*prefix, "sh", "-c", f"! test -e {RTO_MAX_MS} || echo 1000 > {RTO_MAX_MS}")

    def start_delay(self, mean_s: float, jitter_s: float) -> None:
        """Start what `delay` needs: each packet is held for `mean_s`, give or take `jitter_s`."""
        self._help(_inside(self._router), "support.network.delay", str(DELAY_QUEUE), str(mean_s), str(jitter_s))

    def delay(self, node: str) -> None:
        """Hold the packets of the node, both ways."""
        self._both_ways(node, "-j", "NFQUEUE", "--queue-num", str(DELAY_QUEUE))

    def reset(self, node: str, ports: set[int]) -> None:
        """Answer whatever still travels on these connections of a node with a reset, to either end.

        Takes the place of all rules at once: no packet passes between the one state and the other.
        """
        answer = "-j REJECT --reject-with tcp-reset"
        ends = ((f"-i {node}", "--sport"), (f"-o {node}", "--dport"))
        rules = [f"-A FORWARD {way} -p tcp {end} {port} {answer}" for port in ports for way, end in ends]
        table = "\n".join(["*filter", ":FORWARD ACCEPT", *rules, "COMMIT", ""])
        _run(*_inside(self._router), "iptables-restore", "-w", stdin=table)

    def half_open(self, node: str, ports: set[int]) -> None:
        """End these connections for the node alone: it gets a reset, the other end never hears of them again."""
        for port in ports:
            self._rule("-o", node, "-p", "tcp", "--dport", str(port), "-j", "DROP")
            self._rule("-i", node, "-p", "tcp", "--sport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")

    def hit(self) -> int:
        """Return how many packets the rules of now have struck."""
        rules = _run(*_inside(self._router), "iptables", "-w", "-L", "FORWARD", "-nvx").splitlines()[2:]
        return sum(int(rule.split()[0]) for rule in rules)

    def clear(self) -> None:
        """Take all rules away; unplugged links stay as they are."""
        _run(*_inside(self._router), "iptables", "-w", "-F", "FORWARD")

    def _make(self) -> None:
        _ip("netns", "add", self._router)
        self._ip("link", "set", "dev", "lo", "up")
        for node, namespace in self._nodes.items():
            _ip("netns", "add", namespace)
            self._ip("link", "add", "name", node, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            self._ip("address", "add", f"{self._subnet(node)}.1/24", "dev", node)
            self._ip("link", "set", "dev", node, "up")
            _ip("-n", namespace, "link", "set", "dev", "lo", "up")
            _ip("-n", namespace, "address", "add", f"{self.address(node)}/24", "dev", "eth0")
            _ip("-n", namespace, "link", "set", "dev", "eth0", "up")
            _ip("-n", namespace, "route", "add", "default", "via", f"{self._subnet(node)}.1")
        _run(*_inside(self._router), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    def _subnet(self, node: str) -> str:
        return f"10.231.{list(self._nodes).index(node) + 1}"

    def _ip(self, *args: str) -> None:
        _ip("-n", self._router, *args)

    def _both_ways(self, node: str, *rule: str) -> None:
        self._rule("-i", node, *rule)
        self._rule("-o", node, *rule)

    def _rule(self, *rule: str) -> None:
        _run(*_inside(self._router), "iptables", "-w", "-A", "FORWARD", *rule)

    def _help(self, prefix: Sequence[str], module: str, *args: str) -> None:
        """Start a module of the tests in a process of its own, which is not patched by gevent."""
        command = [*prefix, sys.executable, "-m", module, *args]
        helper = subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._helpers.append(helper)
        assert helper.stdout is not None
        assert helper.stdout.readline() == "ready\n", f"{module} did not start"


def _inside(namespace: str) -> list[str]:
    return ["ip", "netns", "exec", namespace]


def _ip(*args: str) -> None:
    _run("ip", *args)


def _run(*command: str, stdin: str = "") -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout


def _remove(namespace: str) -> None:
    def are_gone() -> bool:
        pids = _run("ip", "netns", "pids", namespace).split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return not pids

    try:
        wait_until(are_gone, f"the processes in {namespace} end")
        _ip("netns", "delete", namespace)
    except subprocess.CalledProcessError:
        # Tests that run at the same time look after the same leftovers: another one was faster.
        if (NAMESPACES / namespace).exists():
            raise
