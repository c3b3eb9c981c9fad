"""What a release needs: its version in every file that names it, and its notes out of CHANGELOG.md.

    python deploy/release.py                write the version into the files of `PLACES`
    python deploy/release.py --check        exit with 1 if one has another version
    python deploy/release.py --notes TAG    print the changelog's section of that version; exit with 1 if TAG is another

The version itself stands in `locust_cw_dist/__init__.py` and nowhere else: pyproject.toml reads it there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from generated import write_or_check

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "locust_cw_dist" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"

NUMBER = r"\d+\.\d+\.\d+"
PLACES = {
    "deploy/helm/Chart.yaml": [rf"(?m)^version: ({NUMBER})$", rf'(?m)^appVersion: "({NUMBER})"$'],
    "deploy/image/Dockerfile": [rf"locust-cw:({NUMBER})", rf"ARG VERSION=({NUMBER})"],
    "deploy/kustomize/base/kustomization.yaml": [rf"newTag: ({NUMBER})"],
    "docs/containers.md": [rf"locust-cw:({NUMBER})"],
    "docs/kubernetes.md": [rf"name: locust-cw, version: ({NUMBER})"],
}
"""File -> where it names the version, as expressions whose group is the number."""


def version() -> str:
    """The version of the package."""
    return re.findall(rf'^__version__ = "({NUMBER})"$', SOURCE.read_text(), re.MULTILINE)[0]


def with_version(text: str, places: list[str]) -> str:
    """A file's text with the version in every place.

    Raises:
        ValueError: A place is not there.
    """
    for place in places:
        text, count = re.subn(place, lambda found: found[0].replace(found[1], version()), text)
        if not count:
            raise ValueError(f"nothing matches {place}")
    return text


def notes(tag: str) -> str:
    """The changelog's section of the version that a tag names.

    Raises:
        SystemExit: The tag is of another version, or the changelog has no section for it.
    """
    if tag != f"v{version()}":
        sys.exit(f"the tag is {tag}, and the package's version {version()}: must be v{version()}")
    heading = rf"^## \[{re.escape(version())}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    found = re.search(heading, CHANGELOG.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit(f"CHANGELOG.md has no section with a date for {version()}")
    return found[1].strip()


def main() -> int:
    """Write, check, or print."""
    if sys.argv[1:2] == ["--notes"]:
        print(notes(sys.argv[2]))
        return 0
    texts = {ROOT / name: with_version((ROOT / name).read_text(), places) for name, places in PLACES.items()}
    return max(write_or_check(path, wanted) for path, wanted in texts.items())


if __name__ == "__main__":
    sys.exit(main())
