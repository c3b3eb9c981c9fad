"""The chart where others use it: as a part of a parent chart, under Argo CD and Flux, and on OpenShift."""

from __future__ import annotations

import shutil

import pytest
import yaml

from support.deployment import manifests

HELMS = manifests.deploy_tools.HELMS
RUN = yaml.safe_load(manifests.VALUES["job"].read_text())


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A chart with this one as a dependency twice, once under an alias."""
    folder = tmp_path_factory.mktemp("parent")
    name = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text())["name"]
    shutil.copytree(manifests.CHART, folder / "charts" / name)
    dependency = {"name": name, "version": "*"}
    chart = {
        "apiVersion": "v2",
        "name": "shop",
        "version": "1.0.0",
        "dependencies": [
            {**dependency, "condition": "locust-cw.enabled"},
            {**dependency, "alias": "soak_Test", "condition": "soak_Test.enabled"},
        ],
    }
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    return folder


def rendered(helm, folder, text, *arguments):
    (folder / "more.yaml").write_text(text)
    arguments = ("--values", str(folder / "more.yaml"), *arguments)
    return manifests.read(manifests.template(helm, *arguments, folder=folder))


VALUES_OF_A_PARENT = """
x-image: &image {repository: registry.example.com/locust-cw}
x-null:
global:
  imageRegistry: registry.example.com
  team: shop
locust-cw: &run
  enabled: true
  x-resources: &resources {requests: {cpu: 2}}
  image: *image
  locustfile: {content: "from locust import HttpUser\\n"}
  locust: {runTime: 10m, exitCodeOnError: null}
  worker: {replicas: null, resources: *resources}
  master:
  podSecurityContext: {runAsUser: null}
  podAnnotations:
soak_Test:
  <<: *run
  enabled: %s
"""


@pytest.mark.parametrize("helm", HELMS)
def test_as_part_of_a_parent_chart(helm, parent):
    objects = rendered(helm, parent, VALUES_OF_A_PARENT % "false")
    assert objects.workload("worker")["spec"]["parallelism"] == 2
    assert "--exit-code-on-error=1" in objects.container("master")["args"]
    assert objects.container("worker")["resources"]["requests"] == {"cpu": 2, "memory": "256Mi"}
    assert objects.pod("master")["securityContext"]["runAsUser"] == 10001
    assert objects.workload("master")["metadata"]["name"] == "checkout-locust-cw-master-1"


@pytest.mark.parametrize("helm", HELMS)
def test_twice_in_one_release_under_an_alias(helm, parent):
    objects = rendered(helm, parent, VALUES_OF_A_PARENT % "true")
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    assert ("Service", "checkout-locust-cw-master") in names
    assert ("Service", "checkout-soak-test-master") in names
    services = [one["spec"]["selector"] for one in objects.of("Service")]
    assert services[0] != services[1]
    # A release's name that has both in it.
    both = manifests.template(helm, "--values", str(parent / "more.yaml"), folder=parent, release="locust-cw-soak-test")
    names = [(one["kind"], one["metadata"]["name"]) for one in manifests.read(both)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("helm", HELMS)
def test_a_parent_switches_it_off(helm, parent):
    off = ("--set", "locust-cw.enabled=false,soak_Test.enabled=false")
    assert not rendered(helm, parent, VALUES_OF_A_PARENT % "true", *off)


@pytest.mark.parametrize("helm", HELMS)
def test_anchors_and_global_are_taken_at_the_top(helm):
    values = {**RUN, "x-common": {"a": 1}, "x-empty": None, "global": None}
    assert manifests.chart_of(values, helm) == manifests.chart(helm, "job")
    with pytest.raises(manifests.RenderError, match="y-common: no such value"):
        manifests.chart_of({**RUN, "y-common": {}}, helm)


def test_a_chart_of_its_own_that_is_switched_off_says_so():
    with pytest.raises(manifests.RenderError, match="enabled: false is for a parent chart"):
        manifests.chart_of({**RUN, "enabled": False})


@pytest.mark.parametrize("helm", HELMS)
def test_a_finished_job_can_stay_for_those_who_would_make_it_again(helm):
    kept = manifests.chart_with("job", helm, job={"ttlSecondsAfterFinished": "never"})
    for job in kept.of("Job"):
        assert "ttlSecondsAfterFinished" not in job["spec"]
    for job in manifests.chart(helm, "job").of("Job"):
        assert job["spec"]["ttlSecondsAfterFinished"] == 86400
    with pytest.raises(manifests.RenderError, match="'/job/ttlSecondsAfterFinished'"):
        manifests.chart_with("job", helm, job={"ttlSecondsAfterFinished": "0"})


def test_the_page_and_the_readme_say_what_self_heal_does():
    page = (manifests.DEPLOY.parent / "docs" / "kubernetes.md").read_text()
    for text in (page, (manifests.CHART / "README.md").read_text()):
        assert "a load test every day" in text
        assert "never" in text
    for word in ("Argo CD", "selfHeal", "Flux", "driftDetection", "OpenShift", "5353"):
        assert word in page


class TestOpenshift:
    API = ("--api-versions", "security.openshift.io/v1")

    def contexts(self, helm, *arguments, **changes):
        values = yaml.safe_dump(manifests.values_with("job", **changes))
        objects = manifests.read(manifests.template(helm, "--values", "-", *arguments, text=values))
        return [pod["securityContext"] for _, pod in objects.workloads()]

    @pytest.mark.parametrize("helm", HELMS)
    def test_its_users_and_groups_are_its_own(self, helm):
        wanted = {
            "runAsNonRoot": True,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert self.contexts(helm, *self.API) == [wanted] * 3
        assert self.contexts(helm, openshift=True) == [wanted] * 3
        assert self.contexts(helm, *self.API, openshift=False)[0]["runAsUser"] == 10001
        assert self.contexts(helm)[0]["fsGroup"] == 10001

    def test_a_user_of_the_values_stays(self):
        context = self.contexts("helm-4.3.1", *self.API, podSecurityContext={"runAsUser": 1000680000})[0]
        assert context["runAsUser"] == 1000680000
        assert "fsGroup" not in context

    @pytest.mark.parametrize("name", ["helm-4.3.1 job", "kubectl-1.37.1 base"])
    def test_its_name_servers_are_reached(self, name):
        for role in ("master", "worker"):
            (policy,) = (
                one["spec"]
                for one in manifests.rendering(name).of("NetworkPolicy")
                if one["metadata"]["name"].endswith(role)
            )
            reached = {(port["protocol"], port["port"]) for port in policy["egress"][0]["ports"]}
            assert reached == {("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)}

    def test_ports_of_name_servers_are_a_value(self):
        objects = manifests.chart_with("job", networkPolicy={"dnsPorts": [1053]})
        for policy in objects.of("NetworkPolicy"):
            assert {port["port"] for port in policy["spec"]["egress"][0]["ports"]} == {1053}
