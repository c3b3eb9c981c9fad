"""Revision: which commit is checked out, as `git rev-parse HEAD` says; silent where there is no git."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from locust_cw_dist.live.platform import child_process

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
    # GIT_DIR and its like speak of another repository: a hook of git that starts a test has them.
    variables = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    return child_process.run(
        [*_COMMAND, str(folder), "rev-parse", "HEAD"],
        variables | {"GIT_DISCOVERY_ACROSS_FILESYSTEM": "1"},
        output=1,
        timeout_s=TIMEOUT_S,
    )[1]
