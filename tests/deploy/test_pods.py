"""Accounts, the web UI, volumes, and what a user adds to the pods."""

from __future__ import annotations

import json

import pytest
import yaml

from support.deployment import manifests

HELM = "helm-4.3.1"


class TestIdentity:
    ROLE = "eks.amazonaws.com/role-arn"

    def accounts(self, objects):
        return {
            role: one["metadata"].get("annotations", {})
            for role in ("master", "worker")
            for one in objects.of("ServiceAccount", role)
        }

    def test_irsa_is_the_masters_alone(self):
        accounts = self.accounts(manifests.chart(HELM, "job-full"))
        assert accounts["master"][self.ROLE] == "arn:aws:iam::123456789012:role/locust-cw"
        assert self.ROLE not in accounts["worker"]

    def test_pod_identity_needs_no_annotation(self):
        assert not [one for one in self.accounts(manifests.chart(HELM, "web-hpa")).values() if self.ROLE in one]

    def test_workers_get_a_role_of_their_own_when_asked_to(self):
        accounts = self.accounts(manifests.chart(HELM, "job-volume"))
        assert accounts["worker"][self.ROLE].endswith("role/shop")
        assert self.ROLE not in accounts["master"]

    def test_accounts_that_others_made(self):
        objects = manifests.chart(HELM, "web-keda")
        assert not objects.of("ServiceAccount")
        assert (objects.pod("master")["serviceAccountName"], objects.pod("worker")["serviceAccountName"]) == (
            "a-master",
            "a-worker",
        )

    @pytest.mark.parametrize(("identity", "disabled"), [("none", "true"), ("podIdentity", "true"), ("node", None)])
    def test_the_nodes_role_is_used_only_when_asked_for(self, identity, disabled):
        environment = manifests.chart_with("job", aws={"identity": identity}).environment("master")
        assert environment.get("AWS_EC2_METADATA_DISABLED") == disabled

    def test_the_overlays_differ_by_the_role(self):
        kubectl = manifests.deploy_tools.KUBECTLS[0]
        for name in manifests.KUSTOMIZATIONS:
            objects = manifests.kustomized(kubectl, name)
            master = objects.named("ServiceAccount", "locust-cw-master")["metadata"].get("annotations", {})
            worker = objects.named("ServiceAccount", "locust-cw-worker")["metadata"].get("annotations", {})
            assert (self.ROLE in master) is (name == "irsa")
            assert self.ROLE not in worker


class TestWebUi:
    def test_login_and_tls_come_from_secrets(self):
        objects = manifests.chart(HELM, "web-hpa")
        assert "--web-login" in objects.container("master")["args"]
        assert {"secretRef": {"name": "web-login"}} in objects.container("master")["envFrom"]
        assert "secretRef" not in json.dumps(objects.container("worker").get("envFrom", []))
        (volume,) = (one for one in objects.pod("master")["volumes"] if one["name"] == "tls")
        assert volume["secret"]["secretName"] == "web-tls"

    def test_it_has_a_service_of_its_own_and_an_ingress(self):
        objects = manifests.chart(HELM, "web-hpa")
        web = objects.named("Service", "checkout-locust-cw-web")
        assert web["spec"]["type"] == "LoadBalancer"
        assert [port["port"] for port in web["spec"]["ports"]] == [8089]
        (ingress,) = objects.of("Ingress")
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert (backend["name"], backend["port"]["name"]) == (web["metadata"]["name"], "web")

    @pytest.mark.parametrize(("values", "scheme", "path"), [("web", "HTTP", "/"), ("web-hpa", "HTTPS", "/locust/")])
    def test_probes_ask_the_web_ui(self, values, scheme, path):
        container = manifests.chart(HELM, values).container("master")
        for probe in ("startupProbe", "readinessProbe"):
            assert container[probe]["httpGet"] == {"port": "web", "scheme": scheme, "path": path}
        assert "livenessProbe" not in container

    def test_a_liveness_probe_if_somebody_wants_one(self):
        probe = manifests.chart(HELM, "web-keda").container("master")["livenessProbe"]
        assert (probe["periodSeconds"], probe["httpGet"]["port"]) == (60, "web")


class TestSpool:
    def spool(self, objects, role="master"):
        found = [one for one in objects.pod(role)["volumes"] if one["name"] == "spool"]
        return found[0] if found else None

    def test_an_empty_dir_a_claim_or_nothing(self):
        assert "emptyDir" in self.spool(manifests.chart(HELM, "job"))
        full = manifests.chart(HELM, "job-full")
        claim = self.spool(full)["persistentVolumeClaim"]["claimName"]
        made = full.named("PersistentVolumeClaim", claim)
        assert made["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert made["spec"]["resources"]["requests"]["storage"] == "5Gi"
        others = manifests.chart(HELM, "job-volume")
        assert self.spool(others)["persistentVolumeClaim"]["claimName"] == "my-spool"
        assert not others.of("PersistentVolumeClaim")
        assert self.spool(manifests.chart(HELM, "web-keda")) is None

    def test_it_is_where_the_option_says_and_the_masters_alone(self):
        objects = manifests.chart(HELM, "job-full")
        folder = objects.options()["LOCUST_CW_SPOOL_DIR"]
        assert folder in [one["mountPath"] for one in objects.container("master")["volumeMounts"]]
        # Another node may hold the claim.
        assert self.spool(objects, "worker") is self.spool(objects, "doctor") is None

    def test_every_run_has_the_same_claim(self):
        claims = [
            self.spool(manifests.chart_with("job", job={"runId": run}, spool={"persistent": True}))
            for run in ("a", "b")
        ]
        assert claims[0] == claims[1]


class TestExtras:
    @pytest.mark.parametrize(("values", "role"), [("job-full", "master"), ("web-full", "worker")])
    def test_sidecars_end_with_the_run(self, values, role):
        pod = manifests.chart(HELM, values).pod(role)
        (sidecar,) = pod["initContainers"]
        assert (sidecar["name"], sidecar["restartPolicy"]) == ("tunnel", "Always")
        assert len(pod["containers"]) == 1

    def test_environment_and_volumes(self):
        objects = manifests.chart(HELM, "job-full")
        for role in ("master", "worker"):
            assert objects.environment(role)["STAGE"] == "perf"
            assert {"secretRef": {"name": "shop-logins"}} in objects.container(role)["envFrom"]
            assert "/etc/certs" in [one["mountPath"] for one in objects.container(role)["volumeMounts"]]
        assert objects.environment("master")["TOKEN"] == {"secretKeyRef": {"name": "logins", "key": "token"}}
        assert "TOKEN" not in objects.environment("worker")

    def test_labels_annotations_and_the_rest_of_a_pod(self):
        objects = manifests.chart(HELM, "job-full")
        for one in objects:
            if one["metadata"]["name"] not in {"mine", "checkout-yours"}:
                assert one["metadata"]["labels"]["cost-centre"] == "42"
                assert one["metadata"]["annotations"]["example.com/owner"] == "perf"
        for role, pod in objects.workloads():
            assert pod["hostAliases"][0]["ip"] == "10.0.0.1", role
            assert pod["dnsConfig"]["options"] == [{"name": "ndots", "value": "2"}]
            assert (pod["runtimeClassName"], pod["schedulerName"]) == ("gvisor", "default-scheduler")
            assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert objects.container("master")["lifecycle"]["preStop"]
        assert objects.pod_labels("worker")["team"] == "checkout"

    def test_objects_of_the_users_own(self):
        names = {one["metadata"]["name"] for one in manifests.chart(HELM, "job-full").of("ConfigMap")}
        assert {"mine", "checkout-yours"} <= names

    def test_the_image(self):
        images = [
            manifests.chart(HELM, values).container("master")["image"] for values in ("job", "job-volume", "job-full")
        ]
        version = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text())["appVersion"]
        assert images[0] == f"registry.example.com/locust-cw:{version}"
        assert images[1] == "registry.example.com/locust-cw:7"
        assert images[2].startswith("registry.example.com/locust-cw@sha256:1111")


class TestHelmTest:
    def test_doctor_runs_under_the_masters_account(self):
        objects = manifests.chart(HELM, "job-full")
        (pod,) = objects.of("Pod")
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
        assert objects.pod("doctor")["serviceAccountName"] == objects.pod("master")["serviceAccountName"]
        assert objects.container("doctor")["command"] == ["locust-cw", "doctor"]
        assert objects.container("doctor")["envFrom"] == objects.container("master")["envFrom"]
        assert objects.environment("doctor") == objects.environment("master")
        assert objects.container("doctor")["image"] == objects.container("master")["image"]

    def test_doctor_sends_only_when_asked_to(self):
        objects = manifests.chart_with("job", doctor={"send": True})
        assert objects.container("doctor")["command"] == ["locust-cw", "doctor", "--send"]

    def test_workers_do_not_take_it_for_their_master(self):
        objects = manifests.chart(HELM, "web")
        (pod,) = objects.of("Pod")
        for service in objects.of("Service"):
            assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_both_helms_make_the_same_of_the_same_values():
    for values in manifests.VALUES:
        first, second = (manifests.chart(helm, values) for helm in manifests.deploy_tools.HELMS)
        assert sorted(map(json.dumps, first)) == sorted(map(json.dumps, second))


def test_the_plain_manifests_run_what_the_chart_runs():
    chart, plain = manifests.chart(HELM, "job"), manifests.kustomized("kubectl-1.34.0", "base")
    for role in ("master", "worker"):
        for key in ("command", "securityContext", "resources"):
            assert plain.container(role)[key] == chart.container(role)[key]
        assert plain.pod(role)["terminationGracePeriodSeconds"] == chart.pod(role)["terminationGracePeriodSeconds"]
        for key in ("podFailurePolicy", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
            assert plain.workload(role)["spec"][key] == chart.workload(role)["spec"][key]
    assert plain.pod("master")["affinity"] == chart.pod("master")["affinity"]


def test_a_changed_locustfile_has_another_name_with_kustomize():
    names = [one["metadata"]["name"] for one in manifests.kustomized("kubectl-1.34.0", "base").of("ConfigMap")]
    assert len(names) == 2
    assert not {"locust-cw-locustfile", "locust-cw-options"} & set(names)
