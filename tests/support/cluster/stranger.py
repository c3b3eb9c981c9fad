"""A client of the master's port that is no Locust worker and says what it likes."""

from __future__ import annotations

from typing import Any, Self

import zmq
from locust.rpc.protocol import Message
from locust.stats import StatsEntry

from locust_cw_dist.core.wire.messages import FRAME, HELLO, REPORT_KEY


class Stranger:
    """A connection to a master, to be closed with its `with` block."""

    def __init__(self, port: int, name: str = "stranger") -> None:
        self._name = name
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, name.encode())
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=5_000)

    def send(self, kind: str, data: Any, *, node_id: Any = None) -> None:
        """Send a message as Locust frames it, in anybody's name."""
        self._socket.send(Message(kind, data, self._name if node_id is None else node_id).serialize())

    def send_hello(self, data: Any, **name: Any) -> None:
        self.send(HELLO, data, **name)

    def send_frame(self, frame: Any, **name: Any) -> None:
        """Send what may be a frame, once outside of a report and once in one."""
        self.send(FRAME, {"frame": frame}, **name)
        report = {"stats": [], "stats_total": StatsEntry(None, "Total", "").get_stripped_report(), "errors": {}}
        self.send("stats", report | {"user_classes_count": {}, "user_count": 0, REPORT_KEY: frame}, **name)
