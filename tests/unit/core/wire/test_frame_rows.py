"""Rows and planes of a section, as they lie in a frame; that they are read back is in test_frame.py."""

from __future__ import annotations

import msgpack

from locust_cw_dist.core.summaries.sections import Section
from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.core.wire.frame_rows import ROW_BYTES, Planes, pack_section, read_section


def test_the_example_of_the_module_is_true():
    pay, cart = Summary(), Summary()
    pay.record_success(10.0, 50)
    pay.record_failure(12.0, "HTTP 500")
    for time_ms in (41.7, 41.7, 41.7, 42.3):
        cart.record_success(time_ms, 100)
    endpoints, planes = {}, []
    packed = pack_section(
        Section.of("run", 1_700_000_000, {("/pay", "POST"): pay, ("/cart", "GET"): cart}), endpoints, planes
    )
    assert list(endpoints) == [("/cart", "GET"), ("/pay", "POST")]
    assert planes == [b"\x03", b"\x01", b"\x01", b"\x01"]
    assert packed[3] == [[1, (957, 1, 1, 1, 12.0, 12.0, 12.0), {"HTTP 500": 1}, 0, 0]]
    assert (len(packed[2]), ROW_BYTES) == (2 * 71, 71)
    # As it comes from the wire: msgpack has no tuples.
    packed = msgpack.unpackb(msgpack.packb(packed))
    read = read_section(*packed, list(endpoints), Planes(b"".join(planes)))
    assert read.rows == {
        ("/cart", "GET"): ([0b11, 0b01], 1084, 4, 167.4, 41.7, 42.3, 4, 400, 100, 100),
        ("/pay", "POST"): ([0b1], 938, 1, 10.0, 10.0, 10.0, 1, 50, 50, 50),
    }
