"""Helm's own steps, against objects that are kept: installing a run, the next run, and the end."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import kubernetes_validate.utils as validation
import pytest

from support.deployment import manifests
from support.pages.readme import blocks


class Release:
    def __init__(self, helm, address, folder):
        self._helm, self._address = manifests.deploy_tools.program(helm), address
        self._kubeconfig = folder / "kubeconfig"
        context = {"name": "test", "context": {"cluster": "test", "namespace": manifests.NAMESPACE}}
        cluster = {"name": "test", "cluster": {"server": address}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
        self._kubeconfig.write_text(json.dumps({**config, "current-context": "test"}))
        self._folder = folder

    def helm(self, *arguments, cwd=None):
        command = [self._helm, *arguments, "--namespace", manifests.NAMESPACE, "--kubeconfig", str(self._kubeconfig)]
        environment = {"HOME": str(self._folder), "NO_PROXY": "*"}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=cwd
        )

    def put(self, values, *arguments):
        """Install, or upgrade: the next run."""
        options = ["--disable-openapi-validation", "--values", str(manifests.VALUES[values])]
        return self.helm("upgrade", "--install", manifests.RELEASE, str(manifests.CHART), *options, *arguments)

    def names(self, group, resource):
        url = f"{self._address}/{group}/namespaces/{manifests.NAMESPACE}/{resource}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return {one["metadata"]["name"] for one in json.load(answer)["items"]}

    def jobs(self):
        return self.names("apis/batch/v1", "jobs")


@pytest.fixture(params=manifests.deploy_tools.HELMS)
def release(request, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "support.deployment.kubernetes_api"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Release(request.param, server.stdout.readline().strip(), tmp_path)
        server.stdin.close()


def test_each_upgrade_is_a_run_with_jobs_of_its_own(release):
    for revision in (1, 2, 3):
        done = release.put("job", "--set", f"locust.users={revision}")
        assert done.returncode == 0, done.stderr
        # Those of the run before are gone.
        assert release.jobs() == {f"checkout-locust-cw-{role}-{revision}" for role in ("master", "worker")}
        assert f"Run {revision} of checkout begins" in done.stdout


def test_the_command_of_the_notes_is_the_next_run_with_the_same_values(release):
    done = release.put("job", "--set", "worker.replicas=5")
    (command,) = (line.split() for line in done.stdout.splitlines() if line.startswith("  helm ") and "upgrade" in line)
    assert command[:5] == ["helm", "-n", manifests.NAMESPACE, "upgrade", manifests.RELEASE]
    options = [one for one in command[5:] if one != "CHART"]
    done = release.helm("upgrade", manifests.RELEASE, str(manifests.CHART), *options, "--disable-openapi-validation")
    assert done.returncode == 0, done.stderr
    assert release.jobs() == {f"checkout-locust-cw-{role}-2" for role in ("master", "worker")}
    assert "begins when 5 workers are there" in done.stdout


def test_a_run_id_that_is_used_again_meets_kubernetes_own_refusal(release):
    assert release.put("job", "--set", "job.runId=a", "--set", "locust.users=1").returncode == 0
    refused = release.put("job", "--set", "job.runId=a", "--set", "locust.users=2")
    assert refused.returncode != 0
    assert "immutable" in refused.stderr
    assert release.put("job", "--set", "job.runId=b", "--set", "locust.users=2").returncode == 0


def test_the_spool_stays_when_the_release_goes(release):
    assert release.put("job", "--set", "spool.persistent=true").returncode == 0
    assert release.helm("uninstall", manifests.RELEASE).returncode == 0
    assert release.jobs() == set()
    assert release.names("api/v1", "persistentvolumeclaims") == {"checkout-locust-cw-spool"}
    assert release.names("api/v1", "configmaps") == set()
    # A release of that name takes it up again.
    assert release.put("job", "--set", "spool.persistent=true").returncode == 0


def test_the_readmes_commands_install_two_runs(release, tmp_path):
    (text,) = (block.text for block in blocks("sh") if "helm install" in block.text)
    assert "against a stand-in for the API" in (manifests.CHART.parents[1] / "README.md").read_text()
    (tmp_path / "deploy").symlink_to(manifests.CHART.parent)
    (tmp_path / "locustfile.py").write_text("import locust_cw_dist.auto\n")
    build, *runs = (shlex.split(line) for line in text.replace("\\\n", " ").splitlines())
    # tests/deploy/test_push.py runs this one.
    assert build == ["deploy/image/push.sh", "registry.example.com/locust-cw"]
    for command in runs:
        rendered = release.helm("template", *command[2:], cwd=tmp_path)
        for one in manifests.read(rendered.stdout):
            validation.validate(json.loads(json.dumps(one)), "1.37", strict=True)
        done = release.helm(*command[1:], "--disable-openapi-validation", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    names = [f"{name}-locust-cw" for name in ("checkout", "sample")]
    assert release.jobs() == {f"{name}-{role}-1" for name in names for role in ("master", "worker")}
