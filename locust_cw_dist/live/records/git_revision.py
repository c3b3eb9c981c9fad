"""Revision: which commit is checked out, as `git rev-parse HEAD` says; silent where there is no git."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import gevent
from gevent.socket import wait_read

CI_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "BITBUCKET_COMMIT")
"""Where CI services say it: GitHub, GitLab, Jenkins, Buildkite, CircleCI, Bitbucket. Containers often have no git."""

TIMEOUT_S = 2.0
"""How long git may take, on a slow disk say, before the revision is that of CI or unknown."""

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

# A mounted folder often belongs to another user. Resolving HEAD runs nothing that such a repository configures.
_COMMAND = ("git", "-c", "safe.directory=*", "-C")


def revision(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Return the commit that `folder` is in, else what CI says, else None. Other greenlets run meanwhile."""
    try:
        found = _rev_parse(folder, environ)
    except OSError:
        found = ""
    told = (found, *(environ.get(name, "").strip().lower() for name in CI_VARIABLES))
    return next((text for text in told if _HASH.fullmatch(text)), None)


def _rev_parse(folder: Path, environ: Mapping[str, str]) -> str:
    """Return what git prints, or "" if it prints nothing in time.

    Raises:
        OSError: There is no git.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as answer:
        try:
            process = _spawn(folder, environ, writing)
        finally:
            os.close(writing)
        text = b""
        try:
            with gevent.Timeout(TIMEOUT_S, False):
                wait_read(reading)
                text = answer.read(100)
        finally:
            _end(process)
    return text.decode(errors="replace").strip()


def _spawn(folder: Path, environ: Mapping[str, str], output: int) -> int:
    """Start git, which writes to a file descriptor; return its process id.

    Not with `subprocess`: gevent's forks, which copies the page tables of this process and holds the hub for 40 ms at
    500 MB. This takes 2 ms.
    """
    # GIT_DIR and its like speak of another repository: a hook of git that starts a test has them.
    variables = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    return os.posix_spawnp(
        "git",
        [*_COMMAND, str(folder), "rev-parse", "HEAD"],
        variables | {"GIT_DISCOVERY_ACROSS_FILESYSTEM": "1"},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )


def _end(process: int) -> None:
    """End git, if it has not ended, and forget it."""
    with suppress(OSError), gevent.Timeout(TIMEOUT_S, False):
        os.kill(process, signal.SIGKILL)
        # Not a blocking wait: a process that hangs in the file system of a dead server can't be killed.
        while os.waitpid(process, os.WNOHANG)[0] == 0:
            gevent.sleep(0.005)
