"""FailureLog: knows why nothing can be sent, and says it, what becomes of it meanwhile, and when that is over.

Trouble is the time from a call that fails to the next one that is answered. The first of each kind is told of at once;
a later one only when it has lasted for `LONG_S`: a CloudWatch that throttles every few seconds is one line, not
hundreds. Of trouble that was told of, the end is told too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from locust_cw_dist.core.names.plural import counted
from locust_cw_dist.core.progress.plain_text import span
from locust_cw_dist.core.progress.status import Trouble
from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.ledger import DatumLedger
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.unsent_batches import UnsentBatches

logger = logging.getLogger("locust_cw_dist")

LONG_S = 60.0
"""How long trouble of a kind that was told of before must last to be told of again."""


class FailureLog:
    """Tells of failures.

    Attributes:
        is_load_test: Whether a load test goes on meanwhile, of which something is to be said as well.
        trouble: Why calls fail now, and since when; None as long as they don't.
        well_since_s: When the last trouble was over, or when this began.
    """

    def __init__(
        self, once: LogOnce, batch_store: UnsentBatches, ledger: DatumLedger, now_s: float, *, resends_ambiguous: bool
    ) -> None:
        """Tell of what `ledger` counts; `resends_ambiguous`: whether what may have arrived is sent again."""
        self.is_load_test = True
        self.trouble: Trouble | None = None
        self.well_since_s = now_s
        self._once = once
        self._batch_store = batch_store
        self._ledger = ledger
        self._resends_ambiguous = resends_ambiguous
        self._told: set[str] = set()
        self._is_told = False
        self._lasted_s = 0.0
        self._dropped_before = 0

    def note(self, error: SendError | None, now_s: float) -> None:
        """Note how a call went, or a look at the credentials that found something."""
        if error is not None and error.is_harmless:
            return
        if error is None or error.failure.is_permanent:
            # An answer, even one that refuses: CloudWatch is there.
            if self.trouble is not None:
                self._tell_of_end(now_s - self.trouble.since_s)
                self.trouble, self.well_since_s = None, now_s
            return
        if self.trouble is None:
            self._is_told, self._dropped_before = False, self._ledger.dropped.total()
        since_s = now_s if self.trouble is None else self.trouble.since_s
        self._lasted_s = now_s - since_s
        self.trouble = Trouble(error.failure, str(error), since_s, error.is_final)

    def tell(self, error: SendError) -> None:
        """Say why nothing can be sent."""
        if error.is_harmless:
            self._once.warning("harmless", "locust-cw: %s; the load test runs, and its results are sent", error)
            return
        kind, is_long = error.failure.value, self._lasted_s >= LONG_S
        if kind not in self._told or (is_long and not self._is_told):
            self._told.add(kind)
            self._is_told = True
            since = f", for {span(self._lasted_s)} so far" if is_long else ""
            consequence = f"; {self._consequence(error)}" if self.is_load_test else ""
            logger.warning("locust-cw: %s (%s)%s%s", kind, error, since, consequence)

    def _tell_of_end(self, lasted_s: float) -> None:
        if self._is_told:
            lost = self._ledger.dropped.total() - self._dropped_before
            fate = f"{counted(lost, 'datum')} lost" if lost else "nothing was lost"
            logger.info("locust-cw: CloudWatch answers again, after %s; %s", span(lasted_s), fate)

    def tell_of_refusal(self, error: SendError, datums: Sequence[Datum]) -> None:
        """Say what was set aside since CloudWatch does not take it."""
        first = datums[0]
        self._once.warning(
            f"refused {first.metric}",
            "locust-cw: %s (%s): set aside %s of %s, the first with %s; the rest is sent",
            error.failure.value,
            error,
            counted(len(datums), "datum"),
            first.metric,
            ", ".join(f"{name}={value}" for name, value in first.dimensions) or "no dimensions",
        )

    def _consequence(self, error: SendError) -> str:
        if error.is_final:
            kept = "; the spool keeps the results" if self._batch_store.is_there else ""
            return f"the load test runs, and nothing is published{kept}"
        if error.failure is Failure.AMBIGUOUS and not self._resends_ambiguous:
            return "the load test runs; its results are dropped, as --cw-ambiguous drop asks"
        return "the load test runs; retrying, nothing is lost yet"
