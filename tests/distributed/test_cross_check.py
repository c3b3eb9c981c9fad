"""What Locust counts and the request event does not tell makes a run incomplete; and runs that are odd and fine."""

from __future__ import annotations

import pytest

from support.locustfiles.direct_stats import DIRECT_FAILURES, DIRECT_REQUESTS

pytestmark = pytest.mark.once


def test_workers_that_log_to_locusts_statistics_directly(cluster):
    cluster.locustfile = "direct_stats.py,plugin.py"
    cluster.locust_has_more = True
    master = cluster.distributed(workers=2, run_time_s=2, users=4)
    cluster.wait()
    summary, recorded = cluster.summary(), len(cluster.truth().requests)
    # Each worker counts its own calls.
    requests, failures = 2 * DIRECT_REQUESTS, 2 * DIRECT_FAILURES
    assert summary["locust_totals"] == {
        "comparable": True,
        "requests": recorded + requests,
        "failures": failures,
        "missing_requests": requests,
        "missing_failures": failures,
        "likely_causes": summary["locust_totals"]["likely_causes"],
    }
    assert "fire environment.events.request instead" in summary["locust_totals"]["likely_causes"][0]
    assert (summary["complete"], summary["published"], summary["recorded"]) == (False, recorded, recorded)
    text = f"Locust counted {requests} requests and {failures} failures more than recorded"
    assert summary["verdict"] == {"state": "suspect", "reasons": [text]}
    assert master.log_has(f"INCOMPLETE: {recorded} of {recorded} results published")
    assert master.log_has(text)
    assert master.log_has("likely cause: code that calls stats.log_request and stats.log_error directly")


def test_a_direct_call_in_the_last_event_of_the_process(cluster):
    """The run has been logged as complete by then; it is logged again, and a rule on the verdict decides anew."""
    cluster.locustfile = "shopper.py,plugin.py,direct_at_quit.py"
    cluster.locust_has_more = True
    (cluster.folder / "rules.toml").write_text('[verdict]\nsuspect = "fail"\n')
    cluster.single("--cw-rules", "rules.toml", "--exit-code-on-error", "0", run_time_s=1)
    codes = cluster.wait()
    assert [one["complete"] for one in cluster.summaries()] == [True, False]
    assert cluster.summary()["locust_totals"]["missing_failures"] == 1
    assert codes == {"single": 4}
    cluster.assert_balanced()
    cluster.assert_clean()


def test_rare_reports_and_classes_with_a_fixed_count(cluster):
    """Windows wait for reports that are rarer than the grace time; three users are all that there can be."""
    cluster.locustfile = "rare_reports.py,plugin.py"
    master = cluster.distributed("--cw-grace", "4", workers=1, run_time_s=11, users=10)
    cluster.wait()
    cluster.assert_exact()
    summary = cluster.summary()
    assert summary["late"] == 0
    assert summary["verdict"] == {"state": "valid", "reasons": []}
    assert len(master.log_times_s("workers report about every 8 s instead of every 3 s")) == 1
