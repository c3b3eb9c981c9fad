"""A gate that can't see is no pass: what is gone, new, or has too little to judge is named, and decides."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from locust_cw_dist.core.summaries.run_counters import OTHER
from locust_cw_dist.live.records.record_file import read_file
from locust_cw_dist.tools.cli.main import main
from locust_cw_dist.tools.comparison.compare import TOGETHER, Choices, State, compare
from locust_cw_dist.tools.comparison.coverage import Kind, gaps_of
from locust_cw_dist.tools.comparison.figures import BY_NAME, FIGURES, needed
from locust_cw_dist.tools.comparison.words import why
from support.records.records import Counted, Simulation, Traffic

pytestmark = pytest.mark.once

HOME, PAY, FEW = ("/", "GET"), ("/pay", "POST"), ("/few", "GET")


@pytest.fixture
def compared(tmp_path, capsys):
    """Compares runs of so many requests of each endpoint; the last is the candidate. Returns exit code and output."""

    def run(*runs, options=("--fail-on", "any"), json_too=False):
        simulations = [one if isinstance(one, Simulation) else Counted(one) for one in runs]
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        paths = []
        for number, simulation in enumerate(simulations, start=1):
            simulation.seed = number
            paths.append(str(simulation.write(folder)))
        code = main(["compare", *paths, *options])
        text = " ".join(capsys.readouterr().out.split())
        if json_too:
            assert main(["compare", *paths, *options, "--json"]) == code
            document = json.loads(capsys.readouterr().out)
            assert document["exit_code"] == code
            return code, text, document
        return code, text, None

    return run


def endpoints(gaps):
    return [(gap["name"], gap["method"]) for gap in gaps]


def test_an_endpoint_that_fell_from_400_requests_to_9_is_no_pass(compared):
    code, text, document = compared({HOME: 12_000, PAY: 400}, {HOME: 12_000, PAY: 9}, json_too=True)
    assert code == 4
    assert "TOO FEW POST /pay 400 9" in text
    assert "NOT JUDGED by --fail-on: POST /pay: 400 requests in the base, 9 in the candidate: only 9 resp" in text
    assert "exit code 4: nothing fails by --fail-on, but not everything could be judged" in text
    (gap,) = document["too_few"]
    assert (gap["name"], gap["base_requests"], gap["candidate_requests"]) == ("/pay", 400, 9)
    assert gap["not_judged"] == [figure.name for figure in FIGURES]
    assert document["gate"]["not_judged"][0].startswith("POST /pay: 400 requests in the base, 9 in the candidate")


def test_without_a_gate_it_is_named_and_nothing_follows(compared):
    code, text, document = compared(
        {HOME: 12_000, PAY: 400, FEW: 50}, {HOME: 12_000, PAY: 9}, options=(), json_too=True
    )
    assert (code, document["gate"]) == (0, None)
    assert "TOO FEW POST /pay 400 9" in text
    assert "MISSING GET /few 50 0" in text
    assert "exit code" not in text


def test_renamed_endpoints_are_missing(compared):
    code, text, document = compared(
        {HOME: 4_000, PAY: 400}, {("/v2", "GET"): 4_000, ("/v2/pay", "POST"): 400}, json_too=True
    )
    assert code == 3
    assert endpoints(document["missing"]) == [HOME, PAY]
    assert endpoints(document["new"]) == [("/v2", "GET"), ("/v2/pay", "POST")]
    assert document["failed"] == 2
    assert [gap["failed"] for gap in document["missing"]] == [True, True]
    for part in (
        "FAILED by --fail-on: POST /pay is missing: 400 requests in the base, none in the candidate",
        "NEW GET /v2 0 4,000",
        "exit code 3: 2 endpoints are missing",
        "--allow-missing",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-on", "p95", "--allow-missing"], 0),
        (["--fail-on", "p95", "--min-requests", "401"], 0),
        (["--fail-on", "p95", "--min-requests", "400"], 3),
        (["--fail-on", "rps"], 3),
        ([], 0),
        (["--allow-missing"], 0),
    ],
)
def test_missing_endpoints_can_be_let_pass(compared, options, code):
    run = {HOME: 4_000, PAY: 400}
    assert compared(run, {HOME: 4_000}, options=options)[0] == code


def test_no_name_forges_a_line(compared):
    name = "/a\x1b[2J\nexit code 0: fine"
    code, text, document = compared({HOME: 4_000, (name, "GET"): 400}, {HOME: 4_000}, json_too=True)
    assert code == 3
    assert r"FAILED by --fail-on: GET /a\x1b[2J\nexit code 0: fine is missing" in text
    assert endpoints(document["missing"]) == [(name, "GET")]
    assert all(line.isprintable() for line in (*document["gate"]["failed"], *document["warnings"]))
    assert any(r"/a\x1b[2J\nexit code 0: fine" in line for line in document["warnings"])


def test_new_endpoints_are_named_and_pass(compared):
    code, text, document = compared({HOME: 4_000}, {HOME: 4_000, FEW: 3}, options=("--fail-on", "mean"), json_too=True)
    assert code == 0
    assert endpoints(document["new"]) == [FEW]
    assert "NEW GET /few 0 3" in text


@pytest.mark.parametrize(
    ("base", "candidate", "options", "code"),
    [
        # A figure that the user names has to be judged, whatever the base has.
        (50, 50, ["p99"], 4),
        (50, 50, ["mean"], 0),
        (50, 50, ["mean", "p99"], 4),
        (400, 400, ["p99=10"], 4),
        (400, 400, ["p95=10", "failures"], 0),
        (3, 3, ["failures"], 4),
        (3, 500, ["failures"], 4),
        # Of `any`, what the base has enough for.
        (400, 400, ["any"], 0),
        (3, 3, ["any"], 4),
        (1_200, 1_200, ["any"], 0),
        (1_500, 1_200, ["any", "p99"], 3),
        (3, 500, ["any"], 4),
    ],
)
def test_figures_that_have_to_be_judged(compared, base, candidate, options, code):
    gates = [part for option in options for part in ("--fail-on", option)]
    found, text, _ = compared({HOME: 12_000, PAY: base}, {HOME: 12_000, PAY: candidate}, options=gates)
    assert found == code, text


def test_what_only_the_base_has_enough_for_is_no_pass(compared):
    longer, shorter = Counted({HOME: 12_000, PAY: 1_200}), Counted({HOME: 6_000, PAY: 600}, windows=6)
    code, text, document = compared(longer, shorter, options=("--fail-on", "any"), json_too=True)
    assert code == 4
    assert "NOT JUDGED by --fail-on: POST /pay: 1,200 requests in the base, 600 in the candidate: only 600 resp" in text
    (gap,) = document["too_few"]
    assert (gap["figures"], gap["not_judged"]) == (["p99"], ["p99"])


def test_small_endpoints_can_be_let_pass(compared):
    few = {HOME: 4_000, PAY: 400, FEW: 3}
    assert compared(few, few, options=("--fail-on", "any"))[0] == 4
    code, text, document = compared(few, few, options=("--fail-on", "any", "--min-requests", "4"), json_too=True)
    assert code == 0
    assert "TOO FEW GET /few 3 3" in text
    assert all(not gap["not_judged"] for gap in document["too_few"])
    fell = few | {PAY: 9}
    assert compared(few, fell, options=("--fail-on", "mean", "--min-requests", "400"))[0] == 4
    assert compared(few, fell, options=("--fail-on", "mean", "--min-requests", "401"))[0] == 0


def test_what_is_let_pass_is_not_all(compared):
    few = {HOME: 30, PAY: 30}
    code, text, _ = compared(few, few, options=("--fail-on", "p99", "--min-requests", "100"))
    assert code == 4
    assert "NOT JUDGED by --fail-on: no endpoint can be judged by p99" in text


def test_what_got_worse_stands_above_what_cannot_be_judged(compared):
    code, text, document = compared({HOME: 4_000, PAY: 400}, {HOME: 2_000, PAY: 9}, json_too=True)
    assert code == 3
    assert "FAILED by --fail-on: requests/s of GET / -50 %" in text
    assert "NOT JUDGED by --fail-on: POST /pay" in text
    assert "exit code 3: something got worse" in text
    assert document["gate"]["ending"] == "exit code 3: something got worse"


def test_response_times_and_requests_are_counted_apart(compared):
    failing = {HOME: 4_000, ("/broken", "GET"): 400}
    times = compared(failing, failing, options=("--fail-on", "p95", "--successes"))
    assert times[0] == 4
    assert "400 requests in the base, 400 in the candidate: only 0 response times: p95 needs 200" in times[1]
    assert compared(failing, failing, options=("--fail-on", "failures", "--successes"))[0] == 0
    assert compared(failing, failing, options=("--fail-on", "p95", "--fail-on", "failures"))[0] == 0


def test_results_without_a_response_time_are_requests(compared):
    untimed = {HOME: 4_000, ("/untimed", "GET"): 400}
    code, text, _ = compared(untimed, untimed, options=("--fail-on", "p95", "--fail-on", "failures"))
    assert code == 4
    assert "GET /untimed: 400 requests in the base, 400 in the candidate: only 0 response times: p95 needs 200" in text
    assert compared(untimed, untimed, options=("--fail-on", "failures"))[0] == 0
    assert compared(untimed, untimed | {("/untimed", "GET"): 200}, options=("--fail-on", "rps"))[0] == 3
    assert compared(untimed, {HOME: 4_400}, options=("--fail-on", "failures"))[0] == 3


@pytest.mark.parametrize(
    ("base", "candidate", "code", "said"),
    [
        ({}, {HOME: 4_000}, 4, "run 20270115T080000Z-00000001 has no results to compare"),
        ({HOME: 4_000}, {}, 3, "GET / is missing"),
        ({}, {}, 4, "run 20270115T080000Z-00000002 has no results to compare"),
    ],
)
def test_runs_without_results(compared, base, candidate, code, said):
    found, text, _ = compared(base, candidate)
    assert found == code
    assert said in text
    allowed = compared(base, candidate, options=("--fail-on", "any", "--allow-missing", "--min-requests", "9"))
    assert allowed[0] == 4


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends": False}, "did not end in order"),
        ({"outcome": {"verdict": {"state": "invalid"}}}, "is invalid"),
        ({"windows": 2}, "2 of the 3 windows"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_runs_that_cannot_be_relied_on_are_no_pass(compared, fields, said, which):
    runs = [Counted({HOME: 4_000}), Counted({HOME: 4_000})]
    runs[which] = Counted({HOME: 4_000}, **fields)
    code, text, _ = compared(*runs, options=("--fail-on", "p95"))
    assert code == 4
    assert f"NOT JUDGED by --fail-on: {'GET /' if 'windows' in fields else 'run'}" in text
    assert said in text


def test_a_torn_record_is_no_pass(tmp_path, capsys):
    paths = [Counted({HOME: 4_000}, seed=seed).write(tmp_path) for seed in (1, 2)]
    paths[1].write_bytes(paths[1].read_bytes()[:-400])
    assert main(["compare", *map(str, paths), "--fail-on", "p95"]) == 4
    assert "NOT JUDGED by --fail-on: run 20270115T080000Z-00000002 has a damaged record" in capsys.readouterr().out


def test_a_run_is_not_compared_with_itself(tmp_path, capsys):
    """A folder in which the last run left no record has an old one as its newest."""
    (tmp_path / "records").mkdir()
    path = Counted({HOME: 4_000}).write(tmp_path / "records")
    copy = tmp_path / "last.cwrecord"
    copy.write_bytes(path.read_bytes())
    command = ["compare", str(copy), str(path.parent)]
    assert main([*command, "--fail-on", "any"]) == 4
    assert "NOT JUDGED by --fail-on: run 20270115T080000Z-00000001 is compared with itself" in capsys.readouterr().out
    assert main(command) == 0
    assert "is compared with itself" in capsys.readouterr().out


def test_an_endpoint_is_compared_with_the_base_runs_that_have_it(compared):
    with_pay, without = {HOME: 4_000, PAY: 400}, {HOME: 4_000}
    code, text, document = compared(
        without, with_pay, with_pay | {PAY: 200}, options=("--fail-on", "rps"), json_too=True
    )
    assert code == 3
    assert "FAILED by --fail-on: requests/s of POST /pay -50 %" in text
    assert compared(without, with_pay, with_pay, options=("--fail-on", "rps"))[0] == 0
    assert compared(with_pay, without, without, options=("--fail-on", "rps"))[0] == 3
    assert compared(with_pay, with_pay | {PAY: 9}, with_pay, options=("--fail-on", "rps"))[0] == 4
    assert compared({}, with_pay, with_pay, options=("--fail-on", "rps"))[0] == 4
    assert document["missing"] == document["new"] == []


def test_noise_between_base_runs_counts_for_endpoints_that_one_of_them_has(tmp_path):
    def record(seed, factor, *names):
        traffic = {(name, "GET"): Traffic(100 * factor, 0.4, 20) for name in ("/a", "/b", *names)}
        return read_file(Simulation(traffic=traffic, seed=seed).write(tmp_path))

    bases = [record(1, 0.85), record(2, 1.15), record(3, 0.95, "/late")]
    changes = compare(bases, record(4, 1.12, "/late"), Choices())
    late = {change.figure.name: change for change in changes if change.endpoint[0] == "/late"}
    assert set(late) == set(BY_NAME)
    assert {late[name].state for name in ("p50", "mean")} == {State.UNCLEAR}


def test_endpoints_that_may_be_folded_are_not_called_missing(compared):
    folded = {HOME: 4_000, OTHER: 2_000}
    code, text, document = compared(folded | {PAY: 400}, folded, options=("--fail-on", "mean"), json_too=True)
    assert (code, document["missing"]) == (4, [])
    assert "POST /pay: 400 requests in the base, 0 in the candidate: may be in the candidate's (other)" in text
    assert "ALL (other): 2,000 requests" in compared(folded, {HOME: 4_000}, options=("--fail-on", "mean"))[1]


def test_a_warm_up_is_no_part_of_what_has_to_be_there(compared):
    """What comes only while users start, as a login, is what the user left out."""
    login = {HOME: 4_000, ("/login", "POST"): 60}
    runs = [Counted(login, first={("/login", "POST")}) for _ in range(2)]
    assert compared(*runs, options=("--fail-on", "mean", "--warm-up", "50"))[0] == 0
    assert compared(runs[0], {HOME: 4_000}, options=("--fail-on", "mean", "--warm-up", "50"))[0] == 0
    code, text, _ = compared(*runs, options=("--fail-on", "p95"))
    assert code == 4
    assert "POST /login: 60 requests in the base, 60 in the candidate: only 60 response times: p95 needs 200" in text
    assert compared(runs[0], {HOME: 4_000}, options=("--fail-on", "mean"))[0] == 3


def test_many_gaps_are_counted_where_they_are_not_shown(compared):
    many = {(f"/{n}", "GET"): 3 for n in range(60)}
    code, text, document = compared({HOME: 4_000} | many, {HOME: 4_000}, options=("--fail-on", "p95"), json_too=True)
    assert (code, len(document["missing"])) == (3, 60)
    assert "and 40 more endpoints: --all shows them" in text
    assert "FAILED by --fail-on: 30 more" in text
    assert "exit code 3: 60 endpoints are missing" in text


def test_names_are_text(compared):
    hostile = ("[bold]/x[/bold]", "GET")
    assert "FAILED by --fail-on: GET [bold]/x[/bold] is missing" in compared({HOME: 99, hostile: 99}, {HOME: 99})[1]


def test_gaps_and_changes_are_all_figures_of_all_endpoints(tmp_path):
    runs = ({HOME: 4_000, PAY: 400, FEW: 3}, {HOME: 4_000, PAY: 9, ("/new", "GET"): 150})
    base, candidate = (read_file(Counted(one, seed=seed).write(tmp_path)) for seed, one in enumerate(runs))
    changes = compare([base], candidate, Choices())
    gaps = gaps_of([base], candidate, Choices(), changes)
    keys = {HOME, PAY, FEW, ("/new", "GET"), TOGETHER}
    named = [(change.endpoint, change.figure) for change in changes]
    named += [(gap.endpoint, figure) for gap in gaps for figure in gap.figures]
    assert sorted(map(str, named)) == sorted(str((key, figure)) for key in keys for figure in FIGURES)
    assert {gap.endpoint: gap.kind for gap in gaps} == {
        FEW: Kind.MISSING,
        PAY: Kind.TOO_FEW,
        ("/new", "GET"): Kind.NEW,
    }


def test_enough_results_that_are_too_few_in_most_draws_are_barely_enough(tmp_path):
    record = read_file(Counted({HOME: 205}).write(tmp_path))
    gap, _ = gaps_of([record], record, Choices(), [])
    assert why(gap, [BY_NAME["p95"], BY_NAME["p99"]]) == (
        "barely 205 response times: p95 needs 200; only 205 response times: p99 needs 1,000"
    )


def test_how_many_results_figures_take():
    assert {name: needed(figure) for name, figure in BY_NAME.items()} == {
        "p50": 20,
        "p95": 200,
        "p99": 1_000,
        "mean": 10,
        "failures": 10,
        "rps": 10,
    }


def test_the_page_says_what_is_missing_and_why(tmp_path, capsys):
    pytest.importorskip("plotly")
    runs = ({HOME: 12_000, PAY: 400, FEW: 50}, {HOME: 12_000, PAY: 9, ("/new<", "GET"): 150})
    paths = [str(Counted(one, seed=seed).write(tmp_path)) for seed, one in enumerate(runs)]
    page = tmp_path / "page.html"
    assert main(["compare", *paths, "--fail-on", "p95", "--html", str(page)]) == 3
    own = page.read_text().split('id="packed-data"')[0]
    for part in (
        "Exit code 3: an endpoint is missing",
        "GET /few is missing: 50 requests in the base, none in the candidate",
        "POST /pay: 400 requests in the base, 9 in the candidate: only 9 response times: p95 needs 200",
        "Not compared",
        "GET /new&lt;",
        "in the candidate, not in the base",
        "--allow-missing",
    ):
        assert part in own, part
    assert main(["compare", *paths, "--html", str(page)]) == 0
    own = page.read_text().split('id="packed-data"')[0]
    assert "<h2>Gate" not in own
    assert "GET /few" in own
    capsys.readouterr()


@pytest.mark.parametrize("wrong", ["-1", "x", "1.5", ""])
def test_a_wrong_number_of_requests_is_one_line_and_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "b", "--min-requests", wrong])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must be a whole number from 0" in line
