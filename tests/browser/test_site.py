"""The site of docs/ in a real browser, from the disk: its search finds, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote, urlsplit

import pytest

from support import needs
from support.pages.browser import Browser
from support.pages.readme import ROOT

BUILD = ("--builder", "html", "--fail-on-warning", "--keep-going", "--quiet")


def build(folder, out):
    command = [sys.executable, "-m", "sphinx", *BUILD, folder, out]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module", autouse=True)
def _sphinx():
    if importlib.util.find_spec("sphinx") is None:
        needs.lack("no Sphinx: tox -e browser")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", out)
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_search_works_without_a_network(site, tmp_path):
    if shutil.which("chromium") is None:
        needs.lack("no chromium: run as root, or install it")
    with Browser(tmp_path) as browser:
        browser._ask("Page.navigate", url=f"{(site / 'search.html').as_uri()}?q=spool")
        # The page adds what it finds one by one, after it has loaded each page for its text.
        browser.wait_for("document.querySelector('#search-results li a[href*=\"operating.html\"]') !== null")
        assert [address for address in browser.requests if not address.startswith("file:")] == []


def test_nothing_is_asked_of_the_network_and_every_link_leads_somewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text()
        assert re.findall(r"<(?:script|img|iframe|source)[^>]+src=\"(?:https?:)?//", text) == []
        assert re.findall(r"<link[^>]+rel=\"stylesheet\"[^>]+href=\"(?:https?:)?//", text) == []
        for link in re.findall(r'href="([^"#]+)', text):
            parts = urlsplit(link)
            if not parts.scheme:
                assert (page.parent / unquote(parts.path)).exists(), (page.name, link)


@pytest.mark.parametrize("text", ["[nowhere](not-there.md)", "[no heading](index.md#not-there)", "an orphan"])
def test_a_broken_link_and_an_orphan_are_errors(tmp_path, text):
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (docs / "conf.py").write_text((ROOT / "docs" / "conf.py").read_text())
    (docs / "index.md").write_text("# Pages\n\n## All\n\n- [one](one.md)\n")
    (docs / "one.md").write_text("# One\n")
    assert build(docs, tmp_path / "out").returncode == 0
    (docs / ("two.md" if text == "an orphan" else "one.md")).write_text(f"# One\n\n{text}\n")
    assert build(docs, tmp_path / "out").returncode != 0
