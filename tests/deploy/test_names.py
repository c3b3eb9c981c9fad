"""Odd names and values: what is rendered obeys Kubernetes' own rules and keeps text as text, or is refused."""

from __future__ import annotations

import functools
import json
import re

import kubernetes_validate.utils as validation
import pytest

from support.deployment import manifests

validation.schema_contents = functools.cache(validation.schema_contents)

# Texts that YAML reads as something else where nobody quotes them.
ODD = ["1234", "1e3", "0x10", "on", "null", "1234567890123", "true", "7e5"]
RELEASES = [*ODD, "7f3c2a1", "rel.with.dots", "a" * 53, "1" * 53, "9-locust-cw", "my.locust-cw", "x" * 30 + ".y"]

PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(rf"{PART}(\.{PART})*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def assert_kubernetes_takes(objects):
    for one in objects:
        name = one["metadata"]["name"]
        rule = SERVICE if one["kind"] in {"Service", "Job", "Deployment"} else SUBDOMAIN
        assert isinstance(name, str), one
        assert rule.fullmatch(name), name
        assert isinstance(one["metadata"]["namespace"], str)
        labels = [one["metadata"]["labels"]]
        if "template" in one.get("spec", {}):
            labels.append(one["spec"]["template"]["metadata"]["labels"])
        for value in (value for some in labels for value in some.values()):
            assert isinstance(value, str)
            assert LABEL_VALUE.fullmatch(value), value
        if one["kind"] != "ScaledObject":
            validation.validate(json.loads(json.dumps(one)), "1.37", strict=True)


def rendered(helm, release, namespace, base, *arguments):
    arguments = ("--values", str(manifests.VALUES[base]), *arguments)
    return manifests.read(manifests.template(helm, *arguments, release=release, namespace=namespace))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
def test_a_release_and_a_namespace_of_any_name_that_helm_takes(helm, release):
    namespace = release if "." not in release else "1e3"
    # Each Helm one of the modes: it is the quoting that they may differ in.
    objects = rendered(helm, release, namespace, "job" if helm == manifests.deploy_tools.HELMS[0] else "web")
    assert_kubernetes_takes(objects)
    assert {one["metadata"]["namespace"] for one in objects} == {namespace}
    assert {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in objects} == {release}
    selector = objects.named("Service", service_of(objects))["spec"]["selector"].items()
    assert selector <= objects.pod_labels("master").items()


def service_of(objects):
    (host,) = (one for one in objects.container("worker")["args"] if one.startswith("--master-host="))
    return host.partition("=")[2]


def test_names_of_different_releases_are_different():
    names = [service_of(rendered("helm-4.3.1", release, "load", "web")) for release in [*RELEASES, "rel-with-dots"]]
    assert len(set(names)) == len(names)
    assert "locust-cw-7f3c2a1-master" in names


# Values that are text, in places where each is taken: what people call things.
TEXTS = [
    *(
        "image.tag",
        "proxy.existingSecret",
        "spool.existingClaim",
        "spool.storageClass",
        "schedulerName",
        "runtimeClassName",
    ),
    *("master.priorityClassName", "worker.priorityClassName", "serviceAccount.master.name", "ingress.className"),
    *("web.login.existingSecret", "web.tls.existingSecret"),
    *("cloudwatch.service", "cloudwatch.environment", "cloudwatch.host"),
]
OF_CONFIGMAPS = ["locustfile.existingConfigMap", "locustfile.existingLibConfigMap"]


@pytest.mark.parametrize("text", ODD)
def test_a_text_stays_a_text_wherever_it_is_given(text):
    """All at once; a number where Kubernetes wants text is refused by the strict schema."""
    for base in ("web-configmap", "web-hpa", "job"):
        paths = TEXTS + (OF_CONFIGMAPS if base == "web-configmap" else [])
        changes = {path.replace(".", "__"): text for path in paths}
        labels = {"podLabels": {"build": text}, "commonAnnotations": {"example.com/build": text}}
        more = {
            "extraEnv": [{"name": "BUILD", "value": text}],
            "locust__tags": [text],
            "cloudwatch__label": {"b": text},
        }
        if base == "job":
            more["job__runId"] = text
        objects = manifests.chart_with(base, "helm-4.3.1", **changes, **labels, **more)
        assert_kubernetes_takes(objects)
        assert objects.pod_labels("worker")["build"] == text
        assert objects.pod_annotations("worker")["example.com/build"] == text
        assert objects.environment("worker")["BUILD"] == text
        assert objects.options()["LOCUST_CW_LABEL"] == f"b={text}"
        assert text in objects.container("master")["args"]


@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
def test_large_whole_numbers_are_written_in_full(helm):
    values = manifests.values_with(
        "job",
        locust__users=1000000,
        job__ttlSecondsAfterFinished=31536000,
        job__activeDeadlineSeconds=1e6,
        podSecurityContext={
            "runAsUser": 1000680000,
            "fsGroup": 1000680000,
            "supplementalGroups": [1000680000, 20000000],
        },
        master__resources={"limits": {"memory": 1073741824}},
        cloudwatch__label={"build": 12345678901, "share": 0.5},
        cloudwatch__percentiles=[50, 99.9],
    )
    text = manifests.template(helm, "--values", "-", text=json.dumps(values))
    objects = manifests.read(text)
    assert not re.search(r"\d[eE][+-]?\d", re.sub(r"[0-9a-f]{64}", "", text))
    assert "--users=1000000" in objects.container("master")["args"]
    assert objects.workload("master")["spec"]["activeDeadlineSeconds"] == 1000000
    assert objects.pod("worker")["securityContext"]["supplementalGroups"] == [1000680000, 20000000]
    assert objects.container("master")["resources"]["limits"]["memory"] == 1073741824
    assert objects.options()["LOCUST_CW_LABEL"] == "build=12345678901\nshare=0.5"
    assert objects.options()["LOCUST_CW_PERCENTILES"] == "50\n99.9"
    assert_kubernetes_takes(objects)


WRONG = [
    ({"fullnameOverride": "1abc"}, 'fullnameOverride: got "1abc", must be lower-case letters', "a letter first"),
    ({"fullnameOverride": "Load"}, 'fullnameOverride: got "Load"'),
    ({"fullnameOverride": "a.b"}, 'fullnameOverride: got "a.b"'),
    ({"nameOverride": "load_test"}, 'nameOverride: got "load_test"'),
    ({"image": {"repository": "registry/x:1.2"}}, "image.repository: got", "without tag"),
    ({"image": {"repository": "registry:5000/x@sha256:12"}}, "image.repository: got", "image.digest"),
    ({"image__tag": "a b"}, 'image.tag: got "a b"'),
    ({"image__tag": 1234}, "'/image/tag': got number, want string"),
    ({"serviceAccount__master__name": "My_Account"}, 'serviceAccount.master.name: got "My_Account"'),
    ({"spool__existingClaim": "Claim"}, 'spool.existingClaim: got "Claim"'),
    ({"image__pullSecrets": [{"name": "Reg"}]}, 'image.pullSecrets: got "Reg"'),
    ({"locustfile__files": {"data/users.csv": "a"}}, 'locustfile.files: got "data/users.csv"', "no folders"),
    ({"locustfile__files": {"..": "a"}}, 'locustfile.files: got ".."'),
    ({"locustfile__lib": {"a b.py": "a"}}, 'locustfile.lib: got "a b.py"'),
    ({"podLabels": {"team": "a b"}}, 'podLabels: team: got "a b", must be a label\'s value'),
    ({"podLabels": {"a/b/c": "x"}}, 'podLabels: got "a/b/c", must be a label\'s key'),
    ({"podLabels": {"build": 42}}, "'/podLabels/build': got number, want string"),
    ({"commonLabels": {"build": "x" * 64}}, "commonLabels: build: got", "at most 63"),
    ({"worker__nodeSelector": {"pool": "-x"}}, 'worker.nodeSelector: pool: got "-x"'),
    ({"commonAnnotations": {"a b": "x"}}, 'commonAnnotations: got "a b"'),
    ({"extraEnv": [{"name": "1A", "value": "x"}]}, 'extraEnv: got "1A", must be letters', "no digit first"),
    ({"extraVolumes": [{"name": "My.Volume", "emptyDir": {}}]}, 'got "My.Volume"'),
    (
        {"mode": "web", "ingress__hosts": [{"host": "Locust.Example.com", "paths": [{"path": "/"}]}]},
        "ingress.hosts: got",
    ),
    ({"mode": "web", "ingress__hosts": [{"host": "10.0.0.1", "paths": [{"path": "/"}]}]}, "takes no addresses"),
    ({"cloudwatch__label": {"build": 12345678901234567890}}, "cloudwatch.label.build: a number of YAML", "quotes"),
]


@pytest.mark.parametrize(("changes", "words"), [(one[0], one[1:]) for one in WRONG], ids=lambda one: str(one)[:60])
def test_a_name_that_kubernetes_would_refuse_is_told_with_the_rule(changes, words):
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_with("web" if changes.get("mode") == "web" else "job", **changes)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("namespace", ["Load", "a.b", "-a", "x" * 64])
def test_a_namespace_that_kubernetes_would_refuse_is_told(namespace):
    with pytest.raises(manifests.RenderError, match="the release's namespace: got"):
        rendered("helm-3.19.0", "checkout", namespace, "job")
