"""What fires at the very end of a process, and what fires on a master: it is published, or said to be lost."""

from __future__ import annotations

from collections import Counter

from locust_cw_dist.core.publish.ledger import TOO_LATE
from support.cluster.figures import assert_equal
from support.cluster.matrix import wait_for_requests
from support.cluster.ports import free_port

MOMENTS = {"/test_stop", "/quitting", "/quitting of init", "/quit", "/quit of init", "/atexit", "/atexit of import"}
LOCUSTFILE = "trickle.py,plugin.py,last_moments.py"


def names(requests):
    return {request.name for request in requests}


def test_all_that_a_single_process_fires_until_its_last_moment_is_published(cluster):
    cluster.locustfile = LOCUSTFILE
    single = cluster.single(run_time_s=2)
    assert cluster.wait() == {"single": 1}, single.log
    assert names(cluster.truth().requests) == MOMENTS | {"/drop"}
    cluster.assert_exact()
    assert cluster.summary()["late"] == 0


def test_what_goes_on_to_fire_to_the_end_is_published_or_counted(cluster, cloudwatch):
    """Of the canary, which nothing ends but the process, one result may come when the sender has just stopped."""
    cluster.locustfile = LOCUSTFILE
    cluster.single(env=cloudwatch.env() | {"FIRES_ON": "LocalRunner"}, run_time_s=2)
    cluster.wait()
    summary = cluster.summary()
    assert summary["recorded"] == len(cluster.truth().requests)
    assert summary["published"] >= summary["recorded"] - 1
    assert summary["complete"] == (summary["published"] == summary["recorded"])
    cluster.assert_balanced()
    cluster.assert_clean()


def test_what_a_single_process_fires_when_nothing_is_sent_any_more_is_said_to_be_lost(cluster, cloudwatch):
    """What fires while CloudWatch is waited for goes where all else goes: to the spool, if there is one."""
    cluster.locustfile = LOCUSTFILE
    away = {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}", "FIRES_ON": "LocalRunner"}
    options = {"single": (), "spools": ("--cw-spool-dir", "spool")}
    for name, more in options.items():
        cluster.single("--cw-flush-timeout", "2", *more, name=name, env=cloudwatch.env() | away, run_time_s=1)
    cluster.wait()
    fired = Counter(request.pid for request in cluster.truth().requests)
    for (name, process), summary in zip(cluster.processes.items(), cluster.last_summaries(), strict=True):
        assert summary["run_id"] in process.log
        assert (summary["recorded"], summary["published"]) == (fired[process.pid], 0), name
        assert not summary["complete"]
        late = summary["dropped"].pop(TOO_LATE)
        assert 3 <= late <= 20, "two of `quit`, two at exit and a few of the canary"
        where = {"single": summary["dropped"].values(), "spools": [summary["spooled"]]}[name]
        assert list(where) == [fired[process.pid] - late]


def test_what_fires_on_a_master_is_published_and_makes_it_no_worker(cluster, cloudwatch):
    cluster.locustfile = LOCUSTFILE
    canary = {"FIRES_ON": "MasterRunner", "FIRES_UNTIL_QUIT": "1"}
    master = cluster.distributed(env=cloudwatch.env() | canary, run_time_s=4)
    wait_for_requests(cluster, 50)
    assert cluster.wait()["master"] == 1, master.log
    for process in cluster.processes.values():
        assert process.log_has("fired after its last frame") == (process is not master), "what a worker fires at exit"
    requests = cluster.truth().requests
    lost = [one for one in requests if one.name.startswith("/atexit") and one.pid != master.pid]
    assert len(lost) == 4
    assert {one.name for one in requests if one.pid == master.pid} == MOMENTS | {"/canary"}
    cluster.assert_clean()
    summary = cluster.summary()
    assert (summary["complete"], summary["unheard_workers"], summary["late"]) == (True, [], 0)
    assert summary["recorded"] == summary["published"] == len(requests) - len(lost)
    published = cluster.published()
    assert_equal([one for one in requests if one not in lost], published)
    (workers,) = published.named("Workers")
    assert workers.maximum == 2
