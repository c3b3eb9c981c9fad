"""Each minor version of Locust that pyproject.toml claims resolves with this package, from the index's wheels."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from support import needs

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
LOWEST_PYTHON = PROJECT["requires-python"].removeprefix(">=")

UV = [Path(sys.executable).parent / "uv", "pip", "compile", "-q", "--no-header", "--no-annotate"]
LINUX = ["--only-binary=:all:", "--prerelease=disallow", "--python-platform=x86_64-manylinux_2_28"]
NO_INDEX = ("Failed to fetch", "error sending request", "dns error", "Could not connect")


def resolve(*requirements):
    """Return name -> version of what uv takes, and what it said if there is nothing that it could take."""
    done = subprocess.run(
        [*UV, *LINUX, "--python-version", LOWEST_PYTHON, "-"],
        input="\n".join(requirements),
        env=os.environ | {"UV_CACHE_DIR": f"{sys.prefix}/uv-cache"},
        capture_output=True,
        text=True,
        check=False,
    )
    if any(sign in done.stderr for sign in NO_INDEX):
        needs.lack(f"the index does not answer: {done.stderr.splitlines()[0]}")
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", done.stdout, re.MULTILINE)), done.stderr


def minor(version):
    major, minor = version.split(".")[:2]
    assert major == "2", "another major version of Locust is out: claim it, or say locust<3"
    return int(minor)


@pytest.fixture(scope="module")
def claimed():
    """The minor versions of Locust from the lowest that is claimed to the latest that there is."""
    (floor,) = DEPENDENCIES["locust"].specifier
    assert floor.operator == ">="
    newest, error = resolve("locust")
    assert newest, error
    return range(minor(floor.version), minor(newest["locust"]) + 1)


def test_each_minor_version_that_is_claimed_resolves(claimed):
    """With the package's own floors, so that installing it moves nobody's Locust to another minor version."""
    floors = [str(requirement) for name, requirement in DEPENDENCIES.items() if name != "locust"]
    answers = [resolve(f"locust==2.{number}.*", *floors) for number in claimed]
    assert [error for found, error in answers if not found] == []
    assert [minor(found["locust"]) for found, _ in answers] == list(claimed)


def test_a_floor_that_some_of_them_do_not_take_shows():
    found, error = resolve("locust==2.43.*", "gevent>=26.5")
    assert not found
    assert "No solution found" in error
