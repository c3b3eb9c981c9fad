"""Each option of the package is a value, and arrives as the package reads it."""

from __future__ import annotations

import json

import pytest

from locust_cw_dist.core.costs.prices import PRICE_NAMES
from locust_cw_dist.core.publish.metric_names import LEGACY, METRIC_NAMES
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.settings import options
from locust_cw_dist.settings.settings import OPTIONS
from support.deployment import manifests


def camel(name):
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def option_names():
    names = [one.flag.removeprefix("--cw-") for one in OPTIONS.values()]
    assert "max-endpoints" in names
    return names


def test_each_option_is_a_value_and_each_value_an_option():
    assert set(manifests.default_values()["cloudwatch"]) == {camel(name) for name in option_names()}


@pytest.mark.parametrize("name", manifests.KUSTOMIZATIONS)
def test_the_plain_manifests_name_options_that_there_are(name):
    written = set(manifests.kustomized("kubectl-1.34.0", name).options())
    assert {"LOCUST_CW_SERVICE", "LOCUST_CW_SPOOL_DIR"} <= written
    assert written <= {one.variable for one in OPTIONS.values()}


def test_the_schema_knows_the_names_of_metrics_and_prices():
    described = json.loads((manifests.CHART / "values.schema.json").read_text())["properties"]["cloudwatch"][
        "properties"
    ]
    assert described["metrics"]["items"]["enum"] == [
        "all",
        LEGACY,
        *METRIC_NAMES,
        *(f"-{name}" for name in METRIC_NAMES),
    ]
    assert tuple(described["price"]["properties"]) == PRICE_NAMES


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("resolution", [1, 60], [0, 2, 61]),
        ("max-endpoints", [1, 1000], [0, 1001]),
        ("grace", [1, 300], [0.5, 301]),
        ("flush-timeout", [0.1, 3600], [0, 3601]),
        ("role-arn", ["arn:aws-cn:iam::123456789012:role/a/b"], ["arn:aws:iam::12:role/a"]),
        ("ambiguous", ["resend", "drop"], ["keep"]),
        ("reasons", ["class", "message"], ["none"]),
        ("namespace", ["perf/checkout#1", "AWSome"], ["perf checkout", "AWS/EC2", "AWS", "a" * 256]),
        ("external-id", ["a" * 1224], ["a", "a b", "a" * 1225]),
        ("region", ["eu-central-1"], ["eu_central"]),
        ("host", ["shop 1"], ["caf\xe9"]),
        ("endpoint-url", ["http://127.0.0.1:4582"], ["127.0.0.1:4582", "http://user:secret@host"]),
    ],
)
def test_the_schema_takes_what_the_package_takes(name, right, wrong):
    (option,) = (one for one in OPTIONS.values() if one.flag == f"--cw-{name}")
    for value in right:
        option.checked(str(value))
        needed = {"roleArn": "arn:aws:iam::123456789012:role/a"} if option.needs else {}
        assert manifests.chart_with("job", cloudwatch={camel(name): value, **needed}).options()[option.variable]
    for value in wrong:
        with pytest.raises(SettingsError):
            option.checked(str(value))
        with pytest.raises(manifests.RenderError, match=f"'/cloudwatch/{camel(name)}'"):
            manifests.chart_with("job", cloudwatch={camel(name): value})


def test_every_option_arrives_under_the_name_of_its_variable():
    rendered = manifests.chart("helm-4.3.1", "job-full").options()
    variables = {one.variable for one in OPTIONS.values()}
    assert set(rendered) <= variables
    # All but those that contradict others, and the two that job-volume.yaml has.
    left_out = {"LOCUST_CW_NAMESPACE", "LOCUST_CW_ENDPOINT_URL", "LOCUST_CW_PAYLOADS", "LOCUST_CW_DRY_RUN"}
    assert variables - set(rendered) == left_out


def test_the_package_reads_what_the_chart_writes(monkeypatch):
    from locust.argument_parser import get_empty_argument_parser

    rendered = manifests.chart("helm-4.3.1", "job-full").options()
    for name, text in rendered.items():
        # Those that name files of the container or need a bucket are read when the master starts.
        if name not in {"LOCUST_CW_RULES", "LOCUST_CW_RECORD"}:
            monkeypatch.setenv(name, text)
    parser = get_empty_argument_parser(add_help=False)
    options.add_arguments(parser)
    settings = options.settings_from_options(parser.parse_args([]))
    assert (settings.service, settings.environment, settings.region) == ("checkout", "perf", "eu-central-1")
    assert (settings.role_arn, settings.external_id) == ("arn:aws:iam::123456789012:role/monitoring", "abc-123")
    assert (settings.resolution_s, settings.grace_s, settings.flush_timeout_s) == (5, 20.0, 120.0)
    assert settings.percentiles == (50.0, 95.0, 99.9)
    assert dict(settings.dimensions) == {"Team": "checkout", "Stage": "2"}
    assert dict(settings.labels) == {"branch": "fix-a,b", "commit": "abcdef", "note": 'says "hi", twice'}
    assert "ResponseSize_Bytes" not in settings.metrics
    assert "Users" in settings.metrics
    assert settings.groups == (("/item/[0-9]+", "/item/{id}"), ("/user/.*", "/user"))
    assert (settings.include, settings.exclude) == (("/.*",), ("/health", "/ready"))
    assert (settings.ambiguous, settings.required, settings.dry_run) == ("drop", True, False)
    assert settings.reasons == "class"
    assert dict(settings.prices) == {"metric_month": 0.25}
    assert settings.spool_dir == "/var/spool/locust-cw"


def test_defaults_are_the_packages_own():
    assert manifests.chart("helm-4.3.1", "job").options() == {
        "LOCUST_CW_FLUSH_TIMEOUT": "30",
        "LOCUST_CW_SPOOL_DIR": "/var/spool/locust-cw",
    }


@pytest.mark.parametrize("role", ["master", "doctor"])
def test_options_reach_those_that_speak_with_cloudwatch(role):
    objects = manifests.chart("helm-4.3.1", "job-full")
    (reference,) = (one for one in objects.container(role)["envFrom"] if "configMapRef" in one)
    assert objects.named("ConfigMap", reference["configMapRef"]["name"])["data"] == objects.options()


def test_rules_are_mounted_where_the_option_says():
    objects = manifests.chart("helm-4.3.1", "job-full")
    folder, _, file = objects.options()["LOCUST_CW_RULES"].rpartition("/")
    for role in ("master", "doctor"):
        (mount,) = (one for one in objects.container(role)["volumeMounts"] if one["mountPath"] == folder)
        (volume,) = (one for one in objects.pod(role)["volumes"] if one["name"] == mount["name"])
        rules = objects.named("ConfigMap", volume["configMap"]["name"])["data"]
        assert rules == {file: '[[rule]]\ncheck = "count > 0"\n'}
    assert objects.options()["LOCUST_CW_RULE"] == "p95(POST /checkout) < 300 ms"


def test_the_record_goes_to_s3_or_to_a_volume():
    assert manifests.chart("helm-4.3.1", "job-full").options()["LOCUST_CW_RECORD"] == "s3://records-bucket/checkout"
    objects = manifests.chart("helm-4.3.1", "job-volume")
    assert objects.options()["LOCUST_CW_RECORD"] == "/mnt/results/records"
    (volume,) = (one for one in objects.pod("master")["volumes"] if one["name"] == "results")
    assert volume["persistentVolumeClaim"] == {"claimName": "results"}


def test_large_numbers_stay_whole():
    objects = manifests.chart_with(
        "job", cloudwatch={"label": {"build": 12345678, "ratio": 0.5}, "price": {"metric_month": 2}}
    )
    assert objects.options()["LOCUST_CW_LABEL"] == "build=12345678\nratio=0.5"
    assert objects.options()["LOCUST_CW_PRICE"] == "metric_month=2"
