"""What a release is made of: one version everywhere, the changelog's section, a whole wheel and a whole sdist."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from locust_cw_dist import __version__
from support.deployment import manifests

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def release(*arguments):
    command = [sys.executable, "deploy/release.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_file_has_the_version_of_the_package():
    done = release("--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_notes_are_the_section_of_the_changelog():
    done = release("--notes", f"v{__version__}")
    assert done.returncode == 0, done.stderr
    assert "### " in done.stdout
    assert "## [" not in done.stdout.replace("### ", "")
    assert done.stdout.strip() in (ROOT / "CHANGELOG.md").read_text()


def test_a_tag_of_another_version_is_refused():
    done = release("--notes", "v9.9.9")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"must be v{__version__}" in done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [UV, "build", "--quiet", "--out-dir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_has_the_whole_package_and_nothing_else(built):
    (path,) = built.glob("*.whl")
    assert path.name.startswith(f"locust_cw_dist-{__version__}-py3-none-any")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (metadata,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA"))
    package = ROOT / "locust_cw_dist"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert names == {path.relative_to(ROOT).as_posix() for path in files}
    assert re.findall(r"^Provides-Extra: (\w+)$", metadata, re.MULTILINE) == ["cbor", "report"]


def test_the_sdist_has_what_builds_tests_and_documents_it(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    docs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert docs <= names
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"} <= names
    assert {"tox.ini", "pyproject.toml", ".ci/run", ".github/workflows/release.yml", "docs/conf.py"} <= names
    assert {"deploy/helm/Chart.yaml", "deploy/local/start.sh", "tests/conftest.py"} <= names


def test_the_chart_can_be_packaged(tmp_path):
    helm = manifests.deploy_tools.program(manifests.deploy_tools.HELMS[-1])
    command = [helm, "package", str(manifests.CHART), "--destination", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, env={"HOME": str(tmp_path)})
    (path,) = tmp_path.glob("*.tgz")
    assert path.name == f"locust-cw-{__version__}.tgz"
    with tarfile.open(path) as chart:
        assert "locust-cw/files/sample.py" in chart.getnames()
