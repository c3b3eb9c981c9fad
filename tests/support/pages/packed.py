"""What a page in a file has packed in it, for tests that read it."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode


def data_of(page: str) -> dict:
    """Return the numbers that its script draws."""
    return json.loads(unpacked(page, "packed-data"))


def unpacked(page: str, name: str) -> bytes:
    """Return what a packed element holds."""
    return zlib.decompress(b64decode(re.search(f'<script type="text/plain" id="{name}">(.*?)</script>', page)[1]))
