"""Holds each packet of a netfilter queue for a while: `python -m support.network.delay QUEUE MEAN_S JITTER_S`.

Each packet waits MEAN_S, give or take at most JITTER_S, on its own, so packets overtake each other as they do with
netem. Says `ready` once the queue is its own, and ends when its stdin closes. It speaks netlink by itself: all it needs
are two messages of nfnetlink_queue (linux/netfilter/nfnetlink_queue.h), so no compiler and no package.
"""

from __future__ import annotations

import heapq
import itertools
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

NETLINK_NETFILTER = 12
SUBSYSTEM_QUEUE = 3 << 8
PACKET, VERDICT, CONFIG = SUBSYSTEM_QUEUE, SUBSYSTEM_QUEUE | 1, SUBSYSTEM_QUEUE | 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2
CONFIG_COMMAND, CONFIG_PARAMETERS, CONFIG_MAX_LENGTH = 1, 2, 3
COMMAND_BIND = 1
COPY_META = 1
PACKET_HEADER = 1
VERDICT_HEADER = 2
ACCEPT = 1

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port id
FAMILY = struct.Struct(">BBH")  # address family, version, queue
ATTRIBUTE = struct.Struct("=HH")  # length, type

MAX_PACKETS = 20_000
RECEIVE_BYTES = 1 << 16


class Queue:
    """One netfilter queue."""

    def __init__(self, number: int) -> None:
        """Take over the queue.

        Raises:
            OSError: If the kernel does not give it away.
        """
        self._number = number
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._configure(CONFIG_COMMAND, struct.pack(">BxH", COMMAND_BIND, 0))
        self._configure(CONFIG_PARAMETERS, struct.pack(">IB", 0, COPY_META))
        self._configure(CONFIG_MAX_LENGTH, struct.pack(">I", MAX_PACKETS))

    def fileno(self) -> int:
        return self._socket.fileno()

    def packets(self) -> Iterator[int]:
        """Yield the ids of the packets that have come; waits for one."""
        data = self._socket.recv(RECEIVE_BYTES)
        while data:
            length, kind, *_ = HEADER.unpack_from(data)
            if kind == PACKET:
                yield from _packet_ids(data[HEADER.size + FAMILY.size : length])
            data = data[_aligned(length) :]

    def accept(self, packet: int) -> None:
        """Let a packet go on."""
        self._send(VERDICT, VERDICT_HEADER, struct.pack(">II", ACCEPT, packet))

    def _configure(self, attribute: int, value: bytes) -> None:
        self._send(CONFIG, attribute, value, flags=NLM_F_ACK)
        while True:
            data = self._socket.recv(RECEIVE_BYTES)
            if HEADER.unpack_from(data)[1] == NLMSG_ERROR:
                (error,) = struct.unpack_from("=i", data, HEADER.size)
                if error:
                    raise OSError(-error, f"netfilter queue {self._number}")
                return

    def _send(self, kind: int, attribute: int, value: bytes, flags: int = 0) -> None:
        size = ATTRIBUTE.size + len(value)
        body = FAMILY.pack(socket.AF_UNSPEC, 0, self._number) + ATTRIBUTE.pack(size, attribute)
        body += value.ljust(_aligned(len(value)), b"\0")
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 0, 0) + body)


def _packet_ids(attributes: bytes) -> Iterator[int]:
    while attributes:
        length, kind = ATTRIBUTE.unpack_from(attributes)
        if kind == PACKET_HEADER:
            yield struct.unpack_from(">I", attributes, ATTRIBUTE.size)[0]
        attributes = attributes[_aligned(length) :]


def _aligned(size: int) -> int:
    return size + 3 & ~3


def hold(queue: Queue, mean_s: float, jitter_s: float) -> None:
    """Hold packets until stdin closes."""
    numbers = itertools.count()
    held: list[tuple[float, int, int]] = []
    while True:
        wait_s = max(0.0, held[0][0] - time.monotonic()) if held else None
        ready, _, _ = select.select([queue, sys.stdin], [], [], wait_s)
        if sys.stdin in ready:
            return
        if queue in ready:
            for packet in queue.packets():
                due_s = time.monotonic() + random.uniform(mean_s - jitter_s, mean_s + jitter_s)
                heapq.heappush(held, (due_s, next(numbers), packet))
        while held and held[0][0] <= time.monotonic():
            queue.accept(heapq.heappop(held)[2])


if __name__ == "__main__":
    own = Queue(int(sys.argv[1]))
    print("ready", flush=True)
    hold(own, float(sys.argv[2]), float(sys.argv[3]))
