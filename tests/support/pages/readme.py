"""The README and the pages under docs/ taken apart: their code blocks and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """The file that a block of Python or TOML says it is, in its first line."""
        match = re.match(r"# (\w+\.(?:py|toml))\n", self.text)
        return match and match[1]


def blocks(language: str, page: str = "README.md") -> list[Block]:
    """Return a page's blocks of a language, in order."""
    text = (ROOT / page).read_text()
    return [
        Block(*found)
        for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if found[0] == language
    ]
