"""Installs Debian packages for tests where it can: `network`, `browser`, `containers`, `pages`, or several."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.deployment import containers
from support.network import netns
from support.pages import browser

PAGES = {"curl": "curl", "git": "git"}
"""What commands of the documentation need, and the Debian packages that bring it."""

PACKAGES = {"network": netns.PACKAGES, "browser": browser.PACKAGES, "containers": containers.PACKAGES, "pages": PAGES}


def main() -> None:
    wanted = [item for name in sys.argv[1:] for item in PACKAGES[name].items()]
    packages = sorted({package for program, package in wanted if shutil.which(program) is None})
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], check=True)


if __name__ == "__main__":
    main()
