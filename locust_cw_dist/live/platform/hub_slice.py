"""HubSlice: how long work that has much to do holds the hub before other greenlets run."""

from __future__ import annotations

import gevent

from locust_cw_dist.live.platform.clock import monotonic_s

MAX_HOLD_S = 0.002
"""How long the hub is held, give or take one endpoint (0.05 ms where points are packed, 0.3 ms where datums are made)
and one of Python's searches for garbage, through what is young (2 to 9 ms on a slow machine)."""


class HubSlice:
    """One piece of work after another, with the hub given back whenever a slice of time is over.

    for piece in pieces:
        work_on(piece)
        hub_slice.breathe()
    """

    def __init__(self) -> None:
        """Begin the first slice."""
        self._since_s = monotonic_s()

    def breathe(self) -> None:
        """Let others have the hub, if it was held for long enough."""
        if monotonic_s() - self._since_s > MAX_HOLD_S:
            gevent.sleep(0)
            self._since_s = monotonic_s()
