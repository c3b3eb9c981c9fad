"""The image's pinned requirements: up to date with pyproject.toml, hashed, and wheels for what the image may be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FILES = ("deploy/image/lock.sh", "deploy/image/build-requirements.in", "pyproject.toml", "README.md", "LICENSE")
LOCKS = ("deploy/image/requirements.lock", "deploy/image/build-requirements.lock")
BIN = Path(sys.executable).parent
ENV = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "UV_CACHE_DIR": f"{sys.prefix}/uv-cache"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def lock(folder):
    done = subprocess.run([folder / "deploy/image/lock.sh"], capture_output=True, text=True, env=ENV, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def copy(tmp_path):
    for name in (*FILES, *LOCKS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_command_that_made_them_would_change_nothing(copy):
    lock(copy)
    for name in LOCKS:
        assert (copy / name).read_text() == (ROOT / name).read_text(), f"run deploy/image/lock.sh: {name} is old"


def test_a_new_floor_shows(copy):
    pyproject = copy / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"locust>=2.32"', '"locust>=2.32", "tomlkit>=0.13"'))
    lock(copy)
    assert re.search("^tomlkit==", (copy / LOCKS[0]).read_text(), re.MULTILINE)


def test_what_builds_the_package_is_what_pyproject_asks_for():
    (wanted,) = (ROOT / "deploy/image/build-requirements.in").read_text().splitlines()
    assert PYPROJECT["build-system"]["requires"] == [wanted]


def test_each_floor_is_met():
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / LOCKS[0]).read_text(), re.MULTILINE))
    project = PYPROJECT["project"]
    wanted = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["cbor"])]
    assert wanted
    for requirement in wanted:
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_there_is_a_wheel_of_everything(tmp_path, machine, python):
    """Resolved for that machine, without building anything and without a file whose hash is not in the lock."""
    install = [
        BIN / "uv",
        "pip",
        "install",
        "--dry-run",
        "--require-hashes",
        "--only-binary=:all:",
        "--target",
        tmp_path,
    ]
    where = [f"--python-platform={machine}-manylinux_2_28", f"--python-version={python}"]
    for name in LOCKS:
        done = subprocess.run(
            [*install, *where, "-r", ROOT / name], capture_output=True, text=True, env=ENV, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Would install" in done.stderr
