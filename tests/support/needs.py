"""What a machine lacks that a test needs: a reason to skip it, and in CI, where all of it is to be there, to fail."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lack(reason: str) -> NoReturn:
    """End the test for want of something: it fails where the environment says ``CI=true`` and is skipped elsewhere."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
