"""What only one mode or one value does."""

from __future__ import annotations

import json

import pytest
import yaml

from support import manifests

HELM = "helm-4.3.1"


def args(objects, role="master"):
    return objects.container(role)["args"]


class TestRuns:
    def test_each_run_has_jobs_of_its_own(self):
        first, second = (manifests.chart_with("job", job={"runId": run}) for run in ("a", "b"))
        names = [{one["metadata"]["name"] for one in objects.of("Job")} for objects in (first, second)]
        assert names[0].isdisjoint(names[1])
        assert len(names[0] | names[1]) == 4

    def test_a_run_is_named_after_the_revision_by_default(self):
        # helm template's revision is always 1.
        assert manifests.chart(HELM, "job").workload("master")["metadata"]["name"] == "checkout-locust-cw-master-1"
        assert ".Release.Revision" in (manifests.CHART / "templates" / "_names.tpl").read_text()

    def test_workers_of_a_new_run_do_not_meet_the_old_master(self):
        old, new = (manifests.chart_with("job", job={"runId": run}) for run in ("a", "b"))
        (service,) = new.of("Service")
        assert not service["spec"]["selector"].items() <= old.pod_labels("master").items()

    @pytest.mark.parametrize(
        ("run_time", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h3m4s", 7384)]
    )
    def test_the_deadline_follows_the_run_time(self, run_time, seconds):
        objects = manifests.chart_with("job", locust={"runTime": run_time, "expectWorkersMaxWaitSeconds": 100})
        for role in ("master", "worker"):
            assert objects.workload(role)["spec"]["activeDeadlineSeconds"] == seconds + 100 + 75 + 600

    def test_a_deadline_of_the_users_own(self):
        assert manifests.chart(HELM, "job-volume").workload("master")["spec"]["activeDeadlineSeconds"] == 7200

    @pytest.mark.parametrize(
        ("stop_s", "flush_s", "master_s", "worker_s"), [(0, 30, 75, 30), (10, 30, 75, 40), (60, 30, 115, 90), (5, 120.5, 257, 35)]
    )
    def test_grace_periods_follow_stop_and_flush_timeout(self, stop_s, flush_s, master_s, worker_s):
        objects = manifests.chart_with(
            "job", locust={"runTime": "1m", "stopTimeoutSeconds": stop_s}, cloudwatch={"flushTimeout": flush_s}
        )
        assert objects.pod("master")["terminationGracePeriodSeconds"] == master_s
        assert objects.pod("worker")["terminationGracePeriodSeconds"] == worker_s

    def test_the_jobs_have_labels_and_annotations_for_queues(self):
        for job in manifests.chart(HELM, "job-full").of("Job"):
            assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "tests"
            assert job["metadata"]["annotations"]["example.com/team"] == "checkout"

    def test_no_web_ui_is_served(self):
        objects = manifests.chart(HELM, "job-full")
        assert [one["metadata"]["name"] for one in objects.of("Service")] == ["checkout-locust-cw-master"]
        assert not objects.of("Ingress")


class TestLocustsOptions:
    def test_all_of_them(self):
        assert args(manifests.chart(HELM, "job-full")) == [
            "--master",
            *("--exclude-tags", "broken", "--tags", "fast", "slow"),
            "--locustfile=/mnt/locust/locustfile.py",
            "--headless",
            *("--expect-workers=20", "--expect-workers-max-wait=600"),
            *("--host=https://checkout.example.com", "--run-time=1h30m", "--spawn-rate=2.5", "--users=1000"),
            *("--stop-timeout=90", "--exit-code-on-error=0", "--loglevel=INFO"),
            *("--enable-rebalancing", "--only-summary"),
            *("Buyer", "Seller"),
            "--reset-stats",
        ]

    def test_locust_takes_them(self):
        from locust.argument_parser import parse_options

        parsed = parse_options(args(manifests.chart(HELM, "job-full"))[:-1])
        assert parsed.user_classes == ["Buyer", "Seller"]
        assert (parsed.tags, parsed.exclude_tags) == (["fast", "slow"], ["broken"])
        assert (parsed.num_users, parsed.run_time, parsed.expect_workers) == (1000, 5400, 20)
        worker = parse_options(args(manifests.chart(HELM, "job"), "worker"))
        assert (worker.worker, worker.master_host, worker.master_port) == (True, "checkout-locust-cw-master", 5557)

    @pytest.mark.parametrize("users", [1_000_000, 12_345_678])
    def test_large_numbers_stay_whole(self, users):
        assert f"--users={users}" in args(manifests.chart_with("job", locust__users=users))

    def test_expect_workers_follows_the_replicas_or_is_less(self):
        assert "--expect-workers=9" in args(manifests.chart_with("job", worker__replicas=9))
        assert "--expect-workers=8" in args(manifests.chart_with("job", worker__replicas=9, locust__expectWorkers=8))

    def test_a_web_ui_waits_for_nobody_unless_it_starts_by_itself(self):
        assert not [one for one in args(manifests.chart(HELM, "web")) if one.startswith(("--expect", "--autostart"))]
        assert {"--autostart", "--expect-workers=3"} <= set(args(manifests.chart(HELM, "web-hpa")))
        assert {"--autostart", "--expect-workers=4"} <= set(args(manifests.chart(HELM, "web-keda")))


class TestLocustfiles:
    def test_from_a_config_map_with_files_beside_it_and_a_lib_folder(self):
        objects = manifests.chart(HELM, "job-full")
        assert set(objects.named("ConfigMap", "checkout-locust-cw-locustfile")["data"]) == {"locustfile.py", "data.csv"}
        assert set(objects.named("ConfigMap", "checkout-locust-cw-lib")["data"]) == {"common.py", "__init__.py"}
        for role in ("master", "worker"):
            mounts = {one["name"]: one["mountPath"] for one in objects.container(role)["volumeMounts"]}
            assert mounts["locustfile"] == "/mnt/locust"
            assert mounts["lib"] == "/mnt/locust-lib/lib"
            assert "/mnt/locust-lib" in objects.environment(role)["PYTHONPATH"].split(":")

    def test_from_the_image(self):
        objects = manifests.chart(HELM, "web-keda")
        for role in ("master", "worker"):
            assert "--locustfile=/locust/locustfile.py" in args(objects, role)
            assert "/mnt/locust" not in [one["mountPath"] for one in objects.container(role)["volumeMounts"]]

    def test_from_a_volume_that_an_init_container_fills(self):
        objects = manifests.chart(HELM, "job-volume")
        for role in ("master", "worker"):
            pod = objects.pod(role)
            assert {"name": "locustfile", "emptyDir": {}} in pod["volumes"]
            assert pod["initContainers"][0]["volumeMounts"] == [{"name": "locustfile", "mountPath": "/mnt/locust"}]
            assert "--locustfile=/mnt/locust/checkout.py" in args(objects, role)
            assert {"name": "lib", "configMap": {"name": "shared-lib"}} in pod["volumes"]

    def test_from_a_config_map_of_others(self):
        objects = manifests.chart(HELM, "web-configmap")
        assert {"name": "locustfile", "configMap": {"name": "tests"}} in objects.pod("worker")["volumes"]
        assert objects.workload("worker")["spec"]["template"]["metadata"]["annotations"]["checksum/tests"] == "1"

    @pytest.mark.parametrize(
        "change", [{"locustfile__content": "import other\n"}, {"locustfile__lib": {"a.py": ""}}, {"locustfile__files": {"a": "1"}}]
    )
    def test_a_change_rolls_master_and_workers(self, change):
        before, after = manifests.chart_with("web"), manifests.chart_with("web", **change)
        for role in ("master", "worker"):
            assert annotations(before, role) != annotations(after, role)

    def test_a_change_of_options_or_rules_rolls_the_master_alone(self):
        before = manifests.chart_with("web")
        for change in ({"cloudwatch__service": "other"}, {"cloudwatch__rules": "[[rule]]\n"}):
            after = manifests.chart_with("web", **change)
            assert annotations(before, "master") != annotations(after, "master")
            assert annotations(before, "worker") == annotations(after, "worker")


def annotations(objects, role):
    return objects.workload(role)["spec"]["template"]["metadata"]["annotations"]


class TestScaling:
    @pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
    @pytest.mark.parametrize(("values", "kind"), [("web-hpa", "HorizontalPodAutoscaler"), ("web-keda", "ScaledObject")])
    def test_an_autoscaler_alone_says_how_many_workers_there_are(self, helm, values, kind):
        objects = manifests.chart(helm, values)
        (scaler,) = objects.of(kind)
        worker = objects.workload("worker")
        assert "replicas" not in worker["spec"]
        assert scaler["spec"]["scaleTargetRef"] == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": worker["metadata"]["name"],
        }
        assert objects.workload("master")["spec"]["replicas"] == 1

    def test_without_one_the_values_do(self):
        objects = manifests.chart(HELM, "web-configmap")
        assert objects.workload("worker")["spec"]["replicas"] == 7
        assert not [one for one in objects if one["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}]

    def test_hpa(self):
        (scaler,) = manifests.chart(HELM, "web-hpa").of("HorizontalPodAutoscaler")
        assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 30)
        assert scaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70

    def test_keda(self):
        (scaler,) = manifests.chart(HELM, "web-keda").of("ScaledObject")
        assert scaler["apiVersion"] == "keda.sh/v1alpha1"
        assert (scaler["spec"]["minReplicaCount"], scaler["spec"]["maxReplicaCount"]) == (4, 10)
        assert scaler["spec"]["triggers"][0]["type"] == "cron"

    @pytest.mark.parametrize(("values", "least"), [("job-full", 18), ("web-hpa", "50%")])
    def test_disruption_budgets(self, values, least):
        objects = manifests.chart(HELM, values)
        for role, expected in (("master", 1), ("worker", least)):
            (budget,) = objects.of("PodDisruptionBudget", role)
            assert budget["spec"]["minAvailable"] == expected
            assert budget["spec"]["selector"]["matchLabels"].items() <= objects.pod_labels(role).items()
        assert not manifests.chart(HELM, "job").of("PodDisruptionBudget")


class TestEviction:
    SAFE = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}

    def test_the_master_asks_to_stay_and_keeps_off_spot_nodes(self):
        objects = manifests.chart(HELM, "job")
        assert annotations(objects, "master").items() >= self.SAFE.items()
        (term,) = objects.pod("master")["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
            "nodeSelectorTerms"
        ]
        # NotIn is true of nodes without the label.
        assert {(one["key"], one["operator"], *one["values"]) for one in term["matchExpressions"]} == {
            ("karpenter.sh/capacity-type", "NotIn", "spot"),
            ("eks.amazonaws.com/capacityType", "NotIn", "SPOT"),
        }
        assert not self.SAFE.keys() & annotations(objects, "worker").keys()

    def test_both_can_be_changed(self):
        objects = manifests.chart(HELM, "job-volume")
        assert "affinity" not in objects.pod("master")
        assert not self.SAFE.keys() & annotations(objects, "master").keys()
        assert annotations(manifests.chart(HELM, "job-full"), "worker").items() >= self.SAFE.items()
        assert "a-master" not in json.dumps(manifests.chart(HELM, "web-keda").pod("master")["affinity"])

    def test_nodes_are_chosen_by_the_values(self):
        pod = manifests.chart(HELM, "job-full").pod("master")
        assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
        assert pod["tolerations"][0]["key"] == "dedicated"
        assert pod["priorityClassName"] == "high"
        assert manifests.chart(HELM, "job-full").pod("worker")["tolerations"] == [{"key": "spot", "operator": "Exists"}]


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
        assert "--web-login" in args(objects)
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
    def test_sidecars_end_with_the_run(self):
        (sidecar,) = manifests.chart(HELM, "job-full").pod("master")["initContainers"]
        assert (sidecar["name"], sidecar["restartPolicy"]) == ("tunnel", "Always")
        assert len(manifests.chart(HELM, "job-full").pod("master")["containers"]) == 1

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
        images = [manifests.chart(HELM, values).container("master")["image"] for values in ("job", "job-volume", "job-full")]
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
