"""Ports for the processes of tests that run at the same time, in this pytest and in others.

A port that the kernel gives away (bind to 0) is free until somebody else gets it, which may be before it is used. These
are claimed: whoever holds the UDP port of the same number, until its process ends, may use the TCP port. And they lie
below the range from which systems take ports for outgoing connections.
"""

from __future__ import annotations

import itertools
import os
import socket

PORTS = range(20_000, 32_000)

_tries = itertools.count(os.getpid() * 101)
"""Where to look next: elsewhere than other processes, so that a port that was just given up is not taken again."""

_claims: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other caller of this function gets."""
    for number in itertools.islice(_tries, len(PORTS)):
        port = PORTS[number % len(PORTS)]
        if _claim(port):
            return port
    raise OSError(f"no port is free in {PORTS}")


def _claim(port: int) -> bool:
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
