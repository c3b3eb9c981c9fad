"""What the chart refuses, and with what words; and its README."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys

import pytest

from locust_cw_dist.settings.option import Group
from locust_cw_dist.settings.settings import OPTIONS
from support.deployment import manifests

# What is given -> what must stand in the message. With the values of job.yaml, or of web.yaml where the mode is set.
WRONG = [
    # No image, and what to do about it.
    ({"image__repository": ""}, "image.repository is required", "deploy/image/push.sh REPOSITORY"),
    # Names that do not exist: the near one.
    ({"locust__hots": "http://x"}, "locust.hots: no such value (did you mean locust.host?)"),
    ({"cloudwatch__max_endpoint": 5}, "cloudwatch.max_endpoint: no such value (did you mean cloudwatch.maxEndpoints?)"),
    ({"workers": {"replicas": 3}}, "workers: no such value (did you mean worker?)"),
    ({"replicas": 3}, "replicas: no such value (did you mean worker.replicas?)"),
    ({"RunTime": 3}, "RunTime: no such value (did you mean locust.runTime?)"),
    ({"web__login__secret": "x"}, "web.login.secret: no such value ('helm show values' lists all)"),
    ({"locust__user": 1, "image__tga": 2}, "image.tga: no such value (did you mean image.tag?), locust.user: no such"),
    # In types of Kubernetes' own.
    (
        {"worker__resources": {"request": {"cpu": 1}}},
        "'/worker/resources': additional properties 'request' not allowed",
    ),
    ({"extraEnv": [{"name": "A", "vale": "b"}]}, "'/extraEnv/0': additional properties 'vale' not allowed"),
    (
        {"extraEnv": [{"name": "A", "valueFrom": {"secretKeyRef": {"nam": "b", "key": "c"}}}]},
        "'/extraEnv/0/valueFrom/secretKeyRef': additional properties 'nam' not allowed",
    ),
    ({"extraVolumes": [{"name": "a", "secrt": {}}]}, "'/extraVolumes/0': additional properties 'secrt' not allowed"),
    (
        {"master__sidecars": [{"name": "a", "image": "b", "environment": []}]},
        "'/master/sidecars/0': additional properties 'environment' not allowed",
    ),
    ({"master__sidecars": [{"name": "a"}]}, "'/master/sidecars/0': missing property 'image'"),
    (
        {"worker__affinity": {"nodeAffinity": {"prefered": []}}},
        "'/worker/affinity/nodeAffinity': additional properties 'prefered' not allowed",
    ),
    ({"worker__tolerations": [{"efect": "x"}]}, "'/worker/tolerations/0': additional properties 'efect' not allowed"),
    ({"securityContext": {"runAsRoot": False}}, "'/securityContext': additional properties 'runAsRoot' not allowed"),
    (
        {"networkPolicy__workerEgress": [{"ports": [{"port": 443, "protocoll": "TCP"}]}]},
        "'/networkPolicy/workerEgress/0/ports/0': additional properties 'protocoll' not allowed",
    ),
    (
        {"mode": "web", "keda__triggers": [{"type": "cpu", "meta": {}, "metadata": {}}]},
        "'/keda/triggers/0': additional properties 'meta' not allowed",
    ),
    # Values.
    ({"mode": "headless"}, "'/mode': value must be one of 'job', 'web'"),
    ({"locust__runTime": "10 minutes"}, "'/locust/runTime'", "does not match pattern"),
    ({"locust__host": "https://user:secret@x"}, "'/locust/host'", "does not match pattern"),
    ({"locust__host": "checkout:8080"}, "'/locust/host'", "https?://"),
    ({"locust__users": 0}, "'/locust/users': minimum: got 0, want 1"),
    ({"locust__users": "many"}, "'/locust/users': got string, want"),
    ({"worker__replicas": 0}, "'/worker/replicas': minimum: got 0, want 1"),
    ({"worker__replicas": 2.5}, "'/worker/replicas': got number, want integer"),
    ({"job__ttlSecondsAfterFinished": 60}, "'/job/ttlSecondsAfterFinished'", "want 3,600|want 3600"),
    ({"job__runId": "Nightly_42"}, "'/job/runId'", "does not match pattern"),
    ({"job__runId": "a-name-with-more-than-16"}, "'/job/runId'", "does not match pattern"),
    ({"cloudwatch__resolution": 7}, "'/cloudwatch/resolution': value must be one of"),
    ({"cloudwatch__percentiles": [100]}, "'/cloudwatch/percentiles/0': exclusiveMaximum: got 100, want 100"),
    ({"cloudwatch__maxEndpoints": 1001}, "'/cloudwatch/maxEndpoints': maximum"),
    ({"cloudwatch__flushTimeout": 0}, "'/cloudwatch/flushTimeout': exclusiveMinimum: got 0, want 0"),
    ({"cloudwatch__reasons": "none"}, "'/cloudwatch/reasons': value must be one of"),
    ({"cloudwatch__ambiguous": "keep"}, "'/cloudwatch/ambiguous': value must be one of"),
    ({"cloudwatch__roleArn": "monitoring"}, "'/cloudwatch/roleArn'", "arn:aws"),
    ({"cloudwatch__group": ["no name"]}, "'/cloudwatch/group/0'", "does not match pattern"),
    ({"cloudwatch__record": "records"}, "'/cloudwatch/record'", "s3://"),
    ({"aws__identity": "IRSA"}, "'/aws/identity': value must be one of 'none', 'irsa', 'podIdentity', 'node'"),
    ({"proxy__url": "http://user:secret@proxy:3128"}, "'/proxy/url'", "does not match pattern"),
    ({"podDisruptionBudget__workerMinAvailable": "half"}, "'/podDisruptionBudget/workerMinAvailable'"),
    ({"image__digest": "sha256:12"}, "'/image/digest'", "[0-9a-f]{64}"),
    # What does not go together.
    ({"locust__runTime": ""}, "mode job: set locust.runTime", "job.activeDeadlineSeconds"),
    ({"locustfile__content": ""}, "set one of locustfile.content", "set: none"),
    ({"locustfile__imagePath": "/a.py"}, "set one of", "set: locustfile.content, locustfile.imagePath"),
    ({"locustfile__sample": True}, "locustfile.sample=true; set: locustfile.content, locustfile.sample"),
    ({"locustfile__content": "x" * 1_000_001}, "1000001 bytes", "locustfile.imagePath or locustfile.volume"),
    ({"locustfile__lib": {"a.py": "x" * 600_000, "b.py": "x" * 600_000}}, "locustfile.lib: 1200000 bytes"),
    ({"locustfile": {"imagePath": "/a.py", "files": {"a": "b"}}}, "locustfile.files lie beside locustfile.content"),
    ({"locustfile__lib": {"a.py": ""}, "locustfile__existingLibConfigMap": "x"}, "not both"),
    ({"autoscaling__enabled": True}, "autoscaling.enabled needs mode web"),
    ({"keda__enabled": True}, "keda.enabled needs mode web"),
    ({"ingress__enabled": True}, "ingress.enabled needs mode web"),
    ({"web__login": {"enabled": True}}, "need mode web"),
    ({"locust__autostart": True}, "need mode web"),
    ({"podDisruptionBudget__workerMinAvailable": "50%"}, "in mode job a whole number"),
    (
        {"mode": "web", "autoscaling__enabled": True, "keda__enabled": True},
        "autoscaling.enabled or keda.enabled, not both",
    ),
    (
        {"mode": "web", "autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 3}},
        "got 5, must be at most maxReplicas, 3",
    ),
    ({"mode": "web", "ingress__enabled": True}, "say in networkPolicy.webFrom where the ingress controller runs"),
    (
        {"mode": "web", "web__serviceType": "LoadBalancer"},
        "web.serviceType LoadBalancer: say in networkPolicy.webFrom who may reach the web UI",
    ),
    ({"locust__expectWorkers": 3}, "locust.expectWorkers: got 3, but there are 2 workers"),
    ({"locust__extraArgs": ["--expect-workers=9"]}, "--expect-workers=9 is the chart's own"),
    ({"locust__workerExtraArgs": ["--processes", "4"]}, "--processes is the chart's own; see mode, worker.replicas"),
    ({"locust__extraArgs": ["--cw-flush-timeout=600"]}, "--cw-flush-timeout=600 is a value of cloudwatch"),
    ({"aws": {"identity": "irsa"}}, "set aws.irsaRoleArn"),
    (
        {"aws": {"irsaRoleArn": "arn:aws:iam::123456789012:role/x"}},
        "aws.irsaRoleArn needs aws.identity irsa; it is none",
    ),
    ({"serviceAccount__master": {"create": False}}, "serviceAccount.master: set name where create is false"),
    (
        {"serviceAccount": {"master": {"name": "a"}, "worker": {"name": "a"}}},
        "must have different names: workers would get the master's role",
    ),
    ({"proxy": {"url": "http://a:1", "existingSecret": "b"}}, "proxy.url or proxy.existingSecret, not both"),
    ({"cloudwatch": {"externalId": "ab"}}, "cloudwatch.externalId: left out, or set together with cloudwatch.roleArn"),
    ({"cloudwatch": {"payloads": "/tmp/a"}}, "cloudwatch.payloads: left out, or set together with cloudwatch.dryRun"),
    (
        {"cloudwatch": {"required": True}},
        "cloudwatch.required: left out, or set together with cloudwatch.service or cloudwatch.namespace",
    ),
    ({"cloudwatch": {"junit": "/tmp/a"}}, "cloudwatch.junit: left out, or set together with cloudwatch.rules or"),
    ({"cloudwatch": {"rulesJson": "/tmp/a"}}, "cloudwatch.rulesJson: left out, or set together with cloudwatch.rules"),
    ({"cloudwatch": {"record": "/records"}}, 'cloudwatch.record: got "/records", must be below a volume', "or s3://"),
    (
        {"cloudwatch": {"rule": ["p95 < 1"], "junit": "/mnt/resultsX/a.xml"}},
        "cloudwatch.junit: got",
        "/mnt/results, ",
    ),
]


@pytest.mark.parametrize(("changes", "words"), [(one[0], one[1:]) for one in WRONG], ids=lambda one: str(one)[:60])
def test_wrong_values_are_refused_with_what_is_right(changes, words):
    base = changes.get("mode", "job") if changes.get("mode") in manifests.VALUES else "job"
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_with(base, **changes)
    message = str(refused.value)
    for word in words:
        assert any(each in message for each in word.split("|"))
    # One line with what is wrong; Helm's own may stand around it.
    assert len([line for line in message.splitlines() if words[0] in line]) == 1
    assert "nil pointer" not in message


@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
def test_both_helms_refuse(helm):
    for changes in ({"locust__hots": "x"}, {"image__repository": ""}):
        with pytest.raises(manifests.RenderError):
            manifests.chart_with("job", helm, **changes)


def test_a_file_on_a_volume_of_the_users_own_is_taken():
    mount = {
        "extraVolumes": [{"name": "mine", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "mine", "mountPath": "/mine/"}],
    }
    objects = manifests.chart_with("job", master=mount, cloudwatch={"record": "/mine/records"})
    assert objects.options()["LOCUST_CW_RECORD"] == "/mine/records"


README = (manifests.CHART / "README.md").read_text()


def schema():
    return json.loads((manifests.CHART / "values.schema.json").read_text())


def own_maps():
    """The paths of the maps whose names are the chart's own, which Helm's templates check and not the schema."""
    leaves = {re.match(r"\| `([a-zA-Z.]+)`", line)[1] for line in README.splitlines() if line.startswith("| `")}
    return {path.rpartition(".")[0] for path in leaves} | {"serviceAccount"}


def test_every_map_of_the_chart_refuses_an_unknown_name():
    values = manifests.values_with("job")
    for path in own_maps():
        node = values
        for name in filter(None, path.split(".")):
            node = node.setdefault(name, {})
        node["xyzzy"] = None if path == "web" else 1
    with pytest.raises(manifests.RenderError) as refused:
        manifests.chart_of(values)
    named = re.findall(r"([\w.]+): no such value", str(refused.value))
    assert sorted(named) == sorted(f"{path}.xyzzy".lstrip(".") for path in own_maps())


def test_the_schema_knows_every_value():
    def check(values, described, path):
        if "properties" not in described or "$ref" in described:
            return
        known = set(described["properties"]) - ({"global"} if not path else set())
        # Maps with a shape of their own, as resources, say more than the defaults.
        if set(values) - known or path == "":
            assert set(values) == known, path
        for key, value in values.items():
            if isinstance(value, dict):
                check(value, described["properties"][key], f"{path}/{key}")

    check(manifests.default_values(), schema(), "")


def test_no_part_of_the_schema_is_left_open_by_mistake():
    def objects(node, path="", is_schema=True):
        if isinstance(node, dict):
            if is_schema and ("properties" in node or "object" in (node.get("type") or ())):
                yield path, node
            for key, value in node.items():
                yield from objects(value, f"{path}/{key}", is_schema=key != "properties" or not is_schema)

    found = dict(objects(schema()))
    assert len(found) > 100
    # Helm's own, for values that charts share; and objects of the user's own.
    del found["/properties/global"], found["/properties/extraObjects/items"]
    for path in own_maps():
        place = "".join(f"/properties/{name}" for name in filter(None, path.split(".")))
        assert "additionalProperties" not in found.pop(place)
    for path, node in found.items():
        # Maps with names of the user's own say what is in them.
        is_map = "properties" not in node and isinstance(node.get("additionalProperties"), dict)
        assert is_map or node.get("additionalProperties") is False, path


def test_each_reference_of_the_schema_has_a_definition_and_the_reverse():
    text = json.dumps(schema())
    assert set(re.findall(r'"#/\$defs/(\w+)"', text)) == set(schema()["$defs"])


@pytest.mark.parametrize("name", ["chart_defaults.py", "chart_readme.py", "chart_schema.py"])
def test_what_is_made_by_a_script_is_up_to_date(name):
    """The template of defaults, the README of the values' comments, and the schema's definitions of Kubernetes' own."""
    script = manifests.DEPLOY / name
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_leaf_of_the_values_is_in_the_readme():
    def leaves(node, path=""):
        for key, value in node.items():
            here = f"{path}{key}"
            described = f"| `{here}` |" in README
            if isinstance(value, dict) and value and not described:
                yield from leaves(value, f"{here}.")
            else:
                yield here

    found = list(leaves(manifests.default_values()))
    assert len(found) > 150
    assert [one for one in found if f"| `{one}` |" not in README] == []
    assert len(re.findall(r"^\| `[a-zA-Z.]+` \|", README, re.MULTILINE)) == len(found)


def test_the_readme_begins_with_what_first_runs_set(monkeypatch):
    monkeypatch.syspath_prepend(manifests.DEPLOY)
    chart_name = importlib.import_module("option_files").chart_name
    first, *others = re.split(r"^### .*$", README.partition("## Values")[2], flags=re.MULTILINE)[1:]
    named = set(re.findall(r"^\| `([a-zA-Z.]+)` \|", first, re.MULTILINE))
    assert {f"cloudwatch.{chart_name(one)}" for one in OPTIONS.values() if one.group is Group.FIRST} <= named
    assert first.index("`image.repository`") < first.index("`locustfile.sample`") < first.index("`locust.host`")
    assert len(named) < 20 < len(others)


def test_the_commands_of_the_readme_are_taken(tmp_path):
    (tmp_path / "locustfile.py").write_text("import locust_cw_dist.auto\n")
    commands = re.findall(r"^helm install (\w+) deploy/helm (.*?)\n```", README, re.MULTILINE | re.DOTALL)
    assert len(commands) == 3
    for release, options in commands:
        words = (
            options.replace("\\\n", " ")
            .replace("--create-namespace", "")
            .replace("=locustfile.py", f"={tmp_path}/locustfile.py")
        )
        objects = manifests.read(manifests.template(manifests.deploy_tools.HELMS[0], *words.split(), release=release))
        assert objects.container("master")["image"].startswith("REPOSITORY:")


def test_a_value_without_a_description_is_an_error(tmp_path):
    script = (manifests.DEPLOY / "chart_readme.py").read_text()
    (tmp_path / "helm").mkdir()
    (tmp_path / "chart_readme.py").write_text(script)
    shutil.copy(manifests.DEPLOY / "generated.py", tmp_path)
    (tmp_path / "helm" / "README.md").write_text("")
    (tmp_path / "helm" / "values.yaml").write_text("# -- Known.\na: 1\nb: 2\n")
    done = subprocess.run(
        [sys.executable, tmp_path / "chart_readme.py"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "b has no description" in done.stderr


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            "job",
            [
                "logs -f job/checkout-locust-cw-master-1",
                "begins when 2 workers are there",
                "nothing is published to CloudWatch",
            ],
        ),
        ("job-full", ["Run nightly-42", "--reset-then-reuse-values --set job.runId=ANOTHER", "after 6855 s"]),
        ("job-volume", ["associate the role with service account checkout-locust-cw-master in namespace load"]),
        ("web", ["port-forward service/checkout-locust-cw-web 8089:8089", "there is no login"]),
        ("web-hpa", ["https://127.0.0.1:8089/locust", "get service checkout-locust-cw-web", "locust.example.com"]),
    ],
)
def test_the_notes_say_what_to_do_next(values, words):
    notes = notes_of(values)
    for word in [*words, "helm -n load test checkout --logs"]:
        assert word in notes


def test_the_notes_say_that_nobody_gave_the_master_credentials():
    said = "the AWS credentials of its environment alone"
    service = ("--set", "cloudwatch.service=checkout")
    assert said in notes_of("job", *service)
    for more in ("aws.identity=podIdentity", "cloudwatch.dryRun=true", "cloudwatch.endpointUrl=http://a"):
        assert said not in notes_of("job", *service, "--set", more)
    assert said not in notes_of("job")


def test_the_notes_say_what_a_sample_and_a_dry_run_are():
    notes = notes_of("job", "--set", "locustfile.content=,locustfile.sample=true")
    assert "NOTE: this runs the chart's sample" in notes
    assert "NOTE: a dry run: nothing is sent to CloudWatch" in notes
    assert "NOTE" not in notes.replace("NOTE: this", "").replace("NOTE: a dry run", "")


def test_the_notes_say_that_a_record_is_gone_with_its_pod():
    said = "the record is written to an emptyDir"
    assert said in notes_of("job", "--set", "cloudwatch.record=/mnt/results/records")
    assert said in notes_of("job-volume", "--set", "cloudwatch.record=/tmp/records")
    assert said not in notes_of("job-volume")
    assert said not in notes_of("job-full")
    mine = (
        *("--set-json", 'master.extraVolumeMounts=[{"name": "mine", "mountPath": "/mine"}]'),
        *("--set-json", 'master.extraVolumes=[{"name": "mine", "persistentVolumeClaim": {"claimName": "mine"}}]'),
    )
    assert said not in notes_of("job", *mine, "--set", "cloudwatch.record=/mine/records")


def notes_of(values, *arguments):
    # Helm 3 shows them only with a cluster, see test_releases.py; its lint renders them, see test_lint.py.
    program = manifests.deploy_tools.program("helm-4.3.1")
    where = [manifests.RELEASE, str(manifests.CHART), "-n", manifests.NAMESPACE, "--dry-run=client"]
    done = subprocess.run(
        [program, "install", *where, "--values", str(manifests.VALUES[values]), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"KUBECONFIG": "/nowhere", "HOME": "/tmp"},
    )
    return done.stdout.partition("\nNOTES:\n")[2]
