"""What users make up is sent in Locust's reports, whatever it is: by Locust's own messages, packed and read again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from locust.rpc.protocol import Message

from locust_cw_dist.live.platform.locust_internals import WorkerLink

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).replace(tzinfo=None)
"""Locust reads times without a zone."""


class Broken:
    def _fail(self, *_):
        raise RuntimeError("do not touch")

    __str__ = __repr__ = __float__ = _fail


class Shop:
    def __str__(self):
        return "shop \ud800"


class Connection:
    """Sends as Locust's does; what was sent is kept."""

    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message.serialize())


def linked():
    runner = SimpleNamespace(client=Connection(), user_greenlets=None)
    link = WorkerLink(runner)
    link.keep_sendable()
    link.keep_sendable()
    return runner, link


def arrived(kind, data):
    runner, _ = linked()
    runner.client.send(Message(kind, data, "worker"))
    (packed,) = runner.client.sent
    return Message.unserialize(packed).data


endless = []
endless.append(endless)


@pytest.mark.parametrize(
    ("odd", "made"),
    [
        (Decimal("1.5"), 1.5),
        (Decimal(3), 3),
        (Fraction(7, 2), 3.5),
        (np.float32(2.5), 2.5),
        (np.int64(3), 3),
        (10**30, 2**64 - 1),
        (-(10**30), -(2**63)),
        ("lone \ud800", "lone ?"),
        (Shop(), "shop ?"),
        (Broken(), "(unreadable)"),
        ({17}, [17]),
        ((1, {2}), [1, [2]]),
        (3j, "3j"),
    ],
)
def test_one_odd_value_costs_only_itself(odd, made):
    stats = [{"name": "/a", "total_response_time": odd}, {"name": "/b", "at": NOON}]
    frame = b"\x00\xff"
    data = arrived("stats", {"stats": stats, "locust_cw_dist": frame, "none": None, "ok": True, "inf": float("inf")})
    assert data["stats"] == [{"name": "/a", "total_response_time": made}, {"name": "/b", "at": NOON}]
    assert (data["locust_cw_dist"], data["none"], data["ok"], data["inf"]) == (frame, None, True, float("inf"))


def test_keys_too():
    assert arrived("stats", {"times": {Decimal(10): 1, ("a", "b"): 2, "\ud800": 3}}) == {
        "times": {10: 1, "['a', 'b']": 2, "?": 3}
    }


def test_a_value_that_holds_itself_ends():
    assert "(unreadable)" in str(arrived("stats", {"endless": endless}))


def test_what_can_be_packed_is_not_touched():
    data = {"stats": [{"name": "/a", "response_times": {10: 1}}]}
    before = Message("stats", data, "worker").serialize()
    runner, _ = linked()
    runner.client.send(Message("stats", data, "worker"))
    assert runner.client.sent == [before]


def test_exceptions_of_tasks_are_sent_and_messages_of_users_are_theirs():
    assert arrived("exception", {"msg": "\udcff"}) == {"msg": "?"}
    with pytest.raises(TypeError):
        arrived("of a user", {17})


def test_a_new_connection_is_served_too():
    runner, link = linked()
    runner.client = Connection()
    link.keep_sendable()
    runner.client.send(Message("stats", {"x": {1}}, "worker"))
    assert len(runner.client.sent) == 1
