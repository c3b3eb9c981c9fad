"""Each value has an effect, and no template reads one that values.yaml does not have."""

from __future__ import annotations

import copy
import functools
import re

import pytest
import yaml

from support.deployment import manifests

# Maps that are taken as a whole.
WHOLE = {"resources", "readinessProbe", "startupProbe", "behavior", "podSecurityContext", "securityContext"}

# What no file of tests/deploy/values has, since all of them agree there: value -> what it is set to, and in which.
ELSEWHERE = {
    "serviceAccount.master.automountToken": (True, "job"),
    "podSecurityContext": ({"runAsUser": 20001}, "job"),
    "securityContext": ({"privileged": False}, "job"),
    "autoscaling.metrics": ([{"type": "Pods"}], "web-hpa"),
    "master.resources": ({"requests": {"cpu": 2}}, "job"),
    "worker.resources": ({"requests": {"cpu": 2}}, "job"),
    "worker.topologySpreadConstraints": ([], "job"),
    "doctor.resources": ({"requests": {"cpu": 2}}, "job"),
    "networkPolicy.dnsPorts": ([53], "job"),
    "locustfile.sample": (True, "job"),
    "openshift": (True, "job"),
    "enabled": (False, "job"),
    "omitDefaults": (["master.startupProbe"], "job"),
}


def leaves(values, path=()):
    """The paths of all values."""
    for key, value in values.items():
        if isinstance(value, dict) and value and key not in WHOLE:
            yield from leaves(value, (*path, key))
        else:
            yield ".".join((*path, key))


def without(values, path):
    """Values with one left out; None where it is not there."""
    changed = copy.deepcopy(values)
    *parents, last = path.split(".")
    node = changed
    for key in parents:
        node = node.get(key)
        if not isinstance(node, dict):
            return None
    return changed if node.pop(last, None) is not None else None


@functools.cache
def file_values(name):
    return yaml.safe_load(manifests.VALUES[name].read_text())


def rendered(values):
    try:
        return manifests.chart_of(values)
    except manifests.RenderError as refused:
        return str(refused)


def has_effect(path):
    if path in ELSEWHERE:
        value, base = ELSEWHERE[path]
        changed = manifests.values_with(base, **{path.replace(".", "__"): value})
        return rendered(changed) != manifests.chart("helm-3.19.0", base)
    shorter = ((name, without(file_values(name), path)) for name in manifests.VALUES)
    return any(rendered(values) != manifests.chart("helm-3.19.0", name) for name, values in shorter if values)


@pytest.mark.parametrize("path", list(leaves(manifests.default_values())))
def test_each_value_changes_what_is_rendered(path):
    assert has_effect(path)


def test_what_is_said_of_values_elsewhere_is_needed():
    assert set(ELSEWHERE) <= set(leaves(manifests.default_values()))
    assert not [path for path in ELSEWHERE if any(without(file_values(name), path) for name in manifests.VALUES)]


REFERENCE = r"(?:\$\w*)?(?:\.\w+)+"


def read_paths(template):
    """The paths below .Values that a template's text names, by their variables too."""
    variables = {}
    for found in re.finditer(rf"(?<!, )\$(\w+) :?= ({REFERENCE})(?= *-?}}}})|({REFERENCE})", template):
        name, assigned, used = found.groups()
        reference = assigned or used
        variable, _, rest = reference.partition(".")
        if variable[1:] in variables:
            reference = f"{variables[variable[1:]]}.{rest}"
        if name:
            variables.pop(name, None)
            if ".Values" in reference:
                variables[name] = reference
        if ".Values." in reference:
            yield reference.partition(".Values.")[2]


def test_the_templates_name_no_value_that_is_not_there():
    defaults, read = manifests.default_values(), set()
    for template in manifests.CHART.glob("templates/**/*.*"):
        read |= set(read_paths(template.read_text()))
    assert {"locust.stopTimeoutSeconds", "podDisruptionBudget.workerMinAvailable", "cloudwatch.rules"} <= read
    unknown = []
    for path in read:
        node = defaults
        for key in path.split("."):
            if not isinstance(node, dict) or key not in node:
                unknown.append(path)
                break
            node = node[key]
    assert unknown == []


def test_a_value_that_is_not_there_is_found():
    text = "{{- $own := .root.Values.master -}}{{ $own.sidecar }}{{ $.Values.locst.host }}{{ .own.sidecars }}"
    assert set(read_paths(text)) == {"master", "master.sidecar", "locst.host"}
