"""The values for the chart deliveryhero/locust: against the list of its values, and against our own options.

With DELIVERYHERO_CHART (the chart's folder) and HELM (a helm 3 or 4) in the environment it is rendered, too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from locust_cw_dist.settings.settings import OPTIONS, Settings
from support.pages.readme import ROOT

VALUES = ROOT / "deploy" / "deliveryhero" / "values.yaml"
KNOWN = Path(__file__).with_name("deliveryhero-locust-0.35.0.txt")


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load(VALUES.read_text())


@pytest.fixture(scope="module")
def known():
    """The paths of the chart's values, and which of them take any keys."""
    lines = [line for line in KNOWN.read_text().splitlines() if not line.startswith("#")]
    kinds = dict(line.partition(" ")[::2] for line in lines)
    return set(kinds), {path for path, kind in kinds.items() if kind == "{}"}


def unknown(values, known, path=""):
    """The paths of values that the chart would ignore."""
    paths, any_keys = known
    found = []
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if here in any_keys:
            continue
        if isinstance(value, dict):
            found += unknown(value, known, here)
        elif here not in paths:
            found.append(here)
    return found


def test_the_chart_knows_all_of_them(values, known):
    assert unknown(values, known) == []
    assert unknown({"master": {"enviroment": {"A": 1}}, "locustCmd": "x"}, known) == [
        "master.enviroment.A",
        "locustCmd",
    ]


def test_the_version_is_that_of_the_list():
    assert f"--version {KNOWN.stem.removeprefix('deliveryhero-locust-')} " in VALUES.read_text()


def test_our_options_are_right_and_on_the_master_alone(values):
    by_name = {each.variable: each for each in OPTIONS.values()}
    environment = values["master"]["environment"]
    ours = {name: value for name, value in environment.items() if name.startswith("LOCUST_CW_")}
    fields = {by_name[name].field: by_name[name].checked(value) for name, value in ours.items()}
    settings = Settings(**fields, region=environment["AWS_REGION"])
    assert settings.publishes
    assert "environment" not in values["worker"]
    assert "environment" not in values["loadtest"]
    assert "serviceAccountAnnotations" not in values["worker"]
    assert set(environment) - set(ours) == {"AWS_REGION"}


def test_the_plugin_is_installed_without_pip_at_the_start(values):
    assert values["loadtest"] == {"locustCmd": "/opt/locust-cw/bin/locust-cw run"}


def test_the_grace_period_covers_the_end_of_a_run(values):
    flush_s = Settings().flush_timeout_s
    assert values["master"]["terminationGracePeriodSeconds"] == 2 * flush_s + 15
    assert values["master"]["strategy"] == {"type": "Recreate", "rollingUpdate": None}


@pytest.mark.parametrize("role", ["master", "worker"])
def test_a_read_only_root_has_what_must_be_written_beside_it(values, role):
    assert values["securityContext"]["readOnlyRootFilesystem"]
    of = values[role]
    mounts = {mount["mountPath"]: mount["name"] for mount in of["extraVolumeMounts"]}
    assert set(mounts.values()) == {volume["name"] for volume in of["extraVolumes"]}
    assert "/tmp" in mounts
    assert role == "worker" or values["master"]["environment"]["LOCUST_CW_SPOOL_DIR"] in mounts
    assert of["resources"]["requests"]["cpu"]


@pytest.mark.skipif("DELIVERYHERO_CHART" not in os.environ, reason="no copy of the chart is kept here")
def test_the_chart_renders_them(values):
    command = [os.environ.get("HELM", "helm"), "template", "checkout", os.environ["DELIVERYHERO_CHART"]]
    command += ["-f", str(VALUES), "--set", "image.repository=registry.test/locust-cw"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    objects = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    master = objects["Deployment", "checkout-locust-master"]["spec"]
    worker = objects["Deployment", "checkout-locust-worker"]["spec"]
    assert master["strategy"] == {"type": "Recreate", "rollingUpdate": None}
    of = {name: spec["template"]["spec"]["containers"][0] for name, spec in (("m", master), ("w", worker))}
    names = {key: {each["name"] for each in container["env"]} for key, container in of.items()}
    assert set(values["master"]["environment"]) <= names["m"]
    assert not [name for name in names["w"] if name.startswith(("LOCUST_CW_", "AWS_"))]
    assert {container["image"] for container in of.values()} == {"registry.test/locust-cw:2.47.0"}
    script = objects["ConfigMap", "checkout-locust-config"]["data"]["docker-entrypoint.sh"]
    assert "exec /opt/locust-cw/bin/locust-cw run $@" in script
    account = objects["ServiceAccount", "checkout-locust-master"]["metadata"]
    assert account["annotations"] == values["master"]["serviceAccountAnnotations"]
    assert "annotations" not in objects["ServiceAccount", "checkout-locust-worker"]["metadata"]
