"""Revision: which commit is checked out, read from git's own files; no process is started for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

CI_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "BITBUCKET_COMMIT")
"""Where CI services say it: GitHub, GitLab, Jenkins, Buildkite, CircleCI, Bitbucket. Containers often have no .git."""

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def revision(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Return the commit that `folder` is in, else what CI says, else None."""
    try:
        found = next((found for base in (folder, *folder.parents) if (found := _of(base / ".git"))), None)
    except (OSError, UnicodeDecodeError):
        found = None
    told = (environ.get(name, "").strip().lower() for name in CI_VARIABLES)
    return found or next((text for text in told if _HASH.fullmatch(text)), None)


def _of(git: Path) -> str | None:
    if git.is_file():
        # A worktree or a submodule: "gitdir: PATH".
        git = git.parent / git.read_text().partition(":")[2].strip()
    if not (git / "HEAD").is_file():
        return None
    head = (git / "HEAD").read_text().strip()
    if _HASH.fullmatch(head):
        return head
    common = git / "commondir"
    shared = git / common.read_text().strip() if common.is_file() else git
    return _resolve(head.partition(":")[2].strip(), git, shared)


def _resolve(ref: str, *folders: Path) -> str | None:
    for folder in folders:
        if ref and (folder / ref).is_file() and _HASH.fullmatch(text := (folder / ref).read_text().strip()):
            return text
        packed = folder / "packed-refs"
        for line in packed.read_text().splitlines() if packed.is_file() else ():
            commit, _, name = line.partition(" ")
            if name == ref and _HASH.fullmatch(commit):
                return commit
    return None
