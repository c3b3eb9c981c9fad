"""What a worker tells of a run, and the caps and names that worker and master share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_WINDOWS = 32
"""Windows that a worker holds: with windows of 1 s and a report each 3 s it is ten reports without an acknowledgement
before time gets coarser, longer than the 8 s for which masters were seen to freeze."""


MAX_ENDPOINTS_PER_WORKER = 1000
"""Hard cap on the endpoints of one worker. The master's own cap, which all workers share, is the one that users set;
this one only keeps a worker alive whose request names are not grouped."""


OTHER_NAME = "(other)"


OTHER_METHOD = "ALL"


OTHER = (OTHER_NAME, OTHER_METHOD)
"""The endpoint that takes what lies beyond a cap."""


NO_LIMIT = 2**53
"""More than there can be of anything."""


UNKNOWN_RUN = ""
"""Run id of what was recorded before the master told which run it is; it stays here until then."""


@dataclass(slots=True)
class RunCounters:
    """What one worker has recorded in one run since it began; only ever grows.

    Attributes:
        recorded: Results that the request event told of.
        untimed: Of those, the ones without a usable response time, by reason.
        held: Of those, the ones that a frame leaves behind in the buffer; 0 in the buffer itself.
        lost: Of those, the ones that were given up since no master takes them, by reason.
    """

    recorded: int = 0
    untimed: Counter[str] = field(default_factory=Counter)
    held: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def shipped(self) -> int:
        """Results that this frame or an earlier one has brought."""
        return self.recorded - self.held - self.lost.total()
