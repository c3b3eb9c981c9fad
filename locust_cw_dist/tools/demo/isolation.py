"""What the surroundings of the demo must not decide: proxies, AWS profiles, Locust's options and files."""

from __future__ import annotations

import os
import site
from collections.abc import MutableMapping
from pathlib import Path

import locust_cw_dist

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def isolate(environment: MutableMapping[str, str]) -> None:
    """Make environment variables those of a machine where nothing is set up; everything here stays on 127.0.0.1.

    Args:
        environment: Changed in place: ``os.environ`` of a process that does nothing but the demo.
    """
    for name in list(environment):
        if name.startswith(("AWS_", "LOCUST_")) or name.lower() in _PROXIES:
            del environment[name]
    environment["no_proxy"] = environment["NO_PROXY"] = "*"
    environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    environment["AWS_EC2_METADATA_DISABLED"] = "true"


def locust_environment(environment: MutableMapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment of the demo's Locust processes.

    Args:
        environment: That of this process, isolated.
        home: An empty folder. Locust reads ``~/.locust.conf``; with a HOME of their own the processes don't find the
            user's, and are told where the packages are that ``pip install --user`` puts there.
    """
    variables = dict(environment) | {"HOME": str(home), "PYTHONUSERBASE": site.getuserbase()}
    checkout = str(Path(locust_cw_dist.__file__).parents[1])
    if checkout not in (*site.getsitepackages(), site.getusersitepackages()):
        # Run from a checkout that is not installed: the processes have another working directory.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [checkout, environment.get("PYTHONPATH")]))
    return variables
