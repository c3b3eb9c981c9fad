"""The types of settings that take more forms than they keep: a list or a mapping is given, a tuple or a set is kept.

A type checker reads a descriptor there, so that each way of giving a value is right and what is read has one type; when
the program runs there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES

NOTHING: Any = None
EMPTY: Any = ()
EVERY_METRIC: Any = frozenset(METRIC_NAMES)
"""The defaults, where a type checker would miss the descriptor."""

if TYPE_CHECKING:
    Given_contra = TypeVar("Given_contra", contravariant=True)
    Kept_co = TypeVar("Kept_co", covariant=True)

    class _Taken(Generic[Given_contra, Kept_co]):
        def __get__(self, instance: object, owner: Any) -> Kept_co: ...

        def __set__(self, instance: object, value: Given_contra) -> None: ...

    # Not Sequence[str]: a single text is one, too, and is refused.
    Several = list[str] | tuple[str, ...] | AbstractSet[str]
    Names = _Taken[Several, frozenset[str]]
    Texts = _Taken[Several, tuple[str, ...]]
    Percentiles = _Taken[Sequence[float] | AbstractSet[float] | None, tuple[float, ...] | None]
    Pairs = _Taken[Mapping[str, str] | Sequence[tuple[str, str]], tuple[tuple[str, str], ...]]
    Amounts = _Taken[Mapping[str, float] | Sequence[tuple[str, float]], tuple[tuple[str, float], ...]]
else:
    Names = frozenset[str]
    Texts = tuple[str, ...]
    Percentiles = tuple[float, ...] | None
    Pairs = tuple[tuple[str, str], ...]
    Amounts = tuple[tuple[str, float], ...]
