"""Selection: under which name an endpoint counts, and whether it is published at all; as the user chose.

It is applied on the master, before the endpoint cap, so that all workers agree and ungrouped names cost no series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from locust_cw_dist.core.names.name_pattern import NamePattern, TooSlowError
from locust_cw_dist.core.summaries.sections import EndpointKey
from locust_cw_dist.core.summaries.summary import Summary, merged

MAX_REMEMBERED = 10_000
"""Names whose fate is remembered; then all are forgotten and looked up anew."""


class Selection:
    """Groups and filters endpoints by their request names.

    An expression that takes too long on a name decides nothing: the name is neither grouped nor left out by it.

    State: touched only by the publisher.

    Attributes:
        too_slow: What to tell the user of such expressions, by expression.
    """

    def __init__(
        self, groups: tuple[tuple[str, str], ...] = (), include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
    ) -> None:
        """Select by regular expressions, each of which must match a whole name.

        Args:
            groups: (expression, name): what matches counts under that name; the first decides.
            include: Where there are any, only what matches one, after grouping, is kept.
            exclude: What matches one, after grouping, is left out.
        """
        self.too_slow: dict[str, str] = {}
        self._groups = [(NamePattern(pattern), name) for pattern, name in groups]
        self._include = [NamePattern(pattern) for pattern in include]
        self._exclude = [NamePattern(pattern) for pattern in exclude]
        self._names: dict[str, str | None] = {}

    def apply(self, summaries: Mapping[EndpointKey, Summary]) -> tuple[Mapping[EndpointKey, Summary], int]:
        """Return the summaries under their new names, and the number of results that are left out.

        Those that come together are merged; `summaries` stay as they are.
        """
        if not (self._groups or self._include or self._exclude):
            return summaries, 0
        kept: defaultdict[EndpointKey, list[Summary]] = defaultdict(list)
        left_out = 0
        for (name, method), summary in summaries.items():
            chosen = self.name_of(name)
            if chosen is None:
                left_out += summary.count
            else:
                kept[chosen, method].append(summary)
        return {key: merged(together) for key, together in kept.items()}, left_out

    def name_of(self, name: str) -> str | None:
        """Return the name that a request counts under; None if it is left out."""
        if name not in self._names:
            if len(self._names) >= MAX_REMEMBERED:
                self._names.clear()
            self._names[name] = self._choose(name)
        return self._names[name]

    def _choose(self, name: str) -> str | None:
        name = next((group for pattern, group in self._groups if self._matches(pattern, name, unknown=False)), name)
        if self._include and not any(self._matches(pattern, name, unknown=True) for pattern in self._include):
            return None
        return None if any(self._matches(pattern, name, unknown=False) for pattern in self._exclude) else name

    def _matches(self, pattern: NamePattern, name: str, *, unknown: bool) -> bool:
        try:
            return pattern.matches(name)
        except TooSlowError as e:
            self.too_slow.setdefault(pattern.text, str(e))
            return unknown
