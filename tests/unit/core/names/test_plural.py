from __future__ import annotations

import pytest

from locust_cw_dist.core.names.plural import counted, plural


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 results"), (1, "1 result"), (-1, "-1 result"), (2, "2 results"), (12_000, "12,000 results")],
)
def test_a_number_has_its_word(count, text):
    assert counted(count, "result") == text


def test_a_word_may_have_a_plural_of_its_own():
    assert [plural(count, "batch", "batches") for count in (1, 3)] == ["batch", "batches"]
