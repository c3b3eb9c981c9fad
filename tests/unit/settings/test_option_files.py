"""What is made of the table of settings: the page, the chart's values and their schema; and what pages name."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import sys

import pytest

from locust_cw_dist.settings.settings import OPTIONS
from support.pages.readme import ROOT

PLACEHOLDERS = {"--cw-x-y", "LOCUST_CW_X_Y", "LOCUST_CW_IMAGE", "LOCUST_CW_WATCH_PASSWORD"}
"""What pages name that is no option: the form of all, a variable of the Compose file, and one of `locust-cw watch`."""


@pytest.fixture
def files(monkeypatch):
    """The script deploy/option_files.py."""
    monkeypatch.syspath_prepend(ROOT / "deploy")
    return importlib.import_module("option_files")


@pytest.mark.parametrize("name", ["page", "values", "schema", "template"])
def test_what_is_made_of_the_table_is_up_to_date(files, name):
    assert getattr(files, name)() == getattr(files, name.upper()).read_text(), "python deploy/option_files.py"


def test_a_new_row_is_a_line_of_the_page_and_a_value_of_the_chart(files, monkeypatch):
    row = dataclasses.replace(
        OPTIONS["max_endpoints"], usage="--cw-max-users <int>", what="Users.", field="max_users", default_value=7
    )
    monkeypatch.setattr(files, "OPTIONS", {**OPTIONS, "max_users": row})
    assert "| `--cw-max-users <int>` | 7 | Users. |" in files.page().splitlines()
    assert "  # -- Users. Defaults to 7.\n  maxUsers: null\n" in files.values()
    described = json.loads(files.schema())["properties"]["cloudwatch"]["properties"]["maxUsers"]
    assert described == {"type": ["integer", "null"], "minimum": 1, "maximum": 1000}


def test_a_file_that_is_out_of_date_is_named(files, monkeypatch, tmp_path, capsys):
    page = tmp_path / "options.md"
    page.write_text(files.PAGE.read_text().replace("| perf |", "| prod |"))
    monkeypatch.setattr(files, "PAGE", page)
    monkeypatch.setattr(sys, "argv", ["deploy/option_files.py", "--check"])
    assert files.main() == 1
    assert capsys.readouterr().err == "options.md is out of date: python deploy/option_files.py\n"
    monkeypatch.setattr(sys, "argv", ["deploy/option_files.py"])
    assert files.main() == 0
    assert page.read_text() == (ROOT / "docs" / "options.md").read_text()


def test_each_value_of_the_chart_leaves_the_packages_default_unless_it_has_a_reason(files):
    own = {name for name, option in OPTIONS.items() if files.chart_default(option)}
    assert own == {"flush_timeout_s", "spool_dir"}
    assert set(files.CHART) <= set(OPTIONS)


def test_pages_and_examples_name_options_that_there_are():
    folders = (ROOT, ROOT / "docs", *(path for path in (ROOT / "deploy").rglob("*") if path.is_dir()))
    texts = [
        path.read_text()
        for folder in folders
        for path in folder.iterdir()
        if path.suffix in {".md", ".yaml", ".yml", ".env", ".sh", ".py", ".tpl"} and path.name != "CHANGELOG.md"
    ]
    named = {
        name for text in texts for name in re.findall(r"--cw-[a-z]+(?:-[a-z]+)*|LOCUST_CW_[A-Z]+(?:_[A-Z]+)*", text)
    }
    assert {"--cw-service", "LOCUST_CW_SPOOL_DIR"} <= named
    assert named - PLACEHOLDERS <= {name for one in OPTIONS.values() for name in (one.flag, one.variable)}
