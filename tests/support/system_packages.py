"""Installs the Debian packages that the tests of the network need, where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.netns import PACKAGES


def main() -> None:
    packages = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], check=True)


if __name__ == "__main__":
    main()
