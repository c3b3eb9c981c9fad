"""Keys that are null or left empty: each means its default, or is refused by name; with both Helms."""

from __future__ import annotations

import json

import pytest
import yaml

from support.deployment import manifests

# What somebody has to say: without it there is no run, and the message names it.
REQUIRED = {
    "image": "image.repository is required",
    "image.repository": "image.repository is required",
    "locustfile": "set one of locustfile.content",
    "locustfile.content": "set one of locustfile.content",
    "locust": "set locust.runTime",
    "locust.runTime": "set locust.runTime",
}


def paths(node, path=()):
    """The path of each key of the values, those of maps too."""
    for key, value in node.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths(value, (*path, key))


def base():
    return yaml.safe_load(manifests.VALUES["job"].read_text())


def with_null(values, path):
    *parents, last = path
    for key in parents:
        values = values.setdefault(key, {})
    values[last] = None


EVERY = list(paths(manifests.default_values()))
DEPTHS = sorted({len(path) for path in EVERY})
# Helm merges a whole map of defaults in where a map is left empty, so each depth is a rendering of its own.
OPTIONAL = {
    depth: [path for path in EVERY if len(path) == depth and ".".join(path) not in REQUIRED] for depth in DEPTHS
}


def test_every_key_is_tried():
    assert len(EVERY) > 240
    assert sum(map(len, OPTIONAL.values())) == len(EVERY) - len(REQUIRED)


@pytest.mark.parametrize("mode", ["job", "web"])
@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
def test_null_is_the_default_of_every_key(helm, mode):
    """All keys of a depth at once; where that makes a difference, the message names the objects."""
    wanted = manifests.chart_of({**base(), "mode": mode}, helm)
    for depth in DEPTHS:
        values = {**base(), "mode": mode}
        for path in OPTIONAL[depth]:
            if path != ("mode",):
                with_null(values, path)
        assert manifests.chart_of(values, helm) == wanted, depth


@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
def test_what_has_no_default_is_refused_by_name(helm):
    for path, words in REQUIRED.items():
        values = base()
        with_null(values, path.split("."))
        with pytest.raises(manifests.RenderError) as refused:
            manifests.chart_of(values, helm)
        assert words in str(refused.value), path
        assert "nil pointer" not in str(refused.value)


def test_a_mode_that_is_null_is_a_job():
    assert manifests.chart_of({**base(), "mode": None}) == manifests.chart("helm-3.19.0", "job")


@pytest.mark.parametrize(
    "flag", ["locust.exitCodeOnError=null", "worker.replicas=null", "podSecurityContext.runAsUser=null", "worker=null"]
)
def test_null_on_the_command_line_is_the_default_too(flag):
    for helm in manifests.deploy_tools.HELMS:
        arguments = ("--values", str(manifests.VALUES["job"]), "--set", flag)
        assert manifests.read(manifests.template(helm, *arguments)) == manifests.chart(helm, "job")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"podAnnotations": {"team": None}}, "'/podAnnotations/team': got null"),
        ({"extraEnv": [{"name": "STAGE", "value": None}]}, "'/extraEnv/0/value': got null"),
        ({"extraEnv": [None]}, "'/extraEnv/0': got null"),
        ({"worker": {"resources": {"limits": {"cpu": None}}}}, "'/worker/resources/limits/cpu': got null"),
        ({"worker": {"resources": {"limits": {"cpu": ""}}}}, "'/worker/resources/limits/cpu'"),
        ({"securityContext": {"privileged": None}}, "'/securityContext/privileged': got null"),
        ({"cloudwatch": {"label": {"branch": None}}}, "'/cloudwatch/label/branch': got null"),
        ({"worker": {"replicas": ""}}, "'/worker/replicas': got string"),
        ({"worker": []}, "'/worker': got array"),
        ({"extraEnv": {}}, "'/extraEnv': got object"),
        ({"podAnnotations": ""}, "'/podAnnotations': got string"),
    ],
    ids=json.dumps,
)
def test_an_empty_value_without_a_default_is_refused_by_name(changes, named):
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_of({**base(), **changes})
    assert named in str(refused.value)


def test_empty_texts_lists_and_maps_change_nothing_where_that_is_the_default():
    def emptied(node):
        return {
            key: emptied(value) if isinstance(value, dict) else type(value)()
            for key, value in node.items()
            if value in ("", [], {}) or isinstance(value, dict)
        }

    values = {**emptied(manifests.default_values()), "locust": base()["locust"], **base()}
    assert manifests.chart_of(values) == manifests.chart("helm-3.19.0", "job")


class TestOmittedDefaults:
    def test_a_default_of_kubernetes_own_maps_can_be_left_out(self):
        omitted = ["master.startupProbe", "worker.resources.limits.memory", "podSecurityContext.fsGroup"]
        objects = manifests.chart_with("job", omitDefaults=omitted)
        assert "startupProbe" not in objects.container("master")
        assert not objects.container("worker")["resources"]["limits"]
        assert "fsGroup" not in objects.pod("master")["securityContext"]
        assert objects.pod("master")["securityContext"]["runAsUser"] == 10001

    @pytest.mark.parametrize("path", ["worker.replicas", "podSecurityContext.nosuch", "nosuch.a.b", "mode", ""])
    def test_others_are_refused_by_name(self, path):
        with pytest.raises(manifests.RenderError, match=f'omitDefaults: got "{path}", must be a default'):
            manifests.chart_with("job", omitDefaults=[path])
