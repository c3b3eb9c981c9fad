"""Settings: what is taken, what is refused and how, what follows from it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.errors import LocustCwError, SettingsError
from locust_cw_dist.settings.settings import OPTIONS, Settings

ROLE = "arn:aws:iam::123456789012:role/team/publisher"

GOOD = [
    ("service", "checkout"),
    ("service", "a" * 120),
    ("environment", "perf-2/eu#1:x_y.z"),
    ("namespace", "a" * 255),
    ("namespace", "AWSome/loadtests"),
    ("region", "eu-central-1"),
    ("role_arn", ROLE),
    ("role_arn", "arn:aws-us-gov:iam::123456789012:role/x"),
    ("endpoint_url", "http://127.0.0.1:4599"),
    ("endpoint_url", "https://[::1]:8443/path"),
    ("host", "https://shop.example.com"),
    *(("resolution_s", seconds) for seconds in (1, 5, 10, 30, 60)),
    ("percentiles", (1, 99.9999)),
    ("labels", (("note", 'a, "b"'),)),
    ("percentiles", tuple(float(p) for p in range(1, 11))),
    ("dimensions", (("Team", "a, b = c"),)),
    ("dimensions", tuple((f"d{i}", "x") for i in range(27))),
    ("dimensions", (("n" * 255, "v" * 1024),)),
    ("labels", (("branch", "größe"), ("build", ""))),
    ("metrics", frozenset({"Users"})),
    ("max_endpoints", 1),
    ("max_endpoints", 1000),
    ("grace_s", 1.0),
    ("grace_s", 300.0),
    ("flush_timeout_s", 0.001),
    ("flush_timeout_s", 3600.0),
]

BAD = [
    ("service", ""),
    ("service", "a b"),
    ("service", "café"),
    ("service", "checkout\n"),
    ("service", "a" * 121),
    ("service", 5),
    ("environment", None),
    ("environment", ":perf"),
    ("environment", "AWS"),
    ("environment", "AWS/x"),
    ("namespace", "AWS/EC2"),
    ("namespace", ":x"),
    ("namespace", "a" * 256),
    ("region", "eu central"),
    ("region", "-eu"),
    ("region", "evil.example.com/"),
    ("role_arn", "publisher"),
    ("role_arn", "arn:aws:iam::123:role/x"),
    ("role_arn", "arn:aws:iam::123456789012:user/x"),
    ("external_id", "x"),
    ("external_id", "a b"),
    ("endpoint_url", "127.0.0.1:4599"),
    ("endpoint_url", "ftp://host"),
    ("endpoint_url", "http://"),
    ("endpoint_url", "http://host:0"),
    ("endpoint_url", "http://host:99999"),
    ("endpoint_url", "http://local_cloudwatch:4582"),
    ("endpoint_url", "http://a..b"),
    ("endpoint_url", "http://host/?a=b"),
    ("endpoint_url", "http://[::1"),
    ("host", ""),
    ("host", "   "),
    ("host", "über"),
    ("host", "h" * 1025),
    *(("resolution_s", wrong) for wrong in (0, 2, 7, 61, -1, 10.0, "10", True, None)),
    ("percentiles", ()),
    *(
        ("percentiles", (wrong,))
        for wrong in (0, 0.95, 0.9999, 100, -1, 101, float("nan"), float("inf"), "95", True, 99.99999)
    ),
    ("percentiles", (95, 95.0)),
    ("percentiles", tuple(range(1, 12))),
    ("percentiles", 95),
    ("percentiles", "95"),
    ("dimensions", (("Request", "x"),)),
    ("dimensions", (("Method", "x"),)),
    ("dimensions", (("Host", "x"),)),
    ("dimensions", (("", "x"),)),
    ("dimensions", ((":x", "x"),)),
    ("dimensions", (("n" * 256, "x"),)),
    ("dimensions", (("x", ""),)),
    ("dimensions", (("x", " "),)),
    ("dimensions", (("x", "tab\t"),)),
    ("dimensions", (("x", "é"),)),
    ("dimensions", (("x", "v" * 1025),)),
    ("dimensions", (("x", "1"), ("x", "2"))),
    ("dimensions", tuple((f"d{i}", "x") for i in range(28))),
    ("dimensions", ("ab",)),
    ("dimensions", (("x", 1),)),
    ("dimensions", "x=1"),
    ("dimensions", 1),
    ("labels", (("", "x"),)),
    ("labels", (("a=b", "x"),)),
    ("labels", (("a", "\udcff"),)),
    ("labels", (("a", "1"), ("a", "2"))),
    ("labels", tuple((f"l{i}", "x") for i in range(51))),
    ("metrics", ()),
    ("metrics", ("User",)),
    ("metrics", "Users"),
    ("metrics", (["Users"],)),
    *(("max_endpoints", wrong) for wrong in (0, 1001, 1.5, "10", True)),
    *(("grace_s", wrong) for wrong in (0.99, 300.1, float("nan"), float("inf"), "15", True)),
    *(("flush_timeout_s", wrong) for wrong in (0, -1, 3600.1, float("nan"), None)),
    *(("required", wrong) for wrong in (1, "true", None)),
]


@pytest.mark.parametrize(("field", "value"), GOOD, ids=repr)
def test_a_good_value_is_kept(field, value):
    assert getattr(Settings(**{field: value}), field) == value


@pytest.mark.parametrize(("field", "value"), BAD, ids=repr)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_field(field, value):
    with pytest.raises(SettingsError) as refused:
        Settings(**{field: value})
    message = str(refused.value)
    assert message.startswith(f"{field}: got ")
    assert "must be" in message
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    assert refused.value.setting == field


def test_a_settings_error_is_a_value_error_and_has_the_common_root():
    assert issubclass(SettingsError, ValueError)
    assert issubclass(SettingsError, LocustCwError)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(SettingsError) as refused:
        Settings(endpoint_url="https://user:hunter2@example.com")
    assert "hunter2" not in str(refused.value)


def test_what_the_defaults_are():
    settings = Settings()
    assert settings.environment == "perf"
    assert settings.resolution_s == 10
    assert settings.metrics == set(METRIC_NAMES)
    assert settings.endpoint_percentiles == (95.0,)
    assert settings.total_percentiles == (50.0, 95.0, 99.0)
    assert not settings.publishes
    assert settings.resolved_namespace is None


@pytest.mark.parametrize(
    ("given_settings", "namespace"),
    [
        ({"service": "checkout"}, "perf/checkout/loadtests"),
        ({"service": "checkout", "environment": "stage"}, "stage/checkout/loadtests"),
        ({"service": "checkout", "namespace": "Mine"}, "Mine"),
        ({"namespace": "Mine"}, "Mine"),
        ({"environment": "stage"}, None),
    ],
)
def test_the_namespace_and_whether_anything_is_published(given_settings, namespace):
    settings = Settings(**given_settings)
    assert settings.resolved_namespace == namespace
    assert settings.publishes is (namespace is not None)


def test_given_percentiles_serve_endpoints_and_all_together():
    settings = Settings(percentiles=[50, 99.9])
    assert settings.endpoint_percentiles == settings.total_percentiles == (50.0, 99.9)


@pytest.mark.parametrize(("resolution_s", "storage_s"), [(1, 1), (5, 1), (10, 1), (30, 1), (60, 60)])
def test_storage_resolution(resolution_s, storage_s):
    assert Settings(resolution_s=resolution_s).storage_resolution_s == storage_s


def test_mappings_and_lists_become_tuples_so_that_settings_can_be_hashed():
    made = Settings(dimensions={"a": "1", "b": "2"}, labels=[["c", "3"]], metrics=["Users"], grace_s=2)
    assert made.dimensions == (("a", "1"), ("b", "2"))
    assert made.labels == (("c", "3"),)
    assert made.metrics == frozenset({"Users"})
    assert isinstance(made.grace_s, float)
    assert hash(made) == hash(dataclasses.replace(made))


def test_what_was_handed_over_can_change_later_without_changing_the_settings():
    dimensions = {"a": "1"}
    made = Settings(dimensions=dimensions)
    dimensions["b"] = "2"
    assert made.dimensions == (("a", "1"),)


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().service = "x"


@pytest.mark.parametrize(
    ("field", "alone", "together"),
    [
        ("external_id", {"external_id": "abc"}, {"role_arn": ROLE}),
        ("required", {"required": True}, {"service": "checkout"}),
        ("required", {"required": True}, {"namespace": "Mine"}),
    ],
)
def test_what_only_makes_sense_together(field, alone, together):
    with pytest.raises(SettingsError, match=rf"^{field}: got .*together with"):
        Settings(**alone)
    Settings(**alone, **together)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.one_of(st.text(), st.floats(), st.tuples(st.text(), st.text()))),
    st.dictionaries(st.text(), st.text()),
)


@given(field=st.sampled_from(sorted(OPTIONS)), value=ANYTHING)
def test_whatever_comes_is_taken_or_refused_in_one_line(field, value):
    try:
        made = Settings(**{field: value})
    except SettingsError as refused:
        message = str(refused)
    else:
        hash(made)
        return
    assert message.startswith(f"{field}: ")
    assert len(message.splitlines()) == 1


NAME_PART = st.text("AWSaz09.-_/#:", min_size=1, max_size=130)


@given(service=NAME_PART, environment=NAME_PART)
def test_a_namespace_that_is_taken_is_one_that_cloudwatch_takes(service, environment):
    try:
        namespace = Settings(service=service, environment=environment).resolved_namespace
    except SettingsError:
        return
    assert re.fullmatch(r"[0-9A-Za-z.\-_/#][0-9A-Za-z.\-_/#:]{0,254}", namespace)
    assert not namespace.startswith("AWS/")


def test_settings_load_neither_locust_nor_boto3():
    heavy = "{'locust', 'gevent', 'boto3', 'botocore'}"
    code = f"import sys, locust_cw_dist.settings.settings;print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "set()"


def test_the_docstring_describes_each_field_by_the_names_of_fields():
    lines = re.findall(r"^        (\w+): (.+)$", Settings.__doc__, re.MULTILINE)
    described = dict(lines)
    assert list(described) == [field.name for field in dataclasses.fields(Settings)]
    assert described["external_id"] == "External ID that the role of ``role_arn`` requires."
    assert described["grace_s"].endswith(" Defaults to 15.")
    assert "--cw-" not in Settings.__doc__


def test_a_record_keeps_what_decides_what_is_in_it_and_nothing_that_may_be_secret():
    recorded = {name for name, option in OPTIONS.items() if option.is_recorded}
    assert {"service", "resolution_s", "groups", "reasons"} <= recorded
    assert not recorded & {"role_arn", "external_id", "endpoint_url"}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_row_fits_its_field(name):
    option = OPTIONS[name]
    default = getattr(Settings(), name)
    assert option.default_value == default
    assert option.accept(default) == default
    assert set(option.needs) <= set(OPTIONS)
    # A switch is what has no value; what is repeatable is kept as several.
    assert bool(option.metavar) == (default is not False)
    # Choices stand in the check and, for a type checker, in the annotation.
    hint = typing.get_type_hints(Settings)[name]
    if typing.get_origin(hint) is typing.Literal:
        assert list(typing.get_args(hint)) == option.check.schema["enum"]
    assert (option.check.repeating is not None) == (isinstance(default, tuple | frozenset) or name == "percentiles")


def test_flags_variables_and_fields_are_each_there_once():
    for names in ("flag", "variable", "dest", "field"):
        assert len({getattr(option, names) for option in OPTIONS.values()}) == len(OPTIONS)
