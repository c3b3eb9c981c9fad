"""The options on Locust's own parser: from a flag, a variable and a file to Settings."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments
from locust.rpc.protocol import Message

from locust_cw_dist.core.publish.metric_names import LEGACY, LEGACY_METRICS, METRIC_NAMES
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings import options
from locust_cw_dist.settings.settings import OPTIONS, Settings
from locust_cw_dist.settings.variables import describe_found, settings_from_variables

RULE = "p95(POST /item/[0-9]+?x=1) <= 1.5 s, window_s=60, successful_only, name=fast one"
ROLE = "arn:aws:iam::123456789012:role/publisher"


@pytest.fixture(autouse=True)
def _nothing_from_outside(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith("LOCUST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def make_parser():
    parser = get_empty_argument_parser()
    setup_parser_arguments(parser)
    options.add_arguments(parser)
    return parser


def parse(*args):
    return make_parser().parse_args(args)


def settings_of(*args):
    return options.settings_from_options(parse(*args))


def refusal_of(*args):
    """What a command line that is refused prints on stderr."""
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr), pytest.raises(SystemExit) as ended:
        parse(*args)
    assert ended.value.code == 2
    return stderr.getvalue()


# An option's name, a text for it, and what Settings then holds.
TAKEN = [
    ("service", "checkout", "service", "checkout"),
    ("environment", "stage", "environment", "stage"),
    ("namespace", "Mine/tests", "namespace", "Mine/tests"),
    ("region", "eu-central-1", "region", "eu-central-1"),
    ("role-arn", ROLE, "role_arn", ROLE),
    ("endpoint-url", "http://127.0.0.1:4599", "endpoint_url", "http://127.0.0.1:4599"),
    ("host", "https://shop.example.com", "host", "https://shop.example.com"),
    ("resolution", "5", "resolution_s", 5),
    ("percentiles", "50,p95,99.9", "percentiles", (50.0, 95.0, 99.9)),
    ("report", "out/report.html", "report", "out/report.html"),
    ("dimension", "Team=a = b", "dimensions", (("Team", "a = b"),)),
    ("label", "branch=main,commit=ab12", "labels", (("branch", "main"), ("commit", "ab12"))),
    ("label", 'note="a, b",commit=ab12', "labels", (("note", "a, b"), ("commit", "ab12"))),
    ("label", '"note=a, ""b""", disk=5" wide', "labels", (("note", 'a, "b"'), ("disk", '5" wide'))),
    ("label", 'note = "a=1,b=2"', "labels", (("note", "a=1,b=2"),)),
    ("label", 'empty="", note=","', "labels", (("empty", ""), ("note", ","))),
    ("metrics", "all", "metrics", frozenset(METRIC_NAMES)),
    ("metrics", "Users,RequestCount", "metrics", frozenset({"Users", "RequestCount"})),
    ("metrics", "all,-Users", "metrics", frozenset(METRIC_NAMES) - {"Users"}),
    ("metrics", "legacy", "metrics", LEGACY_METRICS | {LEGACY}),
    ("metrics", "legacy,Users", "metrics", LEGACY_METRICS | {LEGACY, "Users"}),
    ("metrics", "legacy,-RequestCount", "metrics", LEGACY_METRICS - {"RequestCount"} | {LEGACY}),
    ("max-endpoints", "7", "max_endpoints", 7),
    ("grace", "2.5", "grace_s", 2.5),
    ("flush-timeout", "60", "flush_timeout_s", 60.0),
    ("rule", RULE, "rule", (RULE,)),
    ("rules", "none/rules.toml", "rules", "none/rules.toml"),
    ("reasons", "class", "reasons", "class"),
    ("price", "metric_month=0.25,alarm_month=0", "prices", (("metric_month", 0.25), ("alarm_month", 0.0))),
]

# An option's name, a wrong text, what the message must show of it, and of what is allowed.
REFUSED = [
    ("service", "a b", "'a b'", "letters, digits"),
    ("service", "", "''", "letters, digits"),
    ("environment", "AWS", "'AWS'", "not 'AWS'"),
    ("namespace", ":x", "':x'", "letters, digits"),
    ("region", "eu_1", "'eu_1'", "AWS Region"),
    ("role-arn", "admin", "'admin'", "arn:aws:iam"),
    ("external-id", "x", "'x'", "2 to 1224"),
    ("endpoint-url", "localhost", "'localhost'", "http://"),
    ("host", " ", "' '", "printable ASCII"),
    ("resolution", "7", "7", "1, 5, 10, 30 or 60"),
    ("resolution", "10s", "'10s'", "1, 5, 10, 30 or 60"),
    ("percentiles", "", "[]", "percentiles"),
    ("percentiles", "95,100", "100.0", "below 100"),
    ("percentiles", "median", "'median'", "below 100"),
    ("percentiles", "0.95", "0.95", "with at most 4 decimals; was 95 meant?"),
    ("percentiles", "50,p0.999", "0.999", "; was 99.9 meant?"),
    ("percentiles", "95,95", "95.0, 95.0", "different"),
    ("percentiles", "1,2,3,4,5,6,7,8,9,10,11", "11.0", "1 to 10"),
    ("dimension", "Team", "'Team'", "KEY=VALUE"),
    ("dimension", "Host=x", "'Host'", "Request, Method, Host"),
    ("dimension", "Team=", "''", "1 to 1024"),
    ("label", "branch", "'branch'", "KEY=VALUE"),
    ("metrics", "", "[]", "ResponseTime_pNN_ms"),
    ("metrics", "Usres", "'Usres'", "ResponseTime_pNN_ms"),
    ("metrics", "all,Users", "'Users'", "alone or followed by -NAME"),
    ("metrics", "all,-Usres", "'-Usres'", "alone or followed by -NAME"),
    ("metrics", "Users,-Workers", "'Users,-Workers'", "alone or followed by -NAME"),
    ("max-endpoints", "0", "0", "1 to 1000"),
    ("grace", "301", "301.0", "1 to 300"),
    ("grace", "nan", "nan", "1 to 300"),
    ("flush-timeout", "-1", "-1.0", "at most 3600"),
    ("reasons", "none", "'none'", "class or message"),
    ("price", "metric_month", "'metric_month'", "NAME=USD"),
    ("price", "metric=1", "'metric'", "metric_month, put_calls_1000"),
    ("price", "metric_month=cheap", "'cheap'", "US dollars from 0"),
    ("price", "metric_month=-1", "-1.0", "US dollars from 0"),
    ("price", "metric_month=nan", "nan", "US dollars from 0"),
    ("price", "metric_month=1,metric_month=2", "metric_month", "one price for each name"),
    ("payloads", "", "''", "a file's path"),
    ("rules", "", "''", "a file's path"),
    ("rules", ".", "'.'", "a file of rules that can be read (Is a directory)"),
    ("rule", "p95 = 3", "'p95 = 3'", "a figure, a comparison (<, <=, >, >=) and a limit"),
    ("rule", "p95 < 3 bananas", "'p95 < 3 bananas': unit of percentile: got 'bananas'", "ms or s, or left out"),
    ("junit", "", "''", "a file's path"),
    ("rules-json", "", "''", "a file's path"),
    ("service", "line\nbreak", r"'line\nbreak'", "letters, digits"),
]


def variable(name):
    return f"LOCUST_CW_{name.replace('-', '_').upper()}"


def from_flag(name, text, _monkeypatch):
    return [f"--cw-{name}={text}"]


def from_variable(name, text, monkeypatch):
    monkeypatch.setenv(variable(name), text)
    return []


def from_conf(name, text, _monkeypatch):
    # The first line is no TOML: Locust 2.32 reads nothing from a locust.conf that happens to be valid TOML.
    Path("locust.conf").write_text(f"host = http://example.com\ncw-{name} = {text}\n", encoding="utf-8")
    return []


def from_pyproject(name, text, _monkeypatch):
    Path("pyproject.toml").write_text(f"[tool.locust]\ncw-{name} = '''{text}'''\n", encoding="utf-8")
    return []


SOURCES = [from_flag, from_variable, from_conf, from_pyproject]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("taken", TAKEN, ids=lambda taken: f"{taken[0]}={taken[1]}")
def test_an_option_reaches_the_settings_from_every_source(source, taken, monkeypatch):
    name, text, field, value = taken
    settings = settings_of(*source(name, text, monkeypatch))
    assert settings == Settings(**{field: value})


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: f"{refused[0]}={refused[1]}")
def test_a_wrong_value_is_one_line_with_option_value_and_what_is_allowed(source, refused, monkeypatch):
    name, text, got, allowed = refused
    if source is from_conf and "\n" in text:
        pytest.skip("a value in locust.conf is one line")
    if source is from_variable and not text.strip():
        pytest.skip("an empty variable is not set, see test_empty_variables.py")
    if source is from_conf and text == " ":
        text, got = "", "''"  # that file's format strips blanks
    line = refusal_of(*source(name, text, monkeypatch))
    assert len(line.splitlines()) == 1
    assert f"argument --cw-{name}: got " in line
    assert got in line
    assert allowed in line.split("must be")[1]


@pytest.mark.parametrize("source", [from_variable, from_conf, from_pyproject])
def test_required_is_a_flag_and_a_word(source, monkeypatch):
    assert settings_of("--cw-required", "--cw-service", "x").required
    assert not settings_of().required
    assert settings_of(*source("required", "true", monkeypatch), "--cw-service", "x").required
    assert not settings_of(*source("required", "false", monkeypatch), "--cw-service", "x").required
    line = refusal_of(*source("required", "maybe", monkeypatch))
    assert len(line.splitlines()) == 1
    assert "maybe" in line
    assert "required" in line.lower()


@pytest.mark.parametrize(
    ("name", "texts", "field", "value"),
    [
        ("dimension", ["Team=a", "Zone=b,c"], "dimensions", (("Team", "a"), ("Zone", "b,c"))),
        ("label", ["branch=main", "commit=ab12"], "labels", (("branch", "main"), ("commit", "ab12"))),
        ("percentiles", ["50", "99.9"], "percentiles", (50.0, 99.9)),
        ("rule", ["p95 < 300", RULE], "rule", ("p95 < 300", RULE)),
        ("metrics", ["all", "-Users", "-Workers"], "metrics", frozenset(METRIC_NAMES) - {"Users", "Workers"}),
    ],
)
def test_what_can_be_repeated(name, texts, field, value, monkeypatch):
    expected = Settings(**{field: value})
    assert settings_of(*(f"--cw-{name}={text}" for text in texts)) == expected
    with monkeypatch.context() as patch:
        patch.setenv(variable(name), "\n".join(["", *texts, ""]))
        assert settings_of() == expected
    Path("pyproject.toml").write_text(f"[tool.locust]\ncw-{name} = {texts!r}\n", encoding="utf-8")
    assert settings_of() == expected


def test_a_file_of_rules_that_is_there_is_read_while_options_are_parsed():
    Path("rules.toml").write_text("[[rule]]\ncheck = 'p95 < 3 bananas'\n")
    line = refusal_of("--cw-rules", "rules.toml")
    assert len(line.splitlines()) == 1
    assert (
        "argument --cw-rules: rules.toml: rule 1 (p95 < 3 bananas): unit of percentile: got 'bananas', must be" in line
    )
    Path("rules.toml").write_text("[[rule]]\ncheck = 'p95 < 3'\n")
    assert parse("--cw-rules", "rules.toml").cw_rules == "rules.toml"
    assert settings_of("--cw-rules", "rules.toml") == Settings(rules="rules.toml")


def test_numbers_in_a_toml_list_are_percentiles():
    Path("pyproject.toml").write_text(
        "[tool.locust]\ncw-percentiles = [50, 99.9]\ncw-resolution = 60\ncw-required = false\n",
        encoding="utf-8",
    )
    assert settings_of() == Settings(percentiles=(50.0, 99.9), resolution_s=60)


def test_a_flag_takes_the_place_of_the_variable_and_the_file(monkeypatch):
    from_conf("label", "a=file", monkeypatch)
    monkeypatch.setenv("LOCUST_CW_LABEL", "a=variable")
    assert settings_of("--cw-label", "a=flag").labels == (("a", "flag"),)
    assert settings_of().labels == (("a", "variable"),)


def test_what_is_wrong_only_in_sum_is_refused_too():
    assert settings_of(*(f"--cw-dimension=d{i}=x" for i in range(27))).dimensions[-1] == ("d26", "x")
    line = refusal_of(*(f"--cw-dimension=d{i}=x" for i in range(28)))
    assert "argument --cw-dimension: got 28 dimensions, must be at most 27" in line
    assert "'a'" in refusal_of("--cw-label", "a=1", "--cw-label", "a=2")


@pytest.mark.parametrize(
    ("args", "option"),
    [
        (["--cw-external-id", "abc"], "--cw-external-id"),
        (["--cw-required"], "--cw-required"),
        (["--cw-payloads", "calls.jsonl"], "--cw-payloads"),
        (["--cw-junit", "junit.xml"], "--cw-junit"),
        (["--cw-rules-json", "rules.json"], "--cw-rules-json"),
    ],
)
def test_contradictions_are_parsed_so_that_workers_take_them_and_refused_where_settings_are_read(args, option):
    parsed = parse(*args)
    with pytest.raises(SettingsError, match=rf"^{option}: got .*, must be "):
        options.settings_from_options(parsed)


ALL_OPTIONS = [
    *(
        "--cw-service=a",
        "--cw-environment=b",
        "--cw-namespace=c",
        "--cw-region=eu-west-1",
        "--cw-external-id=xx",
    ),
    *(f"--cw-role-arn={ROLE}", "--cw-endpoint-url=http://h", "--cw-host=h", "--cw-resolution=1"),
    *("--cw-percentiles=50,99", "--cw-dimension=a=b", "--cw-label=a=b", "--cw-metrics=all,-Users"),
    *("--cw-max-endpoints=3", "--cw-grace=2", "--cw-flush-timeout=1.5", "--cw-required"),
    *("--cw-group=/i/.*=/i", "--cw-include=/.*", "--cw-exclude=/health", "--cw-spool-dir=spool", "--cw-record=records"),
    *("--cw-ambiguous=drop", "--cw-dry-run", "--cw-price=metric_month=0.2", "--cw-payloads=calls.jsonl"),
    *("--cw-rules=rules.toml", f"--cw-rule={RULE}", "--cw-junit=junit.xml", "--cw-rules-json=rules.json"),
    "--cw-summary=both",
    "--cw-report=report.html",
    "--cw-reasons=class",
]


@pytest.mark.parametrize("args", [[], ALL_OPTIONS], ids=["none", "all"])
def test_all_options_survive_locusts_spawn_message(args):
    ours = {name: value for name, value in vars(parse(*args)).items() if name.startswith("cw_")}
    assert ours.keys() == {option.dest for option in OPTIONS.values()}
    if args:
        assert None not in ours.values()
    packed = Message("spawn", {"parsed_options": ours}, None).serialize()
    assert Message.unserialize(packed).data["parsed_options"] == ours


def test_only_the_label_is_in_the_web_form_and_nothing_is_secret():
    parser = make_parser()
    assert [name for name in parser.args_included_in_web_ui if name.startswith("cw_")] == ["cw_label"]
    assert not parser.secret_args_included_in_web_ui


def test_adding_twice_is_adding_once():
    parser = make_parser()
    before = parser.format_help()
    options.add_arguments(parser)
    assert parser.format_help() == before
    assert before.count(options.GROUP_TITLE) == 1


def test_help_names_every_option_and_the_values_that_are_short_to_tell():
    text = make_parser().format_help()
    for name, *_ in TAKEN:
        assert f"--cw-{name} " in text
    assert "--cw-required" in text
    assert "5, 10, 30 or 60. Defaults to 10." in text


def test_options_of_a_script_that_has_none_of_ours():
    assert options.settings_from_options(None) == Settings()
    assert options.settings_from_options(argparse.Namespace(host="x")) == Settings()


@pytest.mark.parametrize("taken", TAKEN, ids=lambda taken: f"{taken[0]}={taken[1]}")
def test_variables_alone_give_what_they_give_on_a_command_line(taken):
    name, text, field, value = taken
    Path("locust.conf").write_text("cw-service = other\n")
    variables = {variable(name): text, "LOCUST_CW_REQUIRED": "", "LOCUST_CW_EXTERNAL_ID": "", "PATH": "/bin"}
    assert settings_from_variables(variables) == Settings(**{field: value})


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: f"{refused[0]}={refused[1]}")
def test_a_wrong_variable_alone_is_told_by_its_name(refused):
    name, text, got, allowed = refused
    if not text.strip():
        assert settings_from_variables({variable(name): text}) == Settings()
        return
    with pytest.raises(SettingsError, match=f"^{variable(name)}: got ") as told:
        settings_from_variables({variable(name): text})
    assert got in str(told.value)
    assert allowed in str(told.value).split("must be")[1]


def test_variables_that_contradict_each_other_or_are_no_word_for_a_flag():
    with pytest.raises(SettingsError, match=r"^LOCUST_CW_EXTERNAL_ID: got 'abc', must be left out"):
        settings_from_variables({"LOCUST_CW_EXTERNAL_ID": "abc"})
    with pytest.raises(SettingsError, match="LOCUST_CW_DRY_RUN: 'maybe'"):
        settings_from_variables({"LOCUST_CW_DRY_RUN": "maybe"})
    assert settings_from_variables({"LOCUST_CW_DRY_RUN": "true"}).dry_run


@pytest.mark.parametrize(
    ("variables", "arguments", "found"),
    [
        ({"PATH": "/bin"}, [], "no --cw-* option and no LOCUST_CW_* variable"),
        ({"LOCUST_CW_SERVICE": ""}, [], "LOCUST_CW_SERVICE (empty)"),
        ({"LOCUST_CW_SERVCE": "shop"}, [], "LOCUST_CW_SERVCE (unknown: did you mean LOCUST_CW_SERVICE?)"),
        ({"LOCUST_CW_": "shop", "LOCUST_USERS": "5"}, [], "LOCUST_CW_ (unknown)"),
        ({"LOCUST_CW_REGION": "eu-west-1"}, ["--cw-environment", "perf"], "--cw-environment, LOCUST_CW_REGION"),
    ],
)
def test_what_was_found_is_named_mistyped_and_empty_variables_too(monkeypatch, variables, arguments, found):
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert describe_found(variables, parse(*arguments)) == found


def test_variables_that_a_script_overrides_are_named_as_not_read():
    found = describe_found({"LOCUST_CW_SERVICE": "shop"}, are_read=False)
    assert found == "LOCUST_CW_SERVICE (not read: the script passes Settings)"


def test_options_that_no_parser_of_ours_made():
    assert options.has_options(parse())
    assert not options.has_options(None)
    assert not options.has_options(argparse.Namespace(host="x", cw="5"))


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        (["--cw-servce", "x"], "--cw-service"),
        (["--cw-endpoint_url=http://h"], "--cw-endpoint-url"),
        (["--other", "--cw-dimensions", "a=b"], "--cw-dimension"),
        (["--cw-colours", "5"], "--cw-colour"),
    ],
    ids="-".join,
)
def test_an_unknown_option_is_one_line_with_the_nearest_one_that_there_is(typed, near):
    parser = make_parser()
    parser.add_argument("--cw-colour", type=int)
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr), pytest.raises(SystemExit) as ended:
        parser.parse_args(typed)
    assert ended.value.code == 2
    (line,) = stderr.getvalue().splitlines()
    wrong = next(text for text in typed if text.startswith("--cw")).partition("=")[0]
    assert line.endswith(f"error: unknown option {wrong}: did you mean {near}?")


@pytest.mark.parametrize(
    ("left_by_the_form", "labels"),
    [
        (None, ()),
        ("", ()),
        ([""], ()),
        ("branch=main", (("branch", "main"),)),
        ("branch=main, commit=ab12", (("branch", "main"), ("commit", "ab12"))),
        (["branch=main", "commit=ab12"], (("branch", "main"), ("commit", "ab12"))),
        # It splits at commas, whatever stands around them.
        (['note="a', ' b"', "commit=ab12"], (("note", "a, b"), ("commit", "ab12"))),
    ],
)
def test_labels_as_the_web_form_leaves_them(left_by_the_form, labels):
    parsed = argparse.Namespace(cw_label=left_by_the_form)
    assert options.labels_from_options(parsed) == options.settings_from_options(parsed).labels == labels


def test_settings_can_be_read_after_the_web_form_wrote_into_the_options():
    parsed = parse("--cw-dimension", "a=1")
    parsed.cw_label = "branch=main,commit=ab12"
    made = options.settings_from_options(parsed)
    assert made == Settings(dimensions={"a": "1"}, labels={"branch": "main", "commit": "ab12"})


@pytest.mark.parametrize("name", ["cw_dimension", "cw_label"])
def test_nonsense_that_the_web_form_wrote_is_refused_by_the_options_name(name):
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(SettingsError, match=f"^{flag}: got 'nonsense', must be KEY=VALUE$"):
        options.settings_from_options(argparse.Namespace(**{name: "nonsense"}))


def test_wrong_labels_from_the_web_form_are_named():
    with pytest.raises(SettingsError, match=r"^--cw-label: got 'nonsense', must be KEY=VALUE$"):
        options.labels_from_options(argparse.Namespace(cw_label="nonsense"))
    assert options.labels_from_options(None) == ()


@given(off=st.sets(st.sampled_from(METRIC_NAMES), max_size=len(METRIC_NAMES) - 1))
def test_switching_metrics_off_leaves_the_others(off):
    made = settings_of("--cw-metrics", ",".join(["all", *(f"-{name}" for name in off)]))
    assert made.metrics == set(METRIC_NAMES) - off


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="="), min_size=1, max_size=40)


@given(pairs=st.dictionaries(PRINTABLE.filter(lambda name: name[0] != ":"), PRINTABLE, min_size=1, max_size=27))
def test_dimensions_come_out_as_they_went_in(pairs):
    for ours in ("Request", "Method", "Host"):
        pairs.pop(ours, None)
    made = settings_of(*(f"--cw-dimension={name}={value}" for name, value in pairs.items()))
    assert made.dimensions == tuple(pairs.items())
