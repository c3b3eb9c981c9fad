"""Pages that are made of the code are what would be made today; and what the package says of installing is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from locust_cw_dist.core.publish.metric_names import METRIC_NAMES
from locust_cw_dist.settings.settings import OPTIONS
from support.pages.readme import ROOT

pytestmark = pytest.mark.once

PACKAGE = ROOT / "locust_cw_dist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("script", ["reference_pages.py", "option_files.py", "release.py"])
def test_the_script_would_change_nothing(script):
    command = [sys.executable, f"deploy/{script}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_table_of_metrics_is_complete():
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert [name for name in METRIC_NAMES if f"`{name}`" not in page] == []


def test_what_to_install_is_what_an_extra_installs():
    """No hint names this package, which no index has yet."""
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    hints = re.findall(r'pip install "([^"]+)"', sources)
    assert f"pip install {PROJECT['name']}" not in sources
    assert {line for extra in PROJECT["optional-dependencies"].values() for line in extra} <= set(hints)


def test_no_text_of_an_option_names_a_page_that_an_installed_package_lacks():
    texts = [option.described(text_form=True, default=True) for option in OPTIONS.values()]
    assert [text for text in texts if "docs/" in text] == []
    helps = [path for path in (PACKAGE / "tools" / "cli").glob("*.py") if re.search(r"docs/\w+\.md", path.read_text())]
    assert helps == []


def test_no_page_pretends_that_an_index_has_the_package():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md"), *(ROOT / "deploy").glob("**/*.yml")]
    commands = [found for page in pages for found in re.findall(r"pip install .*locust-cw-dist.*", page.read_text())]
    assert len(commands) >= 2
    assert [command for command in commands if "git+" not in command] == []
