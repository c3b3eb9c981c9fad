"""deploy/image/push.sh with stand-ins for docker, podman, kind and aws: what it calls, what it says, its exit codes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from locust_cw_dist import __version__

ROOT = Path(__file__).parents[2]
DIGEST = f"sha256:{'5' * 64}"
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ECR_OPTIONS = "--registry-id 123456789012 --region eu-central-1"

STAND_IN = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
for beginning in $FAILING; do case "${0##*/}_$1_$2" in "$beginning"*) exit 9 ;; esac done
case "$1 $2" in
"image inspect") for image; do :; done; echo "${image%:*}@DIGEST" ;;
"ecr get-login-password") echo password ;;
"login "*) cat >/dev/null ;;
esac
"""


@pytest.fixture
def push(tmp_path):
    """Runs the script with these programs on PATH; those of the calls that begin as said there fail."""
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "sed", "head", "cut", "git", "mktemp", "rm", "cat", "sh"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))

    def run(*arguments, programs=("docker",), failing="", **variables):
        for name in programs:
            path = tmp_path / "bin" / name
            path.write_text(STAND_IN.replace("DIGEST", DIGEST))
            path.chmod(0o755)
        calls = tmp_path / "calls"
        calls.write_text("")
        environment = {"PATH": str(tmp_path / "bin"), "CALLS": str(calls), "FAILING": failing, "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            [ROOT / "deploy/image/push.sh", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment | variables,
            cwd=os.sep,
        )
        return done, calls.read_text().splitlines()

    return run


def begins(calls, *beginnings):
    """Whether each call begins as said."""
    assert len(calls) == len(beginnings), calls
    assert [call for call, beginning in zip(calls, beginnings, strict=True) if not call.startswith(beginning)] == []


def test_it_builds_and_pushes_and_names_the_next_command(push):
    done, calls = push("registry.example.com/locust-cw")
    image = f"registry.example.com/locust-cw:{__version__}"
    begins(calls, f"docker build --file deploy/image/Dockerfile --tag {image} ", f"docker push {image}", "docker image")
    assert f"--build-arg VERSION={__version__} --build-arg REVISION=" in calls[0]
    assert calls[0].endswith(" .")
    assert (done.returncode, done.stdout) == (0, f"{image}\n")
    built, pushed, following = done.stderr.splitlines()
    assert built.startswith(f"push: built {image} from {__version__} (")
    assert pushed == f"push: pushed {image}, to pin it: --set image.digest={DIGEST}"
    values = "--set image.repository=registry.example.com/locust-cw --set locustfile.sample=true"
    assert following.endswith(f"helm install sample deploy/helm {values}")


def commands_of_pages():
    pages = [
        ROOT / "README.md",
        ROOT / "deploy/helm/README.md",
        *ROOT.glob("docs/*.md"),
        ROOT / "deploy/image/Dockerfile",
    ]
    return sorted({one for page in pages for one in re.findall(r"deploy/image/push\.sh ([^`\n|]+)", page.read_text())})


def test_pages_name_commands_that_it_takes(push):
    commands = commands_of_pages()
    assert len(commands) > 4
    for command in commands:
        example = re.sub(r"\[:?TAG\]", ":7", command.strip()).replace("[:CLUSTER]", ":perf")
        example = example.replace("ACCOUNT.", "123456789012.").replace("REGION", "eu-west-1")
        done, calls = push(example, programs=("docker", "kind", "aws"))
        assert done.returncode == 0, command
        assert any(call.startswith(("docker push", "kind load")) for call in calls)


@pytest.mark.parametrize(
    ("name", "image", "values"),
    [
        ("localhost:5000/a", f"localhost:5000/a:{__version__}", "--set image.repository=localhost:5000/a --set locust"),
        ("r/a:7", "r/a:7", "--set image.repository=r/a --set-string image.tag=7 --set locust"),
    ],
)
def test_a_tag_of_your_own_is_a_value_too(push, name, image, values):
    done, calls = push(name, "--build-arg", "BASE_IMAGE=mine")
    assert f"--tag {image} " in calls[0]
    assert calls[0].endswith("--build-arg BASE_IMAGE=mine .")
    assert done.stdout == f"{image}\n"
    assert values in done.stderr


def test_ecr_gets_a_repository_and_a_login(push):
    done, calls = push(f"{ECR}/team/locust-cw", programs=("docker", "aws"), failing="aws_ecr_describe-repositories")
    # Both ends of the pipe start at once.
    calls[2:4] = sorted(calls[2:4])
    begins(
        calls,
        f"aws ecr describe-repositories {ECR_OPTIONS} --repository-names team/locust-cw",
        f"aws ecr create-repository {ECR_OPTIONS} --repository-name team/locust-cw",
        "aws ecr get-login-password --region eu-central-1",
        f"docker login --username AWS --password-stdin {ECR}",
        "docker build ",
        f"docker push {ECR}/team/locust-cw:{__version__}",
        "docker image inspect",
    )
    assert "push: made the repository team/locust-cw in ECR\npush: logged in to" in done.stderr


def test_a_repository_of_ecr_that_is_there_stays(push):
    done, calls = push(f"{ECR}/locust-cw", programs=("docker", "aws"))
    assert (done.returncode, [call for call in calls if "create-repository" in call]) == (0, [])


def test_who_may_not_make_repositories_pushes_all_the_same(push):
    failing = "aws_ecr_describe-repositories aws_ecr_create-repository"
    done, calls = push(f"{ECR}/locust-cw", programs=("docker", "aws"), failing=failing)
    assert done.returncode == 0
    assert f"docker push {ECR}/locust-cw:{__version__}" in calls
    assert "can't make the repository locust-cw in ECR" in done.stderr


@pytest.mark.parametrize(("target", "cluster"), [("kind", "kind"), ("kind:perf", "perf")])
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_kind_needs_no_registry(push, engine, target, cluster, tmp_path):
    done, calls = push(target, programs=(engine, "kind"))
    image = f"localhost/locust-cw:{__version__}"
    begins(calls, f"{engine} build ", f"{engine} save --output {tmp_path}", f"kind load image-archive {tmp_path}")
    assert calls[1].endswith(f" {image}")
    assert calls[2].endswith(f" --name {cluster}")
    assert (done.returncode, done.stdout) == (0, f"{image}\n")
    assert f"loaded {image} into the nodes of the kind cluster {cluster}" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "calls"}


def test_several_platforms(push):
    both = "linux/amd64,linux/arm64"
    _, calls = push("r/a:1", PLATFORM=both)
    begins(calls, f"docker buildx build --file deploy/image/Dockerfile --platform {both} --push --tag r/a:1 ")
    _, calls = push("r/a:1", programs=("podman",), PLATFORM=both, ENGINE="podman")
    begins(
        calls,
        "podman manifest rm r/a:1",
        f"podman build --file deploy/image/Dockerfile --platform {both} --manifest r/a:1 ",
        "podman manifest push --all r/a:1 docker://r/a:1",
    )
    _, calls = push("r/a:1", PLATFORM="linux/arm64")
    assert calls[0].startswith("docker build --file deploy/image/Dockerfile --platform linux/arm64 --tag r/a:1 ")


@pytest.mark.parametrize(
    ("arguments", "options", "code", "words"),
    [
        ((), {}, 2, "usage: "),
        (("--build-arg", "a=b"), {}, 2, "usage: "),
        (("r/a@sha256:1",), {}, 2, "usage: "),
        (("r/a",), {"programs": ()}, 2, "push: podman is not installed: it, or docker, builds"),
        (("kind",), {}, 2, "push: kind is not installed"),
        (("kind",), {"programs": ("docker", "kind"), "PLATFORM": "a,b"}, 2, "push: kind takes one platform"),
        ((f"{ECR}/a",), {}, 2, "push: aws is not installed"),
        ((f"{ECR}/a",), {"programs": ("docker", "aws"), "failing": "docker_login"}, 1, f"push: can't log in to {ECR}"),
        (("r/a",), {"failing": "docker_build"}, 1, "push: the build failed"),
        (("r/a",), {"failing": "docker_push"}, 1, "push: the push failed: is there such a repository"),
        (("kind",), {"programs": ("docker", "kind"), "failing": "kind_load"}, 1, "push: kind can't load the image"),
    ],
)
def test_what_fails_is_said_and_nothing_else_is_printed(push, arguments, options, code, words):
    done, _ = push(*arguments, **options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1].startswith(words)
