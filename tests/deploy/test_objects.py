"""What must hold of everything that is rendered, by both Helms from each file of values and by both kustomizes."""

from __future__ import annotations

import functools
import json

import kubernetes_validate.utils as validation
import pytest

from support.deployment import manifests

KUBERNETES = tuple(f"1.{minor}" for minor in range(31, 38))
CUSTOM = {"ScaledObject"}  # no schema of Kubernetes' own; see test_scaling.py

# It reads a file of 1 MB for each object otherwise.
validation.schema_contents = functools.cache(validation.schema_contents)


@pytest.fixture(params=manifests.RENDERINGS)
def objects(request):
    """What Helm and kustomize make, one after another."""
    return manifests.rendering(request.param)


@functools.cache
def _validate(document, version):
    validation.validate(json.loads(document), version, strict=True)


@pytest.mark.parametrize("version", KUBERNETES)
def test_each_object_has_the_strict_schema_of_each_kubernetes(objects, version):
    checked = [one for one in objects if one["kind"] not in CUSTOM]
    for one in checked:
        _validate(json.dumps(one, sort_keys=True), version)
    assert len(checked) >= 6


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_strict_schemas_refuse_a_field_that_does_not_exist(version):
    wrong = {**manifests.chart("helm-4.3.1", "job").workload("master")}
    wrong["spec"] = {**wrong["spec"], "backofLimit": 0}
    with pytest.raises(validation.ValidationError, match="backofLimit"):
        validation.validate(wrong, version, strict=True)


def test_no_object_is_there_twice(objects):
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))


def test_names_fit_into_a_label(objects):
    for one in objects:
        longest = 63 - len("-9999") if one["kind"] == "Job" else 63
        assert len(one["metadata"]["name"]) <= longest


def test_services_select_the_master_alone(objects):
    services = objects.of("Service")
    assert services
    for service in services:
        selector = service["spec"]["selector"].items()
        assert selector <= objects.pod_labels("master").items()
        assert not selector <= objects.pod_labels("worker").items()


def test_services_lead_to_ports_that_the_master_opens(objects):
    opened = {port["name"]: port["containerPort"] for port in objects.container("master")["ports"]}
    led = [port["targetPort"] for service in objects.of("Service") for port in service["spec"]["ports"]]
    assert set(led) == set(opened)
    assert opened["workers"] == 5557


def test_only_the_web_ui_opens_8089(objects):
    ports = [port["containerPort"] for port in objects.container("master")["ports"]]
    is_web = objects.workload("master")["kind"] == "Deployment"
    assert (8089 in ports) is is_web
    assert ("--headless" in objects.container("master")["args"]) is not is_web
    probed = json.dumps({key: value for key, value in objects.container("master").items() if key.endswith("Probe")})
    assert ('"web"' in probed) is is_web
    assert "8089" not in probed


def test_workers_find_the_master_before_it_is_ready(objects):
    arguments = {one.partition("=")[0]: one.partition("=")[2] for one in objects.container("worker")["args"]}
    host = arguments.get("--master-host") or objects.environment("worker")["LOCUST_MASTER_NODE_HOST"]
    service = objects.named("Service", host)
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert [port["port"] for port in service["spec"]["ports"]] == [int(arguments["--master-port"])]
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_deployments_select_their_own_pods(objects):
    for role in ("master", "worker"):
        if (workload := objects.workload(role))["kind"] == "Deployment":
            selector = workload["spec"]["selector"]["matchLabels"].items()
            assert selector <= objects.pod_labels(role).items()
            other = {"master": "worker", "worker": "master"}[role]
            assert not selector <= objects.pod_labels(other).items()
            assert workload["spec"]["strategy"] == {"type": "Recreate"}


def test_a_job_has_an_end_and_stays_to_be_read(objects):
    for job in objects.of("Job"):
        assert job["spec"]["ttlSecondsAfterFinished"] >= 3600
        assert job["spec"]["activeDeadlineSeconds"] > 600
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_an_evicted_master_fails_its_job(objects):
    for job in objects.of("Job", "master"):
        assert job["spec"]["backoffLimit"] == 0
        assert job["spec"]["podFailurePolicy"]["rules"] == [
            {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        ]
        assert "code=143" in job["spec"]["template"]["spec"]["containers"][0]["command"][2]


def test_a_job_of_workers_replaces_evicted_ones_and_survives_crashed_ones(objects):
    for job in objects.of("Job", "worker"):
        assert job["spec"]["parallelism"] == job["spec"]["completions"] >= 1
        assert job["spec"]["completionMode"] == "Indexed"
        assert "backoffLimitPerIndex" in job["spec"]
        assert "backoffLimit" not in job["spec"]
        assert job["spec"]["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
        assert "--exit-code-on-error=0" in objects.container("worker")["args"]


def test_the_master_waits_for_all_workers_of_a_job(objects):
    for job in objects.of("Job", "worker"):
        assert f"--expect-workers={job['spec']['parallelism']}" in objects.container("master")["args"]


def test_grace_periods_outlast_what_the_processes_do_at_their_end(objects):
    stop_s = next(
        float(one.partition("=")[2]) for one in objects.container("master")["args"] if one.startswith("--stop-timeout")
    )
    flush_s = float(objects.options().get("LOCUST_CW_FLUSH_TIMEOUT", 30))
    # live/end.py: the drain, then the flush. live/worker/worker.py: 18 s for the last word.
    needed_s = {"master": max(flush_s, stop_s + 10) + flush_s, "worker": stop_s + 18}
    for role, seconds in needed_s.items():
        grace_s = objects.pod(role)["terminationGracePeriodSeconds"]
        is_users_own = grace_s in {300, 20}  # of job-volume.yaml and web-configmap.yaml
        assert is_users_own or seconds + 10 <= grace_s <= seconds + 30


def test_nobody_runs_as_root_or_can_write_the_root_filesystem(objects):
    for role, pod in objects.workloads():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, role


def test_pods_have_nothing_that_the_restricted_pod_security_standard_refuses(objects):
    """Beside what the contexts say, see above."""
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for role, pod in objects.workloads():
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & pod.keys(), role
        assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= allowed
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert not [port for port in container.get("ports", []) if "hostPort" in port]


def test_home_and_tmp_can_be_written(objects):
    for _, pod in objects.workloads():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
            home = next(one["value"] for one in container["env"] if one["name"] == "HOME")
            assert "emptyDir" in mounted["/tmp"]
            assert "emptyDir" in mounted[home]


def test_every_mount_has_a_volume_and_every_volume_a_mount(objects):
    for role, pod in objects.workloads():
        containers = [*pod["containers"], *pod.get("initContainers", [])]
        mounted = {mount["name"] for one in containers for mount in one.get("volumeMounts", [])}
        assert {volume["name"] for volume in pod["volumes"]} == mounted, role


def test_what_is_mounted_from_here_exists(objects):
    made = {one["metadata"]["name"] for one in objects.of("ConfigMap")}
    others = {"certs", "shared-lib", "tests", "stage"}
    for _, pod in objects.workloads():
        mounted = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
        read = {
            one["configMapRef"]["name"]
            for container in pod["containers"]
            for one in container.get("envFrom", [])
            if "configMapRef" in one
        }
        assert mounted | read <= made | others


def test_services_of_the_namespace_are_not_injected(objects):
    # A service called locust-web would set LOCUST_WEB_PORT, which Locust reads.
    for _, pod in objects.workloads():
        assert pod["enableServiceLinks"] is False


def test_master_and_workers_have_accounts_apart(objects):
    master, worker = (objects.pod(role)["serviceAccountName"] for role in ("master", "worker"))
    assert master != worker
    made = {one["metadata"]["name"] for one in objects.of("ServiceAccount")}
    assert {master, worker} <= made or not made


def test_workers_have_no_role_of_ours(objects):
    roles = {
        role: one["metadata"].get("annotations", {}).get("eks.amazonaws.com/role-arn", "")
        for role in ("master", "worker")
        for one in objects.of("ServiceAccount")
        if one["metadata"]["name"] == objects.pod(role)["serviceAccountName"]
    }
    assert not roles or "locust-cw" not in roles["worker"]
    environment = json.dumps(objects.container("worker").get("env")) + json.dumps(
        objects.container("worker").get("envFrom", [])
    )
    assert "LOCUST_CW" not in environment
    assert "-options" not in environment


def test_workers_have_neither_token_nor_metadata_unless_asked_for(objects):
    asked_for = objects.pod("worker")["automountServiceAccountToken"]
    assert asked_for == ("shared-lib" in json.dumps(objects.pod("worker")["volumes"]))  # job-volume.yaml asks
    disabled = objects.environment("worker").get("AWS_EC2_METADATA_DISABLED")
    assert disabled == (None if asked_for else "true")


def test_tokens_are_mounted_by_nobody_else(objects):
    for role, pod in objects.workloads():
        if role != "worker":
            assert pod["automountServiceAccountToken"] is False


def test_cpu_is_requested_and_not_limited(objects):
    # Starved workers miss heartbeats; throttled ones too.
    for role, pod in objects.workloads():
        for container in pod["containers"]:
            assert container["resources"]["requests"]["cpu"], role
            assert "cpu" not in container["resources"]["limits"]
            assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]


def test_workers_are_spread(objects):
    spread = objects.pod("worker")["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for one in spread:
        selector = one["labelSelector"]["matchLabels"].items()
        assert selector <= objects.pod_labels("worker").items()
        assert not selector <= objects.pod_labels("master").items()


def test_nothing_is_installed_at_the_start(objects):
    for _, pod in objects.workloads():
        for container in pod["containers"]:
            assert "pip" not in json.dumps([container["command"], container.get("args")])


def test_no_secret_is_an_argument(objects):
    for _, pod in objects.workloads():
        for container in pod["containers"]:
            words = json.dumps([container["command"], container.get("args")]).lower()
            assert not [one for one in ("password", "secret", "token", "web-auth") if one in words]
            assert "$(" not in words  # Kubernetes would put a variable's value there


def test_a_master_that_is_not_a_web_ui_has_a_readiness_that_can_pass(objects):
    probes = {key: value for key, value in objects.container("master").items() if key.endswith("Probe")}
    assert {"startupProbe", "readinessProbe"} <= probes.keys()
    opened = {port["name"] for port in objects.container("master")["ports"]}
    for probe in probes.values():
        (handler,) = (probe[key] for key in ("tcpSocket", "httpGet") if key in probe)
        assert handler["port"] in opened
    assert not [key for key in objects.container("worker") if key.endswith("Probe")]
