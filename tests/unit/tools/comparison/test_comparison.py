"""Comparing runs: noise is no regression, a shift is found, and requests that hang together do not fool it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from locust_cw_dist.core.summaries.summary import Summary
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.comparison.comparability import is_whole, warnings
from locust_cw_dist.tools.comparison.compare import TOGETHER, Choices, State, compare
from locust_cw_dist.tools.comparison.figures import BY_NAME, FIGURES, Sums, sums_of
from locust_cw_dist.tools.comparison.gate import Gate
from locust_cw_dist.tools.comparison.student import quantile
from support.records.records import SHOP, Simulation, Traffic

pytestmark = [pytest.mark.once, pytest.mark.slow]

TWO = {
    ("/fast", "GET"): Traffic(30, 0.5, 8),
    ("/slow", "POST"): Traffic(200, 0.4, 5, 0.02),
}
TIMES = {"p50", "p95", "p99", "mean"}


def record(folder, seed, traffic=TWO, **fields):
    return read_file(Simulation(traffic=traffic, seed=seed, **fields).write(folder))


def changed(traffic, **fields):
    return {
        key: replace(one, **{name: f(getattr(one, name)) for name, f in fields.items()}) for key, one in traffic.items()
    }


def found(changes, state):
    return {(change.endpoint[0], change.figure.name) for change in changes if change.state is state}


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    # From the tables of the distribution, as printed in any textbook.
    [(0.975, 1, 12.7062), (0.975, 4, 2.77645), (0.975, 29, 2.04523), (0.995, 10, 3.16927), (0.9995, 5, 6.86883)],
)
def test_quantiles_of_student(probability, freedom, expected):
    assert quantile(probability, freedom) == pytest.approx(expected, rel=1e-5)


def test_quantiles_of_student_come_to_the_normal_ones():
    assert quantile(0.975, 1e6) == pytest.approx(1.959964, rel=1e-4)


def test_figures_are_those_of_the_results():
    summary = Summary()
    for value in range(1, 2001):
        summary.record_success(value / 2, 10)
    for _ in range(500):
        summary.record_failure(1.0, "no")
    whole = Sums.over(sums_of([(summary, 10.0)], successes_only=True), [1]).values()
    assert whole["p50"] == pytest.approx(500, rel=0.01)
    assert whole["p99"] == pytest.approx(990, rel=0.01)
    assert whole["mean"] == pytest.approx(500.25)
    assert (whole["failures"], whole["rps"]) == (20.0, 250.0)
    both = Sums.over(sums_of([(summary, 10.0)], successes_only=False), [1]).values()
    assert both["p50"] == pytest.approx(375, rel=0.01)


def test_a_sum_of_blocks_is_what_their_results_are_together():
    spans, together = [], Summary()
    for n in range(1, 5):
        summary = Summary()
        for value in range(200):
            summary.record_success(10.0**n + value, 1)
        spans.append((summary, 5.0))
        together.merge(summary)
        if n == 2:
            together.merge(summary)
            together.merge(summary)
    drawn = Sums.over(sums_of(spans, successes_only=False), [1, 3, 1, 1])
    assert drawn.values() == pytest.approx(
        Sums.over(sums_of([(together, 30.0)], successes_only=False), [1]).values(), rel=1e-9
    )


def test_runs_alike_raise_few_false_alarms(tmp_path):
    alarms = rows = 0
    for seed in range(12):
        changes = compare([record(tmp_path, 2 * seed + 1)], record(tmp_path, 2 * seed + 2), Choices())
        alarms += len(found(changes, State.WORSE) | found(changes, State.BETTER))
        rows += len(changes)
    assert rows > 12 * 15
    assert alarms == 0


def test_windows_that_hang_together_do_not_fool_it(tmp_path):
    # Half of each window's deviation is that of the window before, and so on: a slow minute is one event, not six.
    sticky = changed(TWO, drift=lambda _: 0.08, memory=lambda _: 0.7)
    runs_with_alarm = 0
    for seed in range(12):
        changes = compare(
            [record(tmp_path, 2 * seed + 101, sticky)], record(tmp_path, 2 * seed + 102, sticky), Choices()
        )
        runs_with_alarm += bool(found(changes, State.WORSE) | found(changes, State.BETTER))
    assert runs_with_alarm <= 1


def test_a_rise_by_a_fifth_is_found(tmp_path):
    slower = changed(TWO, median_ms=lambda value: value * 1.2)
    for seed in range(6):
        changes = compare([record(tmp_path, 2 * seed + 1)], record(tmp_path, 2 * seed + 2, slower), Choices())
        assert {("/fast", "mean"), ("/fast", "p50"), ("/slow", "mean")} <= found(changes, State.WORSE)
        assert not found(changes, State.BETTER)
        assert {("/fast", "rps"), ("/slow", "rps")} <= found(changes, State.SAME)


def test_intervals_hold_the_true_change(tmp_path):
    slower = changed(TWO, median_ms=lambda value: value * 1.15)
    inside = rows = 0
    for seed in range(8):
        for change in compare([record(tmp_path, 2 * seed + 1)], record(tmp_path, 2 * seed + 2, slower), Choices()):
            if change.figure.name in TIMES and change.endpoint != TOGETHER:
                inside += change.low <= 15 <= change.high
                rows += 1
    assert inside >= 0.95 * rows


def test_a_million_requests_do_not_make_a_millisecond_matter(tmp_path):
    busy = {("/", "GET"): Traffic(100, 0.2, 400, drift=0.001)}
    slightly = changed(busy, median_ms=lambda value: value * 1.02)
    changes = compare([record(tmp_path, 1, busy, windows=20)], record(tmp_path, 2, slightly, windows=20), Choices())
    times = [change for change in changes if change.figure.name in TIMES]
    assert times
    # It is surely not the same, and it does not count.
    assert all(change.low > 0 for change in times if change.figure.name == "mean")
    assert {change.state for change in times if change.figure.name != "p99"} == {State.SAME}


def test_failures_and_throughput_have_their_own_direction(tmp_path):
    worse = changed(TWO, failure_ratio=lambda _: 0.2, rate=lambda value: value * 0.7)
    changes = compare([record(tmp_path, 1)], record(tmp_path, 2, worse), Choices())
    assert {("/fast", "failures"), ("/slow", "failures"), ("/fast", "rps")} <= found(changes, State.WORSE)
    back = compare([record(tmp_path, 3, worse)], record(tmp_path, 4), Choices())
    assert {("/fast", "failures"), ("/slow", "failures"), ("/fast", "rps")} <= found(back, State.BETTER)
    assert [change.figure.name for change in changes[:3]].count("p50") == 0


def test_what_differs_among_base_runs_counts_as_noise(tmp_path):
    factors = (0.85, 1.15, 0.95)
    bases = [
        record(tmp_path, n + 1, changed(TWO, median_ms=lambda value, factor=factor: value * factor))
        for n, factor in enumerate(factors)
    ]
    candidate = record(tmp_path, 9, changed(TWO, median_ms=lambda value: value * 1.12))
    alone = compare(bases[:1], candidate, Choices())
    together = compare(bases, candidate, Choices())
    assert {("/fast", "p50"), ("/fast", "mean")} <= found(alone, State.WORSE)
    assert not found(together, State.WORSE)


def test_the_same_records_give_the_same_answer(tmp_path):
    base, candidate = record(tmp_path, 1), record(tmp_path, 2)
    assert compare([base], candidate, Choices()) == compare([base], candidate, Choices())


def test_too_short_a_run_is_not_compared(tmp_path):
    assert compare([record(tmp_path, 1, windows=2)], record(tmp_path, 2, windows=60), Choices()) == []


def test_a_percentile_takes_enough_results(tmp_path):
    rare = {("/rare", "GET"): Traffic(rate=0.5)}
    changes = compare([record(tmp_path, 1, rare)], record(tmp_path, 2, rare), Choices())
    assert {name for _, name in [(c.endpoint, c.figure.name) for c in changes]} == {
        "p50",
        "p95",
        "mean",
        "failures",
        "rps",
    }


def test_a_warm_up_is_left_out(tmp_path):
    ramp = record(tmp_path, 1, ramp_windows=30)
    (rps,) = [
        change.candidate
        for change in compare([record(tmp_path, 2)], ramp, Choices(warm_up_s=300))
        if change.endpoint == TOGETHER and change.figure.name == "rps"
    ]
    assert rps == pytest.approx(13, rel=0.05)


def test_an_endpoint_without_time_has_no_change(tmp_path):
    zero = {("/zero", "GET"): Traffic(median_ms=1e-9, sigma=0.0, drift=0.0, rate=200)}
    changes = compare([record(tmp_path, 1, zero, windows=8)], record(tmp_path, 2, zero, windows=8), Choices())
    assert {change.state for change in changes if change.figure.name in TIMES} == {State.SAME}
    assert all(math.isfinite(change.change) for change in changes)


@pytest.mark.parametrize("text", ["p95=10", "p95", "failures=0.5", "any", "rps = 20%"])
def test_gates_are_read(text):
    assert Gate.parse(text).names <= {figure.name for figure in FIGURES}


@pytest.mark.parametrize("text", ["", "p90", "p95=", "p95=-1", "p95=x", "any=nan", "=5"])
def test_other_gates_are_refused_with_what_is_allowed(text):
    with pytest.raises(ValueError, match="p50, p95, p99, mean, failures, rps, any"):
        Gate.parse(text)


def test_a_gate_fails_what_is_surely_worse_than_it_tolerates(tmp_path):
    slower = changed(TWO, median_ms=lambda value: value * 1.4, rate=lambda value: value / 1.4)
    changes = compare([record(tmp_path, 1)], record(tmp_path, 2, slower), Choices())

    def failing(text):
        return {change.figure.name for change in Gate.parse(text).failures(changes, Choices())}

    assert failing("p50=10") == {"p50"}
    assert failing("p50=60") == set()
    assert failing("rps") == {"rps"}
    assert failing("failures") == set()
    assert {"p50", "mean", "rps"} <= failing("any")


def test_runs_that_differ_are_warned_of(tmp_path):
    base = record(tmp_path, 1, windows=30)
    here = {**TWO, ("/new", "GET"): Traffic()}
    del here["/fast", "GET"]
    candidate = record(
        tmp_path,
        2,
        here,
        users=80,
        workers=5,
        ends=False,
        outcome={"verdict": {"state": "suspect"}},
        begin={"versions": {"locust": "2.32.0"}},
    )
    text = "\n".join(warnings([base], candidate))
    for part in (
        "did not end in order",
        "is suspect",
        "users: 50 there, 80 here",
        "workers: 3 there, 5 here",
        "locust: 2.47.0 there, 2.32.0 here",
        "lasted 300 s, this one 600 s",
        "only in run 20270115T080000Z-00000001: GET /fast",
        "not in run 20270115T080000Z-00000001: GET /new",
    ):
        assert part in text, part
    assert warnings([base], record(tmp_path, 3, windows=30)) == []
    assert is_whole(base)
    assert not is_whole(candidate)


@pytest.fixture
def files(tmp_path):
    slower = changed(SHOP, median_ms=lambda value: value * 1.5)
    return {
        "base": str(Simulation(seed=1).write(tmp_path)),
        "same": str(Simulation(seed=2).write(tmp_path)),
        "slower": str(Simulation(seed=3, traffic=slower).write(tmp_path)),
        "killed": str(Simulation(seed=4, ends=False).write(tmp_path)),
        "short": str(Simulation(seed=5, windows=2).write(tmp_path)),
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["base", "same"], 0),
        (["base", "slower"], 0),
        (["base", "same", "--fail-on", "any"], 0),
        (["base", "slower", "--fail-on", "p95=10"], 3),
        (["base", "slower", "--fail-on", "p95=90"], 0),
        (["base", "same", "slower", "--fail-on", "mean"], 3),
        (["base", "killed", "--fail-on", "any"], 4),
        (["base", "killed"], 0),
        (["base", "short", "--fail-on", "any"], 4),
        (["base", "short"], 0),
        (["base", "missing"], 1),
    ],
)
def test_exit_codes(files, arguments, code, capsys):
    assert main(["compare", *(files.get(word, word) for word in arguments)]) == code
    out = capsys.readouterr().out
    assert "\x1b[" not in out
    assert ("FAILED by --fail-on" in out) == (code == 3)


@pytest.mark.parametrize(
    "wrong", [["--min-change", "0.1"], ["--fail-on", "p90"], ["--confidence", "x"], ["--warm-up", "-1"]]
)
def test_a_wrong_option_is_one_line_and_code_2(files, wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", files["base"], files["same"], *wrong])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must be" in line


def test_json_is_for_machines(files, capsys):
    assert main(["compare", files["base"], files["slower"], "--json", "--fail-on", "p50=20"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["failed"]) == (3, sum(change["failed"] for change in document["changes"]))
    first = document["changes"][0]
    assert (first["state"], first["change_unit"]) == ("worse", "percent")
    assert first["low"] < first["change"] < first["high"]
    assert {change["figure"] for change in document["changes"]} == set(BY_NAME)


def test_a_folder_stands_for_its_newest_record(files, tmp_path, capsys):
    assert main(["compare", files["base"], str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["candidate"] == "20270115T080000Z-00000005"
