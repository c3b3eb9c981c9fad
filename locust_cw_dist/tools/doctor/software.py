"""Versions of what runs here, and whether this Locust has what is used of it beyond its documented interface."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata

from locust_cw_dist.live.aws.lines import one_line
from locust_cw_dist.tools.doctor.result import Result, failed, ok, warning

PACKAGE = "locust-cw-dist"
LIBRARIES = ("locust", "gevent", "greenlet", "msgpack", "regex", "boto3", "botocore", "rich")

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9.]+)\s*$")
_PROBE = "locust_cw_dist.tools.doctor.probe"


def check_versions() -> Result:
    """Whether what is installed is new enough."""
    found = {name: version for name in LIBRARIES if (version := _version(name))}
    text = ", ".join(f"{name} {version}" for name, version in _named(found))
    old = {name: least for name, least in minimums().items() if _numbers(found.get(name, "0")) < _numbers(least)}
    if old:
        what = "; ".join(f"{name} {found.get(name, '(missing)')} is below {least}" for name, least in old.items())
        # By their own names: this package may have come from a folder, and then no index has it.
        wanted = " ".join(f'"{name}>={least}"' for name, least in old.items())
        return failed("versions", f"{what} ({text})", f"pip install --upgrade {wanted}")
    if _is_noisy_at_exit(found):
        told = f"this gevent prints 'greenlet is being finalized' when a process exits; harmless ({text})"
        return warning("versions", told, 'pip install "greenlet<3.5.1"')
    return ok("versions", text)


def _is_noisy_at_exit(found: dict[str, str]) -> bool:
    """Whether gevent's threads ask for a greenlet that this greenlet has already ended (docs/decisions/13)."""
    numbers = {name: _numbers(found.get(name, "0")) for name in ("gevent", "greenlet")}
    return numbers["gevent"] < (26, 5) and numbers["greenlet"] >= (3, 5, 1)


def _named(found: dict[str, str]) -> list[tuple[str, str]]:
    own = _version(PACKAGE) or "(not installed: run from its folder)"
    return [(PACKAGE, own), ("Python", sys.version.split()[0]), *found.items()]


def minimums() -> dict[str, str]:
    """Name -> lowest version that this package asks for; empty where it is not installed."""
    try:
        requirements = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return {}
    return {match[1]: match[2] for text in requirements if (match := _REQUIREMENT.fullmatch(text))}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version.partition("+")[0])[:3])


def check_interfaces(timeout_s: float) -> Result:
    """Ask a process of its own, which joins a real master and a real worker over loopback.

    Args:
        timeout_s: how long that may take.
    """
    name = "interfaces"
    advice = f"use a Locust that {PACKAGE} is tested with (2.32 or later), or report it"
    command = [sys.executable, "-m", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)  # noqa: S603
        modes = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return failed(name, f"no answer of Locust's runners within {timeout_s:g} s", advice)
    except (ValueError, IndexError):
        modes = None
    if modes is None:
        last = one_line(done.stderr.strip().splitlines()[-1]) if done.stderr.strip() else "no output"
        return failed(name, f"Locust's runners could not be made: {last}", advice)
    if modes:
        return warning(name, f"this Locust lacks something: {'; '.join(modes)}", advice)
    return ok(name, "Locust's master and worker have all that is used of them")
