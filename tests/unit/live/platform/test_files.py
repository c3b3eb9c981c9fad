"""Files that are written whole or not at all."""

from __future__ import annotations

import pytest

from locust_cw_dist.live.platform.files import replacing

pytestmark = pytest.mark.once


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "state.bin"
    with replacing(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(ValueError, match="closed"), replacing(path) as file:  # noqa: PT012 - half, then an error
        file.write(b"half of another")
        file.close()
        file.write(b"the rest")
    assert path.read_bytes() == b"one"
    with replacing(path) as file:
        file.write(b"two")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("state.bin", b"two")]
