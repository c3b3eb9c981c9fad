"""What is given under a name that the chart uses: there once, yours if the chart works with it, else refused."""

from __future__ import annotations

import pytest
import yaml
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from support.deployment import manifests

HELMS = manifests.deploy_tools.HELMS


class UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is there twice, which YAML's loaders otherwise take."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return super().construct_mapping(node, deep)


def rendered(helm, base, **changes):
    """The objects, none of which has a key, a variable, a volume, a mount, a port or a container twice."""
    text = manifests.template(helm, "--values", "-", text=yaml.safe_dump(manifests.values_with(base, **changes)))
    objects = manifests.Objects(one for one in yaml.load_all(text, UniqueKeys) if one)
    for _, pod in objects.workloads():
        containers = [*pod["containers"], *pod.get("initContainers", [])]
        named = [containers, pod["volumes"]]
        for one in containers:
            named += [one.get("env", []), one.get("ports", [])]
            paths = [mount["mountPath"].rstrip("/") for mount in one.get("volumeMounts", [])]
            assert len(paths) == len(set(paths)), paths
        for items in named:
            names = [item["name"] for item in items]
            assert len(names) == len(set(names)), names
    return objects


@pytest.mark.parametrize("helm", HELMS)
def test_what_is_given_goes_before_what_is_the_charts_own(helm):
    objects = rendered(
        helm,
        "job-full",
        extraEnv=[
            {"name": "HOME", "value": "/tmp"},
            {"name": "STAGE", "value": "a"},
            {"name": "URL", "value": "$(STAGE)"},
        ],
        master__extraEnv=[{"name": "STAGE", "value": "b"}, {"name": "NO_PROXY", "value": "*"}],
        worker__extraEnv=[{"name": "AWS_EC2_METADATA_DISABLED", "value": "false"}, {"name": "HOME", "value": "/h"}],
        commonLabels={"helm.sh/chart": "mine", "team": "common", "app.kubernetes.io/part-of": "shop"},
        podLabels={"team": "pods", "app.kubernetes.io/version": "7"},
        worker__podLabels={"team": "workers"},
        commonAnnotations={"karpenter.sh/do-not-disrupt": "false", "owner": "common"},
        podAnnotations={"checksum/locustfile": "mine", "owner": "pods"},
        job__annotations={"owner": "jobs"},
        job__labels={"team": "jobs"},
        extraVolumes=[
            {"name": "tmp", "emptyDir": {"medium": "Memory"}},
            {"name": "certs", "secret": {"secretName": "a"}},
        ],
        master__extraVolumes=[{"name": "certs", "secret": {"secretName": "b"}}],
        extraVolumeMounts=[{"name": "certs", "mountPath": "/etc/certs"}, {"name": "tmp", "mountPath": "/tmp/"}],
        master__extraVolumeMounts=[{"name": "certs", "mountPath": "/etc/certs/", "readOnly": True}],
    )
    master, worker = (objects.environment(role) for role in ("master", "worker"))
    assert (master["HOME"], master["STAGE"], master["NO_PROXY"]) == ("/tmp", "b", "*")
    assert (worker["HOME"], worker["STAGE"], worker["AWS_EC2_METADATA_DISABLED"]) == ("/h", "a", "false")
    # A reference is to a variable before it.
    names = [one["name"] for one in objects.container("master")["env"]]
    assert names.index("STAGE") < names.index("URL")
    assert [objects.pod_labels(role)["team"] for role in ("master", "worker")] == ["pods", "workers"]
    assert objects.pod_labels("master")["app.kubernetes.io/version"] == "7"
    assert objects.workload("master")["metadata"]["labels"]["team"] == "jobs"
    assert objects.workload("master")["metadata"]["annotations"]["owner"] == "jobs"
    for one in objects.of("Service"):
        labels = one["metadata"]["labels"]
        assert (labels["helm.sh/chart"], labels["app.kubernetes.io/part-of"], labels["team"]) == (
            "mine",
            "shop",
            "common",
        )
    annotations = objects.pod_annotations("master")
    assert annotations["karpenter.sh/do-not-disrupt"] == "false"
    assert (annotations["checksum/locustfile"], annotations["owner"]) == ("mine", "pods")
    volumes = {one["name"]: one for one in objects.pod("master")["volumes"]}
    assert volumes["tmp"]["emptyDir"] == {"medium": "Memory"}
    assert volumes["certs"]["secret"]["secretName"] == "b"
    mounts = {one["mountPath"]: one for one in objects.container("master")["volumeMounts"]}
    assert mounts["/etc/certs/"]["readOnly"] is True


@pytest.mark.parametrize("base", ["job", "web"])
def test_a_probe_has_one_way_to_ask(base):
    probes = {
        "startupProbe": {"exec": {"command": ["true"]}},
        "readinessProbe": {"tcpSocket": {"port": 5557}},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 9000}},
    }
    container = manifests.chart_with(base, master=probes).container("master")
    for probe, handler in probes.items():
        asked = {
            key: value for key, value in container[probe].items() if key in {"exec", "grpc", "httpGet", "tcpSocket"}
        }
        assert asked.keys() == handler.keys()
    assert container["readinessProbe"]["tcpSocket"]["port"] == 5557
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


def test_the_pod_of_helm_test_mounts_only_what_it_has():
    mounts = [{"name": "results", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/cache"}]
    objects = manifests.chart_with("job", master={"extraVolumeMounts": mounts})
    paths = {
        role: [one["mountPath"] for one in objects.container(role)["volumeMounts"]] for role in ("master", "doctor")
    }
    assert {"/data", "/cache"} <= set(paths["master"])
    assert "/cache" in paths["doctor"]
    assert "/data" not in paths["doctor"]


SELECTED_BY = ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "locust-cw/run"]


@pytest.mark.parametrize(
    ("where", "key"),
    [
        *(("podLabels", key) for key in [*SELECTED_BY, "batch.kubernetes.io/job-name", "pod-template-hash"]),
        *(
            (where, SELECTED_BY[1])
            for where in ("commonLabels", "master__podLabels", "worker__podLabels", "job__labels")
        ),
    ],
)
def test_labels_that_are_selected_by_are_refused(where, key):
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_with("job", **{where: {key: "x"}})
    assert f"{where.replace('__', '.')}: {key} can't be changed: Services and policies select by it" in str(
        refused.value
    )


def test_all_that_is_selected_by_is_refused():
    objects = manifests.chart("helm-4.3.1", "job-full")
    selectors = [one["spec"]["selector"] for one in objects.of("Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in objects.of("PodDisruptionBudget")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in objects.of("NetworkPolicy")]
    assert {key for one in selectors for key in one} == set(SELECTED_BY)


VOLUME = {"emptyDir": {}}
REFUSED = [
    (
        "job",
        {"extraEnv": [{"name": "LOCUST_CW_FLUSH_TIMEOUT", "value": "9"}]},
        "is a value of cloudwatch, which is set, too",
    ),
    ("job", {"master__extraEnv": [{"name": "LOCUST_CW_SPOOL_DIR", "value": "/a"}]}, "is a value of cloudwatch"),
    ("job", {"extraEnv": [{"name": "LOCUST_MASTER_BIND_PORT", "value": "1"}]}, "is the chart's own; see mode"),
    (
        "web",
        {"worker__extraEnv": [{"name": "LOCUST_PROCESSES", "value": "4"}]},
        "worker.extraEnv: LOCUST_PROCESSES is the",
    ),
    ("job", {"extraVolumes": [{"name": "spool", **VOLUME}]}, "the volume spool is the chart's own; see spool"),
    ("job", {"master__extraVolumes": [{"name": "locustfile", **VOLUME}]}, "the volume locustfile is the chart's own"),
    (
        "job-full",
        {"extraVolumes": [{"name": "lib", **VOLUME}]},
        "the volume lib is the chart's own; see locustfile.lib",
    ),
    ("job-full", {"extraVolumes": [{"name": "rules", **VOLUME}]}, "the volume rules is the chart's own"),
    ("web-hpa", {"extraVolumes": [{"name": "tls", **VOLUME}]}, "the volume tls is the chart's own; see web.tls"),
    (
        "job",
        {"extraVolumeMounts": [{"name": "tmp", "mountPath": "/mnt/locust/"}]},
        "where the chart's own volume locustfile is",
    ),
    ("job", {"master__extraVolumeMounts": [{"name": "tmp", "mountPath": "/var/spool/locust-cw"}]}, "volume spool is"),
    ("job", {"extraVolumeMounts": [{"name": "nosuch", "mountPath": "/a"}]}, 'got the volume "nosuch", must be one of'),
    (
        "job",
        {"master__sidecars": [{"name": "locust", "image": "a"}]},
        "a container locust is there already, the chart's own",
    ),
    (
        "job",
        {"worker__initContainers": [{"name": "a", "image": "a"}, {"name": "a", "image": "b"}]},
        "a container a is there",
    ),
    (
        "job",
        {"master__sidecars": [{"name": "a", "image": "a", "ports": [{"containerPort": 5557}]}]},
        "port workers (5557)",
    ),
    (
        "job",
        {"worker__sidecars": [{"name": "a", "image": "a", "restartPolicy": "Never"}]},
        "must be Always or left out",
    ),
    (
        "web",
        {"master__sidecars": [{"name": "a", "image": "a", "ports": [{"name": "web", "containerPort": 80}]}]},
        "the port web (8089), which is the chart's own",
    ),
    ("job", {"locustfile__files": {"locustfile.py": "a"}}, "locustfile.py is the locustfile itself"),
    (
        "job-full",
        {"serviceAccount__master__annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/other"}},
        "is that of aws.irsaRoleArn; set one of them",
    ),
]


@pytest.mark.parametrize(("base", "changes", "words"), REFUSED, ids=lambda one: str(one)[:50])
def test_what_would_break_the_chart_is_refused(base, changes, words):
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_with(base, **changes)
    assert words in str(refused.value)


def test_names_that_the_chart_does_not_use_now_are_free():
    objects = rendered(
        "helm-4.3.1",
        "job",
        extraVolumes=[{"name": "lib", **VOLUME}, {"name": "tls", **VOLUME}, {"name": "rules", **VOLUME}],
        extraVolumeMounts=[{"name": "lib", "mountPath": "/mnt/locust-lib/lib"}, {"name": "tls", "mountPath": "/tls"}],
        worker__extraVolumes=[{"name": "spool", **VOLUME}],
        worker__extraEnv=[{"name": "LOCUST_CW_SPOOL_DIR", "value": "/a"}],
        extraEnv=[{"name": "LOCUST_CW_SERVICE", "value": "x"}, {"name": "LOCUST_HOST", "value": "http://x"}],
        master__sidecars=[{"name": "a", "image": "a", "ports": [{"name": "proxy", "containerPort": 8089}]}],
    )
    assert objects.environment("master")["LOCUST_CW_SERVICE"] == "x"


def test_each_variable_of_an_argument_that_is_refused_is_refused_too():
    """Locust reads an option from its variable as well; those of the user's own values are left to the argument."""
    parser = get_empty_argument_parser(add_help=False)
    setup_parser_arguments(parser)
    variables = {flag: one.env_var for one in parser._actions for flag in one.option_strings if one.env_var}
    arguments = (manifests.CHART / "templates" / "_checks.tpl").read_text()
    collisions = (manifests.CHART / "templates" / "_collisions.tpl").read_text()
    of_values = {
        "HOST",
        "USERS",
        "SPAWN_RATE",
        "RUN_TIME",
        "STOP_TIMEOUT",
        "TAGS",
        "EXCLUDE_TAGS",
        "EXIT_CODE_ON_ERROR",
    }
    of_values |= {"LOGLEVEL", "ONLY_SUMMARY", "ENABLE_REBALANCING"}
    found = set()
    for flag, variable in variables.items():
        if f'"{flag.removeprefix("--")}"' in arguments:
            name = variable.removeprefix("LOCUST_")
            found.add(name)
            assert (f'"{name}"' in collisions) is (name not in of_values), variable
    assert {"MODE_MASTER", "WEB_PORT", "EXPECT_WORKERS"} <= found
