"""docs/tutorial.md: every command in order, in one shell, and every output that the page shows."""

from __future__ import annotations

import itertools
import re

import pytest

from support.cluster.processes import unwrapped
from support.pages import checkout as pages
from support.pages.readme import ROOT, blocks

pytestmark = [pytest.mark.xdist_group("tutorial"), pytest.mark.once]

PAGE = "docs/tutorial.md"
BLOCKS = [*re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / PAGE).read_text(), re.MULTILINE | re.DOTALL), ("", "")]
INSTALL, *COMMANDS = [
    (text, shown if kind == "text" else "")
    for (language, text), (kind, shown) in itertools.pairwise(BLOCKS)
    if language == "sh"
]


def as_test(command):
    return command.replace("-t 30s", "-t 4s")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each command prints, wherever it prints it."""
    checkout = pages.Checkout(tmp_path_factory.mktemp("clone"))
    for block in [*blocks("python", PAGE), *blocks("toml", PAGE)]:
        (checkout.folder / block.file_name).write_text(checkout.here(block.text.replace("< 300 ms", "< 30 s")))
    script = "exec 2>&1\n" + "".join(f"echo @@@\n{as_test(command)}" for command, _ in COMMANDS)
    process = checkout.run("tutorial", script)
    _, *outputs = unwrapped(process.out).split("@@@\n")
    return outputs


def test_the_first_command_installs_what_the_page_needs():
    assert INSTALL[0].endswith("'.[report]'\n")
    assert sum(bool(shown) for _, shown in COMMANDS) >= 6


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[command[:30] for command, _ in COMMANDS])
def test_each_output_is_what_the_command_prints(outputs, number):
    command, shown = COMMANDS[number]
    print(outputs[number])
    for line in shown.splitlines():
        assert re.search(pages.pattern(line), outputs[number]), (command, line)
    assert "Traceback" not in outputs[number]


def test_nothing_got_lost_on_the_way(outputs):
    counts = [re.findall(r"complete: (\d+) of (\d+) results? published", output) for output in outputs]
    assert sum(map(len, counts)) >= 3
    assert [pair for pairs in counts for pair in pairs if pair[0] != pair[1]] == []
