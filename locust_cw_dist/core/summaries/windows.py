"""Windows: spans of time of `resolution_s` seconds, aligned to the epoch: [start, start + resolution_s)."""

from __future__ import annotations

from datetime import UTC, datetime

FINEST_RESOLUTION_S = 1
"""What a worker folds with until it knows the master's resolution: windows of one second nest in every other one."""

RESOLUTIONS_S = (1, 5, 10, 30, 60)
"""What a user may choose: CloudWatch reads high-resolution metrics at 1, 5, 10 and 30 s, others at multiples of 60."""

MAX_PAST_S = 24 * 3600
"""How far back a worker's window may lie. CloudWatch takes two weeks, but data up to 24 h old appears within two hours
and older data within two days, and no worker holds results for a day: it stops when its master is away for a minute."""

MAX_FUTURE_S = 300
"""How far ahead of the master's clock a worker's window may lie: clocks are corrected by acknowledgements, so this
allows for a slow link and nothing more. CloudWatch refuses what is two hours ahead."""


def window_start_s(now_s: float, resolution_s: int) -> int:
    """Return the start of the window that holds `now_s` (seconds since the epoch)."""
    return int(now_s // resolution_s) * resolution_s


def time_of_day(at_s: float) -> str:
    """Return a time (seconds since the epoch) as a message shows it: ``14:03:20Z``."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%SZ")
