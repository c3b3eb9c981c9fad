"""Linters on what is rendered, and on the chart itself."""

from __future__ import annotations

import json
import subprocess
from collections import Counter

import pytest
import yaml

from support.deployment import manifests

# Check -> (resources that may fail it, as words of their names; empty for all), and why.
EXCEPTIONS = {
    "CKV_K8S_11": (
        "",
        "a CPU limit throttles, which looks like a lost worker and falsifies response times; CPU is requested",
    ),
    "CKV_K8S_15": ("", "a tag of the user's own registry is not moved; image.pullPolicy is a value"),
    "CKV_K8S_43": ("", "the image is the user's own; image.digest is a value"),
    "CKV_K8S_8": (
        "",
        "a restarted master has lost its workers and its test; workers have no port; master.livenessProbe is a value",
    ),
    "CKV_K8S_9": ("worker|doctor", "workers serve nobody, and the pod of helm test runs once"),
    "CKV_K8S_35": ("", "Locust and boto3 read the environment; the values name Secrets, never their content"),
    "CKV_K8S_38": ("worker", "the workers' token is off unless the values ask for it, as one file of the tests does"),
    "CKV_K8S_21": ("checkout-yours|mine", "objects of the user's own, in the values of the test"),
}
OF_FILES = {
    "CKV_DOCKER_7": "BASE_IMAGE is an argument, whose default has a tag; checkov sees the argument's name",
    "CKV_DOCKER_2": "Kubernetes has probes of its own, and the Compose file a check for each role",
    "CKV_AWS_18": "a bucket for access logs is the account's own",
    "CKV_AWS_19": "the template sets it, with AES256 or a key; checkov reads no !If",
    "CKV_AWS_21": "each put of a growing record would leave a version",
}
OF_MANIFESTS = {"CKV_K8S_21": "kustomize's own namespace: the user says it, with 'kubectl -n' or in an overlay"}


@pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
@pytest.mark.parametrize("values", manifests.VALUES)
def test_helm_lint_is_content(helm, values):
    command = [
        manifests.deploy_tools.program(helm),
        "lint",
        "--strict",
        str(manifests.CHART),
        "-f",
        str(manifests.VALUES[values]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 chart(s) failed" in done.stdout


@pytest.fixture(scope="module")
def failed_checks(tmp_path_factory):
    """(file, check, resource) of all that checkov finds wrong, and how many checks passed."""
    folder = tmp_path_factory.mktemp("rendered")
    for values in manifests.VALUES:
        text = yaml.dump_all(manifests.chart("helm-4.3.1", values))
        (folder / f"chart-{values}.yaml").write_text(text)
    for name in manifests.KUSTOMIZATIONS:
        text = yaml.dump_all(manifests.kustomized("kubectl-1.34.0", name))
        (folder / f"manifests-{name}.yaml").write_text(text)
    return checkov(folder, "kubernetes")


@pytest.fixture(scope="module")
def failed_checks_of_files():
    """The same of the Dockerfile and of the templates for AWS, as they stand there."""
    return checkov(manifests.DEPLOY, "dockerfile", "cloudformation")


def checkov(folder, *frameworks):
    command = [manifests.deploy_tools.program("checkov"), "-d", str(folder), "--framework", *frameworks]
    done = subprocess.run(
        [*command, "--output", "json", "--compact", "--skip-download"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    reports = json.loads(done.stdout)
    failed, passed = [], 0
    for report in reports if isinstance(reports, list) else [reports]:
        failed += [(one["file_path"], one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]]
        passed += report["summary"]["passed"]
    return failed, passed


@pytest.mark.xdist_group("checkov")
def test_checkov_finds_nothing_but_the_exceptions(failed_checks):
    failed, passed = failed_checks
    assert passed > 1000

    def is_excepted(file, check, resource):
        if "manifests-" in file and check in OF_MANIFESTS:
            return True
        return check in EXCEPTIONS and any(word in resource for word in EXCEPTIONS[check][0].split("|"))

    assert [one for one in failed if not is_excepted(*one)] == []


@pytest.mark.xdist_group("checkov")
def test_no_exception_is_there_for_nothing(failed_checks):
    failed, _ = failed_checks
    found = Counter(check for _, check, _ in failed)
    assert set(found) == {*EXCEPTIONS, *OF_MANIFESTS}


@pytest.mark.xdist_group("checkov")
def test_checkov_finds_nothing_but_the_exceptions_in_dockerfile_and_templates(failed_checks_of_files):
    failed, passed = failed_checks_of_files
    assert passed > 100
    assert {check for _, check, _ in failed} == set(OF_FILES)
    assert {file for file, _, _ in failed} == {"/image/Dockerfile", "/aws/records-bucket.yaml"}
