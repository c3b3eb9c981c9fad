"""Messages: what master and workers say to each other beside the frames, as plain values for Locust's own messages.

The names are prefixed, since Locust takes its own message types first and tells nobody. Each side checks what it reads:
another version of this program, or anybody who reaches the port, may be on the other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from locust_cw_dist.core.summaries.checked_values import MAX_COUNT, identifier
from locust_cw_dist.core.summaries.windows import RESOLUTIONS_S
from locust_cw_dist.core.wire.frame import FAR_FUTURE_S, MAX_ID_CHARS, REFUSALS, WIRE_VERSION

REPORT_KEY = "locust_cw_dist"
"""Key under which a frame travels in Locust's worker report."""

HELLO = "locust_cw_dist:hello"
"""Worker to master: here is a worker with the plugin. Data: version, epoch."""

FRAME = "locust_cw_dist:frame"
"""Worker to master: a frame outside of a report, at the end of the process. Data: frame."""

MASTER_MESSAGE = "locust_cw_dist:word"
"""Master to worker: settings, clock and run, and which frame is acknowledged, if any. Data: as `MasterMessage`."""


@dataclass(frozen=True, slots=True)
class MasterMessage:
    """What the master tells a worker, with every acknowledgement again.

    Attributes:
        clock_s: The master's clock when it was sent, seconds since the epoch.
        run_id: The run that goes on, or that the next test start begins.
        resolution_s: Length of the windows to fold into.
        recording: Whether the master wants results at all; False where publishing is off.
        epoch: Whose frame is acknowledged; empty for none.
        seq: Number of the frame that is acknowledged; 0 for none.
        whole_windows: Whether frames are to carry windows that have ended, not what is there at each report.
        with_messages: Whether failure reasons are to hold the exceptions' messages.
        refused: Why a frame is refused for good, as `frame.REFUSALS` have it; empty if none is.
        refused_crc: The CRC-32 of that frame's bytes: of one that can't be read, its number isn't known.
        version: Wire version that the master reads.
    """

    clock_s: float
    run_id: str
    resolution_s: int
    recording: bool = True
    epoch: str = ""
    seq: int = 0
    whole_windows: bool = False
    with_messages: bool = False
    refused: str = ""
    refused_crc: int = 0
    version: int = WIRE_VERSION

    def pack(self) -> dict[str, Any]:
        """Return it as the data of a Locust message."""
        return {
            "version": self.version,
            "clock_s": self.clock_s,
            "run_id": self.run_id,
            "resolution_s": self.resolution_s,
            "recording": self.recording,
            "epoch": self.epoch,
            "seq": self.seq,
            "whole_windows": self.whole_windows,
            "with_messages": self.with_messages,
            "refused": self.refused,
            "refused_crc": self.refused_crc,
        }


def read_master_message(data: object) -> MasterMessage | None:
    """Return the Word that `data` holds, or None if it holds none that can be used.

    A word of another version has that version and nothing else to rely on.
    """
    if not isinstance(data, dict):
        return None
    version = data.get("version")
    if type(version) is not int:
        return None
    if version != WIRE_VERSION:
        return MasterMessage(0.0, "", 0, version=version)
    clock_s, run_id, resolution_s = data.get("clock_s"), data.get("run_id"), data.get("resolution_s")
    recording, epoch, seq = data.get("recording"), data.get("epoch"), data.get("seq")
    whole_windows, with_messages = data.get("whole_windows", False), data.get("with_messages", False)
    refused, refused_crc = data.get("refused"), data.get("refused_crc")
    if not (
        type(clock_s) is float
        and 0 <= clock_s <= FAR_FUTURE_S
        and is_id(run_id)
        and type(resolution_s) is int
        and resolution_s in RESOLUTIONS_S
        and type(recording) is bool
        and (epoch == "" or is_id(epoch))
        and type(seq) is int
        and 0 <= seq <= MAX_COUNT
        and type(whole_windows) is bool
        and type(with_messages) is bool
        and (refused == "" or refused in REFUSALS)
        and type(refused_crc) is int
    ):
        return None
    return MasterMessage(
        *(clock_s, str(run_id), resolution_s, recording, str(epoch), seq, whole_windows, with_messages),
        refused=str(refused),
        refused_crc=refused_crc,
    )


def pack_hello(epoch: str) -> dict[str, Any]:
    """Return a hello as the data of a Locust message.

    It is sent when a worker starts, and when a test begins there without word of its run.
    """
    return {"version": WIRE_VERSION, "epoch": epoch}


def read_hello(data: object) -> tuple[int, str] | None:
    """Return version and epoch of a hello, or None if `data` is none."""
    if not isinstance(data, dict):
        return None
    version, epoch = data.get("version"), data.get("epoch")
    if type(version) is not int or not is_id(epoch):
        return None
    return version, str(epoch)


def is_id(value: object) -> bool:
    """Whether this can be a run's, an epoch's or a worker's id, and thus a worker's address."""
    try:
        identifier(value, MAX_ID_CHARS)
    except ValueError:
        return False
    return True
