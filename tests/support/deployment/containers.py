"""A container engine of the tests' own: dockerd in a network namespace, with all that it has in a folder.

    with Engine() as engine:
        engine.docker("build", ...)

Nothing of it is in the machine's own network; `remove_leftovers` ends what a test left that died. There is no registry,
so the base image is a stand-in: Debian with Python, made by debootstrap once and kept in `CACHE`.

Needs root and what `missing` tells.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import psutil

from support.cluster.processes import wait_until
from support.network import netns

ENGINE = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap", "nsenter": "util-linux"}
PACKAGES = {**ENGINE, **netns.PACKAGES, "npm": "npm"}
"""Programs that are needed, and the Debian packages that bring them."""

ROOT = Path(__file__).parents[3]
CACHE = Path(sys.prefix) / "containers"
"""What takes long to make, in the environment's folder: the base image and the wheels."""

SUITE = "trixie"
PYTHON = "3.13"
"""Debian's release, and the Python in it: those of the Dockerfile's own base image."""

BASE_IMAGE = f"debian-{SUITE}-with-python:stand-in"
IMAGE = "locust-cw"
"""As docs/containers.md calls it."""

CGROUPS = Path("/sys/fs/cgroup")


def missing() -> str:
    """Return why no container can run on this machine; empty if they can."""
    if os.geteuid():
        return "containers need root"
    packages = {package for program, package in ENGINE.items() if shutil.which(program) is None}
    if packages:
        return f"missing; apt-get install -y --no-install-recommends {' '.join(sorted(packages))}"
    return netns.missing()


def remove_leftovers() -> None:
    """End the engines and containers of tests that died before they could, and remove their folders."""
    netns.remove_leftovers()
    for folder in Path(tempfile.gettempdir()).glob(f"{netns.PREFIX}-*-docker"):
        if not psutil.pid_exists(int(folder.name.split("-")[1])):
            _remove(folder)


class Engine:
    """One dockerd; gone with the `with` block, with all that it ran.

    Attributes:
        env: The variables under which docker and docker-compose talk to it.
        inside: The command that starts another one where the containers' published ports are.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"{netns.PREFIX}-{os.getpid()}-docker"
        self._namespace = f"{netns.PREFIX}-{os.getpid()}-docker"
        self._daemon: subprocess.Popen[bytes] | None = None
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        # Debian's docker has no BuildKit beside it.
        ours = {"DOCKER_HOST": f"unix://{self._folder}/docker.sock", "DOCKER_BUILDKIT": "0"}
        self.env = kept | ours | {"DOCKER_CONFIG": str(self._folder / "config")}
        self.inside = ["nsenter", f"--net={netns.NAMESPACES / self._namespace}"]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the containers, then the daemon, then the network."""
        if self._daemon is not None:
            with contextlib.suppress(subprocess.CalledProcessError):
                containers = self.docker("ps", "-aq").split()
                if containers:
                    self.docker("rm", "-f", "-v", *containers)
            self._daemon.terminate()
            self._daemon.wait(60)
        if (netns.NAMESPACES / self._namespace).exists():
            subprocess.run(["ip", "netns", "delete", self._namespace], check=True)
        _remove(self._folder)

    def docker(self, *args: str, timeout_s: float = 120) -> str:
        """Run docker; return its output. It must succeed."""
        return self.run(["docker", *args], timeout_s=timeout_s).stdout

    def run(
        self,
        command: Sequence[str],
        *,
        timeout_s: float = 120,
        codes: Sequence[int] = (0,),
        cwd: Path = ROOT,
        **env: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to the engine; it must end with one of `codes`."""
        command = [_docker() if command[0] == "docker" else command[0], *command[1:]]
        done = subprocess.run(
            command, cwd=cwd, env=self.env | env, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode in codes, f"{command}: {done.returncode}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done

    def log(self) -> str:
        """Return what the daemon said."""
        return (self._folder / "dockerd.log").read_text(errors="replace")

    def _start(self) -> None:
        self._folder.mkdir(mode=0o700)
        # In memory: images are written once, read a few times, and thrown away.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=0700", "tmpfs", self._folder], check=True)
        plugins = self._folder / "config/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(Path(sys.executable).parent / "docker-compose")
        subprocess.run(["ip", "netns", "add", self._namespace], check=True)
        subprocess.run([*self.inside, "ip", "link", "set", "dev", "lo", "up"], check=True)
        # Not by `ip netns exec`, which mounts a /sys without control groups.
        command = [*self.inside, "dockerd", "--host", self.env["DOCKER_HOST"], "--storage-driver", "overlay2"]
        command += ["--data-root", f"{self._folder}/data", "--exec-root", f"{self._folder}/exec"]
        command += ["--pidfile", f"{self._folder}/docker.pid", "--default-ulimit", "nofile=1024:1024"]
        command += ["--cgroup-parent", f"/{self._folder.name}"]
        with (self._folder / "dockerd.log").open("wb") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

        def answers() -> bool:
            assert self._daemon is not None
            assert self._daemon.poll() is None, self.log()
            return (
                subprocess.run([_docker(), "version"], env=self.env, capture_output=True, check=False).returncode == 0
            )

        wait_until(answers, "dockerd answers")


def make_base_image(engine: Engine) -> None:
    """Import the stand-in for the base image, as `BASE_IMAGE`."""
    archive = CACHE / f"{SUITE}.tar"
    if not archive.exists():
        CACHE.mkdir(exist_ok=True)
        with _in_memory() as folder:
            root = folder / "root"
            packages = "--include=python3,python3-venv,ca-certificates"
            subprocess.run(["debootstrap", "--variant=minbase", packages, SUITE, root], check=True, capture_output=True)
            for rest in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")):
                rest.unlink()
            part = archive.with_suffix(f".{os.getpid()}")
            subprocess.run(["tar", "-C", root, "-cf", part, "."], check=True)
            part.rename(archive)
    engine.docker("import", str(archive), BASE_IMAGE)


def download_wheels() -> Path:
    """Return a folder with the wheels of the image's pinned requirements, each checked against its hash."""
    wheels = CACHE / "wheels"
    machine = os.uname().machine
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, 24, 26, 28)]
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-cache-dir",
        "--require-hashes",
        "--only-binary=:all:",
        *platforms,
    ]
    for lock in (ROOT / "deploy/image").glob("*.lock"):
        command = [
            *download,
            f"--platform=manylinux2014_{machine}",
            "--python-version",
            PYTHON,
            "-d",
            wheels,
            "-r",
            lock,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return wheels


def build_image(engine: Engine, context: Path) -> None:
    """Build the image in `context`, a folder to fill, without any network, by deploy/image/push.sh.

    The script loads it into a kind cluster; for that, what it saves is loaded into the engine itself.
    """
    for name in ("locust_cw_dist", "deploy/image"):
        shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    for wheel in download_wheels().glob("*.whl"):
        shutil.copy(wheel, context / "deploy/image/wheels")
    arguments = ["--build-arg", f"BASE_IMAGE={BASE_IMAGE}", "--build-arg", "PIP_NO_INDEX=1"]
    offline = ["--network=none", "--pull=false"]
    kind = context / "bin" / "kind"
    kind.parent.mkdir()
    kind.write_text(f'#!/bin/sh\nexec {_docker()} load --quiet --input "$3" >&2\n')
    kind.chmod(0o755)
    path = f"{kind.parent}:{engine.env['PATH']}"
    command = [f"{context}/deploy/image/push.sh", "kind", *offline, *arguments]
    image = engine.run(command, timeout_s=300, ENGINE=_docker(), PATH=path).stdout.strip()
    engine.docker("tag", image, IMAGE)


@contextlib.contextmanager
def _in_memory() -> Iterator[Path]:
    """Make a folder on a file system of its own, where nothing waits for a disk."""
    with tempfile.TemporaryDirectory(prefix=f"{netns.PREFIX}-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def _docker() -> str:
    """Return Debian's docker where it is: another one may come before it."""
    return shutil.which("docker", path="/usr/bin") or "docker"


def _remove(folder: Path) -> None:
    """Remove an engine's folder, what is mounted there and what runs in its control groups."""
    for group in [*CGROUPS.glob(f"{folder.name}/**/cgroup.procs"), *CGROUPS.glob(f"*/{folder.name}/**/cgroup.procs")]:
        with contextlib.suppress(OSError):
            for pid in group.read_text().split():
                os.kill(int(pid), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if f"{mount}/".startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)
    if folder.exists():
        shutil.rmtree(folder)
    for group in [*CGROUPS.glob(folder.name), *CGROUPS.glob(f"*/{folder.name}")]:
        for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                inner.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()
