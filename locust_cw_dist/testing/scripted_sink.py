"""ScriptedSink: a sink that answers by a script."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from locust_cw_dist.core.publish.datums import Datum


class ScriptedSink:
    """Answers each `send` with the next entry of a script: None takes the batch, an exception refuses it.

    After the end of the script every batch is taken. It is a `live.publish.sink.Sink`.

    Attributes:
        max_pairs: Maximum weight of one batch; the default is CloudWatch's limit for a client of your own.
        max_bytes: Length of body that one batch may have; the same.
        script: What is left of the script.
        batches: The batches that were taken, in order.
        threads: Native ids of the threads that `send` was called in.
    """

    max_pairs = 1_500
    max_bytes = 200_000

    def __init__(self, *script: BaseException | None) -> None:
        """Answer as `script` says."""
        self.script = list(script)
        self.batches: list[Sequence[Datum]] = []
        self.threads: set[int] = set()

    def warm_up(self) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Find nothing wrong."""

    def send(self, namespace: str, batch: Sequence[Datum]) -> None:
        """Take the batch, or raise what the script says."""
        self.threads.add(threading.get_native_id())
        answer = self.script.pop(0) if self.script else None
        if answer is not None:
            raise answer
        self.batches.append(batch)

    def sent(self, metric: str) -> list[Datum]:
        """Return the datums of a metric that were taken, in order."""
        return [datum for batch in self.batches for datum in batch if datum.metric == metric]
