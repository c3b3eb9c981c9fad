"""The code that the process really ends with, on every way a run can end; docs/exit-codes.md has the table.

`Cluster.wait` returns what the operating system says. Users of `trickle.py` never fail, so Locust itself would say 0 on
each of these ways but for --expect-workers-max-wait; those of `shopper.py` fail now and then, so it would say 1.

Most rows of `tests/matrix` run with --cw-required and assert the code too. What is marked `night` here asserts the same
of users who never fail and of listeners that set 0. The decision itself has a unit test for every case.
"""

from __future__ import annotations

import signal

import pytest

from support.cluster.cluster import LOCUST, LOCUST_CW_RUN
from support.cluster.matrix import assert_cut_short as assert_cut_short_codes
from support.cluster.matrix import let_pass, verdict, wait_for_requests
from support.cluster.ports import free_port
from support.cluster.processes import SPAWNED, wait_until
from support.cluster.web import WebUi

QUIET = "trickle.py,plugin.py"
FINE = "trickle.py,fine_at_init.py,plugin.py,fine_anyway.py"
"""Listeners of the users' own set 0, wherever they were added."""

SHOPPER = "shopper.py,plugin.py"
FINE_SHOPPER = "shopper.py,fine_at_init.py,plugin.py,fine_anyway.py"

REQUIRED = "--cw-required"
LONG_S = 60

NIGHT = pytest.mark.night


def assert_cut_short(cluster, process, words):
    """Assert that this process ended with 4 since the run was cut short, and that it said why."""
    assert cluster.processes[process].wait() == 4
    cluster.wait()
    assert_cut_short_codes(cluster, words)
    cluster.assert_clean()


def assert_reliable(cluster, process, code):
    """Assert that this process ended with a code that is not ours."""
    assert cluster.wait()[process] == code
    assert verdict(cluster)["state"] in {"valid", "suspect"}, "a busy machine may make it suspect"
    assert cluster.processes[process].last_words_have(rf"exit code {code}: (?!a rule|the run can't)")
    cluster.assert_clean()


@pytest.mark.parametrize(
    ("locustfile", "code"),
    [pytest.param(QUIET, 0, marks=NIGHT), (FINE, 0), pytest.param(SHOPPER, 1, marks=NIGHT)],
    ids=["no failed request", "own 0", "failed requests"],
)
def test_run_time(cluster, locustfile, code):
    cluster.locustfile = locustfile
    cluster.distributed(REQUIRED, run_time_s=2)
    assert_reliable(cluster, "master", code)


@pytest.mark.once
def test_run_time_with_stop_timeout_and_a_signal_after_its_end(cluster):
    """The test has had its time: what the signal ends is the waiting for the last tasks."""
    cluster.locustfile = "slow_tasks.py,plugin.py"
    master = cluster.distributed(REQUIRED, "-s", "6", run_time_s=4)
    master.wait_for_log("run-time limit reached")
    master.signal(signal.SIGTERM)
    assert_reliable(cluster, "master", 0)


@pytest.mark.parametrize(
    ("number", "locustfile"),
    [
        pytest.param(signal.SIGTERM, QUIET, marks=NIGHT),
        (signal.SIGTERM, FINE),
        pytest.param(signal.SIGTERM, SHOPPER, marks=NIGHT),
        pytest.param(signal.SIGINT, FINE, marks=NIGHT),
    ],
    ids=["sigterm", "sigterm, own 0", "sigterm, failed requests", "ctrl-c, own 0"],
)
def test_signal_to_the_master(cluster, number, locustfile):
    cluster.locustfile = locustfile
    master = cluster.distributed(REQUIRED, run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    master.signal(number)
    assert_cut_short(cluster, "master", "the process was told to end after .* of 60 s")


@pytest.mark.once
def test_without_rules_and_without_required_locusts_own_code_stays(cluster):
    cluster.locustfile = QUIET
    master = cluster.distributed(run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == 0
    assert verdict(cluster)["state"] == "invalid"
    assert master.last_words_have("exit code 0: no request failed")


@NIGHT
@pytest.mark.once
def test_sigterm_to_the_master_while_spawning(cluster):
    cluster.locustfile = FINE
    master = cluster.distributed(REQUIRED, "-r", "2", users=60, run_time_s=LONG_S)
    wait_for_requests(cluster, 50)
    assert not master.log_has(SPAWNED)
    master.signal(signal.SIGTERM)
    assert_cut_short(cluster, "master", "the process was told to end")
    (summary,) = cluster.last_summaries()
    assert any("of 60 users reached" in reason for reason in summary["verdict"]["reasons"])


@pytest.mark.once
def test_sigterm_without_a_planned_end(cluster):
    """Nothing else could end the run: it is as long as it was to be."""
    cluster.locustfile = FINE
    master = cluster.distributed(REQUIRED, "-t", "0", run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    master.signal(signal.SIGTERM)
    assert_reliable(cluster, "master", 0)


@pytest.mark.once
def test_sigterm_to_the_master_before_the_test_begins(cluster):
    """Locust takes care of SIGTERM only when its workers are there: until then it ends the process by itself."""
    cluster.locustfile = FINE
    master = cluster.master(REQUIRED, workers=2, run_time_s=LONG_S)
    cluster.worker()
    master.wait_for_log("reported as ready")
    master.signal(signal.SIGTERM)
    assert master.wait() == -signal.SIGTERM


def test_sigterm_to_an_autostarted_master_before_the_test_begins(cluster, cloudwatch):
    """With a web UI it does so at once."""
    cluster.locustfile = FINE
    load = ("-u", "8", "-r", "8", "-t", "60s", "--expect-workers", "2")
    master = WebUi(cluster, cloudwatch, REQUIRED, "--autostart", *load).master
    cluster.worker()
    master.wait_for_log("reported as ready")
    master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == 4
    assert master.log_has("the process was told to end before its test had begun")
    assert cluster.summaries() == []


@pytest.mark.once
def test_sigterm_to_one_of_two_workers(cluster):
    """The test goes on and has its results; with a worker less for a while it is suspect."""
    cluster.locustfile = QUIET
    cluster.distributed(REQUIRED, run_time_s=12)
    wait_for_requests(cluster, 50)
    cluster.processes["worker-1"].signal(signal.SIGTERM)
    assert_reliable(cluster, "master", 0)
    reasons = verdict(cluster)["reasons"]
    assert any(" left " in reason and reason.endswith("before the end") for reason in reasons), reasons


@NIGHT
@pytest.mark.once
@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_to_all_workers(cluster, workers):
    cluster.locustfile = FINE
    cluster.distributed(REQUIRED, workers=workers, run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    for number in range(workers):
        cluster.processes[f"worker-{number + 1}"].signal(signal.SIGTERM)
    assert_cut_short(cluster, "master", "the last worker was gone after .* of 60 s")


@NIGHT
@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl-c"])
def test_signal_to_all(cluster, number):
    """As when a Kubernetes Job is evicted with all its pods: whoever is first, the run was cut short."""
    cluster.locustfile = FINE
    cluster.locust_raises = number == signal.SIGINT
    cluster.distributed(REQUIRED, run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    for process in cluster.processes.values():
        process.signal_group(number)
    assert_cut_short(cluster, "master", "the (process was told to end|last worker was gone) after .* of 60 s")


@NIGHT
@pytest.mark.once
def test_sigkill_of_a_worker(cluster):
    cluster.locustfile = "short_silence.py," + FINE
    cluster.distributed(REQUIRED, run_time_s=8)
    wait_for_requests(cluster, 100)
    cluster.processes["worker-1"].signal(signal.SIGKILL)
    assert cluster.wait()["master"] == 4
    assert cluster.processes["master"].log_has("verdict: invalid: worker .* was lost, with what it recorded after")


@NIGHT
@pytest.mark.once
def test_sigkill_of_the_master(cluster):
    cluster.locustfile = "short_heartbeat.py," + FINE
    master = cluster.distributed(REQUIRED, workers=1, run_time_s=LONG_S)
    wait_for_requests(cluster, 50)
    master.signal(signal.SIGKILL)
    assert cluster.wait(deadline_s=30)["master"] == -signal.SIGKILL


@NIGHT
@pytest.mark.once
def test_the_only_worker_frozen(cluster):
    """Locust stops the test when it misses it; the process then waits for a signal, which is not what cut it short."""
    cluster.locustfile = FINE
    master = cluster.distributed(REQUIRED, workers=1, run_time_s=LONG_S)
    worker = cluster.processes["worker-1"]
    wait_for_requests(cluster, 50)
    worker.freeze()
    master.wait_for_log("The last worker went missing, stopping test")
    worker.thaw()
    master.wait_for_log("reported that it has stopped")
    master.signal(signal.SIGTERM)
    assert_cut_short(cluster, "master", "the last worker was gone after .* of 60 s")


@pytest.mark.once
def test_one_of_two_workers_frozen(cluster):
    cluster.locustfile = QUIET
    cluster.distributed(REQUIRED, run_time_s=18)
    wait_for_requests(cluster, 50)
    cluster.processes["worker-1"].freeze()
    let_pass(10)
    cluster.processes["worker-1"].thaw()
    assert_reliable(cluster, "master", 0)
    assert any("was silent for" in reason for reason in verdict(cluster)["reasons"]), verdict(cluster)


@NIGHT
@pytest.mark.once
def test_the_master_frozen(cluster):
    cluster.locustfile = QUIET
    master = cluster.distributed(REQUIRED, run_time_s=6)
    wait_for_requests(cluster, 50)
    master.freeze()
    let_pass(2)
    master.thaw()
    assert_reliable(cluster, "master", 0)
    assert any("the event loop of this process was held for" in reason for reason in verdict(cluster)["reasons"])


@pytest.mark.once
def test_a_worker_without_cpu(cluster):
    cluster.locustfile = "no_cpu.py," + QUIET
    cluster.distributed(REQUIRED, workers=1, run_time_s=12)
    assert_reliable(cluster, "master", 0)
    assert verdict(cluster)["state"] == "suspect"
    assert any("used over 90 % CPU for" in reason for reason in verdict(cluster)["reasons"]), verdict(cluster)


@pytest.mark.once
def test_a_worker_without_the_plugin(cluster):
    cluster.locustfile = FINE
    cluster.locust_has_more = True
    cluster.master(REQUIRED, run_time_s=4)
    cluster.worker()
    cluster.worker(locustfile="trickle.py")
    assert cluster.wait()["master"] == 4
    assert cluster.processes["master"].log_has("verdict: invalid: worker .* has no plugin")


@pytest.mark.once
def test_results_that_are_not_published(cluster, cloudwatch):
    """Without --cw-required they leave the exit code alone: the run itself is as it was to be."""
    cluster.locustfile = FINE
    nowhere = cloudwatch.env() | {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{free_port()}"}
    cluster.single("--cw-flush-timeout", "1", name="single", env=nowhere, run_time_s=1)
    cluster.single("--cw-flush-timeout", "1", REQUIRED, name="required", env=nowhere, run_time_s=1)
    assert cluster.wait() == {"single": 0, "required": 4}
    words = "results received but not published"
    assert cluster.processes["single"].log_has(f"verdict: suspect: .* {words}")
    assert cluster.processes["required"].log_has(f"verdict: invalid: .* {words}")


def test_web_ui_stop_and_sigterm(cluster, cloudwatch):
    """Who presses the button has had the run that they wanted."""
    cluster.locustfile = FINE
    web_ui = WebUi(cluster, cloudwatch, REQUIRED, "-t", "60s")
    cluster.worker()
    cluster.worker()
    web_ui.wait_for_workers(2)
    web_ui.swarm(8)
    wait_for_requests(cluster, 50)
    web_ui.stop()
    web_ui.wait_for_workers(2)
    web_ui.master.signal(signal.SIGTERM)
    assert_reliable(cluster, "master", 0)


@pytest.mark.once
def test_each_run_has_the_run_time_and_the_hosts_that_the_form_named_for_it(cluster, cloudwatch):
    """Run 2 has no run time, so no signal cuts it short; a host may change while a run goes on."""
    cluster.locustfile = "trickle.py,plugin.py"
    cluster.comparable = False  # what comes late of run 1 may be in Locust's totals of run 2
    web_ui = WebUi(cluster, cloudwatch, "--cw-required")
    cluster.worker()
    web_ui.wait_for_workers(1)
    web_ui.swarm(8, run_time="1h", host="http://one.test")
    wait_for_requests(cluster, 50)
    web_ui.stop()
    web_ui.wait_for_workers(1)
    web_ui.swarm(8, run_time="", host="http://two.test")
    wait_until(lambda: "http://two.test" in requests_by_host(cluster, cloudwatch), "run 2 is published")
    web_ui.swarm(8, host="http://three.test")
    wait_until(lambda: "http://three.test" in requests_by_host(cluster, cloudwatch), "the other host is published")
    web_ui.master.signal(signal.SIGTERM)
    assert cluster.wait() == {"master": 0, "worker-1": 0}
    assert not web_ui.master.log_has("cut short")
    first, second = cluster.last_summaries()
    assert (first["complete"], second["complete"]) == (True, True)
    requests = requests_by_host(cluster, cloudwatch)
    assert requests.keys() == {"http://one.test", "http://two.test", "http://three.test"}
    assert requests["http://one.test"] == first["recorded"]
    assert sum(requests.values()) == len(cluster.truth().requests) == first["recorded"] + second["recorded"]


def requests_by_host(cluster, cloudwatch):
    series = cloudwatch.dump(cluster.namespace)
    counts = [one for one in series if one.name == "RequestCount" and "Request" in one.dimensions]
    return {one.dimensions["Host"]: one.total for one in counts}


@NIGHT
@pytest.mark.once
def test_autostart_and_autoquit(cluster, cloudwatch):
    cluster.locustfile = FINE
    load = ("-u", "8", "-r", "8", "-t", "3s", "--expect-workers", "1")
    WebUi(cluster, cloudwatch, REQUIRED, "--autostart", "--autoquit", "1", *load)
    cluster.worker()
    assert_reliable(cluster, "master", 0)


@pytest.mark.once
def test_sigterm_to_an_autostarted_run(cluster, cloudwatch):
    cluster.locustfile = FINE
    load = ("-u", "8", "-r", "8", "-t", "60s", "--expect-workers", "1")
    web_ui = WebUi(cluster, cloudwatch, REQUIRED, "--autostart", "--autoquit", "1", *load)
    cluster.worker()
    wait_for_requests(cluster, 50)
    web_ui.master.signal(signal.SIGTERM)
    assert_cut_short(cluster, "master", "the process was told to end after .* of 60 s")


@NIGHT
@pytest.mark.once
def test_expect_workers_max_wait(cluster):
    """Locust ends with sys.exit(1) and no event at all: no run, and nothing that passes."""
    cluster.locustfile = FINE
    # First, so that it is there when the master gives up: else nobody would tell it to quit.
    cluster.worker().wait_for_log("Starting Locust")
    cluster.master(REQUIRED, "--expect-workers-max-wait", "2", workers=2)
    assert cluster.wait()["master"] == 1


def with_shape(file):
    return FINE.replace("trickle.py", f"trickle.py,{file}")


@NIGHT
@pytest.mark.once
def test_shape(cluster):
    cluster.locustfile = with_shape("steps.py")
    cluster.distributed(REQUIRED, "-t", "0")
    assert_reliable(cluster, "master", 0)


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=NIGHT), signal.SIGTERM], ids=["ctrl-c", "sigterm"]
)
def test_signal_to_a_shape(cluster, number):
    """Locust takes care of SIGTERM only when the shape has ended: until then it does what ctrl-C does."""
    cluster.locustfile = with_shape("plateau.py")
    master = cluster.distributed(REQUIRED, "-t", "0")
    wait_for_requests(cluster, 20)
    for _ in range(2):
        master.signal(number)
    assert_cut_short(cluster, "master", "the process was told to end after .* before its shape had ended")


def test_runner_quit_on_the_master(cluster):
    cluster.locustfile = "quits_master.py," + FINE
    cluster.distributed(REQUIRED, run_time_s=LONG_S)
    assert_reliable(cluster, "master", 0)


@NIGHT
@pytest.mark.once
def test_runner_quit_in_a_task_of_one_of_two_workers(cluster):
    cluster.bring("shopper.py")
    cluster.locustfile = "shopper.py,plugin.py"
    cluster.master(REQUIRED, run_time_s=5)
    cluster.worker()
    cluster.worker(locustfile="quitting_shopper.py,plugin.py")
    assert_reliable(cluster, "master", 1)


@pytest.mark.once
@pytest.mark.parametrize("options", [(REQUIRED,), pytest.param((), marks=NIGHT)], ids=["required", "nothing asked for"])
def test_a_code_of_the_users_own_stays(cluster, options):
    cluster.locustfile = "habits.py,plugin.py"
    cluster.distributed(*options, run_time_s=4)
    assert_reliable(cluster, "master", 7)


PASSES = """
[[rule]]
check = "p95 < 100 s"
[[rule]]
check = "failure_ratio < 50 %"
"""
DECIDES = "failures_decide = true" + PASSES
FAILS = """
[[rule]]
check = "p95 < 100 s"
[[rule]]
check = "max < 1 ms"
"""
ABORTS = '[[rule]]\ncheck = "max < 1 ms"\nabort_after_s = 0\n'


@pytest.mark.once
@pytest.mark.parametrize(
    ("rules", "locustfile", "code"),
    [
        pytest.param(PASSES, QUIET, 0, id="passes", marks=NIGHT),
        pytest.param(PASSES, SHOPPER, 1, id="passes, Locust's own 1 for failed requests", marks=NIGHT),
        pytest.param(DECIDES, SHOPPER, 0, id="passes and decides about failed requests"),
        pytest.param(PASSES, "habits.py,plugin.py", 7, id="passes, the user's own code", marks=NIGHT),
        pytest.param(FAILS, QUIET, 3, id="fails", marks=NIGHT),
        pytest.param(FAILS, FINE, 3, id="fails, the user's own 0"),
        pytest.param(FAILS, SHOPPER, 3, id="fails, Locust's own 1", marks=NIGHT),
        pytest.param(FAILS, "habits.py,plugin.py", 3, id="fails, the user's own code"),
        pytest.param(FAILS + 'severity = "warn"', QUIET, 0, id="warns", marks=NIGHT),
        pytest.param('[[rule]]\ncheck = "p95(GET /typo) < 1 s"', FINE, 3, id="no data"),
        pytest.param(
            DECIDES + "[[rule]]\ncheck = 'max < 1 ms'", FINE_SHOPPER, 3, id="one passes and decides, one fails"
        ),
    ],
)
def test_rules(cluster, rules, locustfile, code):
    (cluster.folder / "rules.toml").write_text(rules)
    cluster.locustfile = locustfile
    cluster.distributed("--cw-rules", "rules.toml", run_time_s=4)
    assert cluster.wait()["master"] == code
    assert cluster.processes["master"].log_has("exit code 3: a rule failed") == (code == 3)
    cluster.assert_clean()


@pytest.mark.once
def test_rules_do_not_decide_about_exceptions_in_tasks(cluster):
    (cluster.folder / "rules.toml").write_text(DECIDES)
    cluster.locustfile = "raising.py,plugin.py"
    cluster.distributed("--cw-rules", "rules.toml", run_time_s=4)
    assert cluster.wait()["master"] == 1


@pytest.mark.once
@pytest.mark.parametrize(
    ("rules", "locustfile", "code"),
    [
        pytest.param(PASSES, FINE, 4, marks=NIGHT),
        (DECIDES, FINE_SHOPPER, 4),
        pytest.param(FAILS, FINE, 3, marks=NIGHT),
        (PASSES + '[verdict]\ninvalid = "warn"', FINE, 0),
    ],
    ids=["passes", "passes and decides", "fails", "passes and lets invalid runs pass"],
)
def test_rules_of_a_run_that_sigterm_cuts_short(cluster, rules, locustfile, code):
    (cluster.folder / "rules.toml").write_text(rules)
    cluster.locustfile = locustfile
    master = cluster.distributed("--cw-rules", "rules.toml", run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == code


@pytest.mark.once
def test_rules_without_publishing(cluster):
    cluster.locustfile = FINE
    master = cluster.distributed("--cw-rule", "p95 < 100 s", publishing=(), run_time_s=LONG_S)
    wait_for_requests(cluster, 100)
    master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == 4


@pytest.mark.once
def test_a_rule_on_the_verdict(cluster):
    """Who wants it may have a suspect run fail: here the master stood still."""
    (cluster.folder / "rules.toml").write_text('[verdict]\nsuspect = "fail"')
    cluster.locustfile = FINE
    master = cluster.distributed("--cw-rules", "rules.toml", run_time_s=6)
    wait_for_requests(cluster, 50)
    master.freeze()
    let_pass(2)
    master.thaw()
    assert cluster.wait()["master"] == 4
    assert verdict(cluster)["state"] == "suspect"


def test_a_rule_that_stops_the_run(cluster):
    """Its user wanted that: it is not cut short."""
    (cluster.folder / "rules.toml").write_text(ABORTS)
    cluster.locustfile = FINE
    cluster.distributed("--cw-rules", "rules.toml", run_time_s=LONG_S)
    assert cluster.wait()["master"] == 3
    assert verdict(cluster)["state"] in {"valid", "suspect"}


@pytest.mark.once
@pytest.mark.parametrize(
    ("rules", "code"), [(PASSES, 1), (DECIDES, 0), (FAILS, 3)], ids=["passes", "passes and decides", "fails"]
)
def test_rules_of_a_single_process(cluster, rules, code):
    (cluster.folder / "rules.toml").write_text(rules)
    cluster.locustfile = SHOPPER
    cluster.single("--cw-rules", "rules.toml", run_time_s=3)
    assert cluster.wait() == {"single": code}


LEAVES = {
    "quitting, before ours": ("quitting", "leaves.py,trickle.py,plugin.py"),
    "quitting, after ours": ("quitting", "trickle.py,plugin.py,leaves.py"),
    "quitting, at init before ours": ("quitting.init", "leaves.py,trickle.py,plugin.py"),
    "quitting, at init after ours": ("quitting.init", "trickle.py,plugin.py,leaves.py"),
    "quit": ("quit", "trickle.py,plugin.py,leaves.py"),
    "test_stop": ("test_stop", "trickle.py,plugin.py,leaves.py"),
    "test_stopping": ("test_stopping", "trickle.py,plugin.py,leaves.py"),
    "a greenlet": ("greenlet", "trickle.py,plugin.py,leaves.py"),
    "an exception of Locust's own": ("kill", "trickle.py,plugin.py,leaves.py"),
}
"""Where a user's code calls `sys.exit(0)`, and the locustfiles."""


@pytest.mark.once
def test_no_way_out_hides_a_rule_that_failed(cluster, cloudwatch):
    for name, (where, locustfile) in LEAVES.items():
        env = cloudwatch.env() | {"LEAVES": where}
        options = ("--cw-rule", "max < 1 ms", "--cw-dry-run")
        cluster.single(*options, name=name, env=env, locustfile=locustfile, users=1, run_time_s=2)
    assert cluster.wait() == dict.fromkeys(LEAVES, 3)
    for process in cluster.processes.values():
        assert process.log_has("exit code 3: a rule failed"), process.name
        assert process.log_has(r"run .*: complete: \d+ of \d+ results"), process.name


@pytest.mark.once
def test_no_way_out_hides_that_a_test_never_began(cluster, cloudwatch):
    cluster.locustfile = "leaves.py,trickle.py,plugin.py"
    env = cloudwatch.env() | {"LEAVES": "test_start"}
    cluster.single(REQUIRED, name="required", env=env)
    cluster.single("--cw-rule", "max < 100 s", name="rule", env=env)
    assert cluster.wait() == {"required": 4, "rule": 4}


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (LOCUST, "quit"),
        (LOCUST_CW_RUN, "quitting"),
        pytest.param(LOCUST, "quitting", marks=NIGHT),
        pytest.param(LOCUST_CW_RUN, "quit", marks=NIGHT),
    ],
    ids=["locust-quit", "locust-cw run-quitting", "locust-quitting", "locust-cw run-quit"],
)
def test_no_way_out_of_a_master_hides_that_its_run_was_cut_short(cluster, cloudwatch, command, where):
    cluster.command = command
    cluster.locustfile = "trickle.py,leaves.py" + (",plugin.py" if command == LOCUST else "")
    env = cloudwatch.env() | {"LEAVES": where}
    master = cluster.distributed(REQUIRED, workers=1, env=env, run_time_s=LONG_S)
    wait_for_requests(cluster, 20)
    master.signal(signal.SIGTERM)
    assert cluster.wait()["master"] == 4
    assert verdict(cluster)["state"] == "invalid"
    cluster.assert_clean()


@pytest.mark.once
def test_a_way_out_with_a_code_of_the_users_own_stays_where_nothing_failed(cluster, cloudwatch):
    for where in ("quitting", "quit", "test_stop", "greenlet"):
        env = cloudwatch.env() | {"LEAVES": where}
        cluster.single(
            REQUIRED, name=where, env=env, locustfile="shopper.py,plugin.py,leaves.py", users=2, run_time_s=2
        )
    assert set(cluster.wait().values()) == {0}, "where requests failed, on which Locust would end with 1"


SINGLE = "the process was told to end after .* of 60 s"


@NIGHT
@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl-c"])
def test_signal_to_a_single_process(cluster, number):
    cluster.locustfile = FINE
    single = cluster.single(REQUIRED, run_time_s=LONG_S)
    wait_for_requests(cluster, 50)
    single.signal(number)
    assert_cut_short(cluster, "single", SINGLE)


@pytest.mark.parametrize(
    ("locustfile", "code"),
    [pytest.param(FINE, 0, marks=NIGHT), ("quits_master.py," + FINE, 0), pytest.param(SHOPPER, 1, marks=NIGHT)],
    ids=["run time, own 0", "quits, own 0", "run time, failed requests"],
)
def test_single_process_that_ends_itself(cluster, locustfile, code):
    cluster.locustfile = locustfile
    cluster.single(REQUIRED, run_time_s=3)
    assert_reliable(cluster, "single", code)


def test_processes(cluster):
    cluster.locustfile = FINE
    where = ("--master-bind-port", str(cluster.port), "--master-port", str(cluster.port))
    single = cluster.single(REQUIRED, "--processes", "2", *where, run_time_s=LONG_S)
    wait_until(lambda: len(cluster.truth().workers) == 2, "all workers have users")
    single.signal(signal.SIGTERM)
    assert_cut_short(cluster, "single", "the (process was told to end|last worker was gone) after .* of 60 s")
