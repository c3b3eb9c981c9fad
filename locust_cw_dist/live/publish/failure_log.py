"""FailureLog: knows why nothing can be sent, and says it once for each kind, and what becomes of it meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from locust_cw_dist.core.progress.status import Trouble
from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.publish.unsent_batches import UnsentBatches


class FailureLog:
    """Tells of failures.

    Attributes:
        is_load_test: Whether a load test goes on meanwhile, of which something is to be said as well.
        trouble: Why calls fail now, and since when; None as long as they don't.
        well_since_s: When the last trouble was over, or when this began.
    """

    def __init__(self, once: LogOnce, batch_store: UnsentBatches, now_s: float, *, resends_ambiguous: bool) -> None:
        """Tell by way of `once`; `resends_ambiguous`: whether what may have arrived is sent again."""
        self.is_load_test = True
        self.trouble: Trouble | None = None
        self.well_since_s = now_s
        self._once = once
        self._batch_store = batch_store
        self._resends_ambiguous = resends_ambiguous

    def note(self, error: SendError | None, now_s: float) -> None:
        """Note how a call went, or a look at the credentials that found something."""
        if error is not None and error.is_harmless:
            return
        if error is None or error.failure.is_permanent:
            # An answer, even one that refuses: CloudWatch is there.
            if self.trouble is not None:
                self.trouble, self.well_since_s = None, now_s
            return
        since_s = now_s if self.trouble is None else self.trouble.since_s
        self.trouble = Trouble(error.failure, str(error), since_s, error.is_final)

    def tell(self, error: SendError) -> None:
        """Say why nothing can be sent."""
        kind = error.failure.value
        if error.is_harmless:
            self._once.warning("harmless", "locust-cw: %s; the load test runs, and its results are sent", error)
        else:
            consequence = f"; {self._consequence(error)}" if self.is_load_test else ""
            self._once.warning(f"failure {kind}", "locust-cw: %s (%s)%s", kind, error, consequence)

    def tell_of_refusal(self, error: SendError, datums: Sequence[Datum]) -> None:
        """Say what was set aside since CloudWatch does not take it."""
        first = datums[0]
        self._once.warning(
            f"refused {first.metric}",
            "locust-cw: %s (%s): set aside %d datums of %s, the first with %s; the rest is sent",
            error.failure.value,
            error,
            len(datums),
            first.metric,
            ", ".join(f"{name}={value}" for name, value in first.dimensions) or "no dimensions",
        )

    def _consequence(self, error: SendError) -> str:
        if error.is_final:
            kept = "; the spool keeps the results" if self._batch_store.is_there else ""
            return f"the load test runs, and nothing is published{kept}"
        if error.failure is Failure.AMBIGUOUS and not self._resends_ambiguous:
            return "the load test runs; what was in the call is dropped, as --cw-ambiguous drop says"
        return "the load test runs; trying again, nothing is lost yet"
