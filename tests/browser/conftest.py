"""One browser for all tests here: to start one takes seconds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support import needs
from support.pages.browser import Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if shutil.which("chromium") is None:
        needs.lack("no chromium: run as root, or install it")
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    return Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
