"""A frame of each wire version lies in `tests/frames`: the current one is read, any other is refused by its version."""

from __future__ import annotations

import pytest

from locust_cw_dist.core.wire.frame import OTHER_VERSION, WIRE_VERSION, FrameError, decode
from support.records.wire import FRAMES, frame_path, sample_frame


def test_the_current_version_is_read_as_it_was_written():
    assert decode(frame_path(WIRE_VERSION).read_bytes()) == sample_frame()


def test_there_is_a_frame_of_each_version():
    assert {path.name for path in FRAMES.iterdir()} == {f"wire-{n}.frame" for n in range(1, WIRE_VERSION + 1)}


@pytest.mark.parametrize("version", range(1, WIRE_VERSION))
def test_a_frame_that_an_earlier_version_wrote_is_refused_and_named(version):
    with pytest.raises(FrameError) as caught:
        decode(frame_path(version).read_bytes())
    assert (caught.value.reason, caught.value.version) == (OTHER_VERSION, version)


@pytest.mark.parametrize("version", [0, *range(1, WIRE_VERSION), WIRE_VERSION + 1, 255])
def test_another_version_is_refused_and_named(version):
    data = bytearray(frame_path(WIRE_VERSION).read_bytes())
    data[3] = version
    with pytest.raises(FrameError) as caught:
        decode(bytes(data))
    assert (caught.value.reason, caught.value.version) == (OTHER_VERSION, version)
