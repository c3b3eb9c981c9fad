"""docs/live.md: its fields are those of a real answer, and its example is one."""

from __future__ import annotations

import json
import re

from locust_cw_dist.core.progress.progress import VERSION
from locust_cw_dist.core.progress.status import StatusName
from support.pages.readme import ROOT

PAGE = (ROOT / "docs" / "live.md").read_text()
EXAMPLE = json.loads(re.search("```json\n(.*?)```", PAGE, re.DOTALL)[1])
OPEN = {"run.labels", "ledger.dropped", "ledger.untimed"}
"""Objects whose keys are not ours."""


def fields_of(value, path=""):
    """Return the paths of all fields in a document, as `rules[].name`."""
    if path not in OPEN and isinstance(value, dict):
        return {one for key, inner in value.items() for one in fields_of(inner, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {one for inner in value for one in fields_of(inner, f"{path}[]")}
    return {path}


def documented():
    cells = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    names = {name for cell in cells for name in re.findall("`([^`]+)`", cell)}
    names -= {name.value for name in StatusName}
    rows = {name.removeprefix("total.") for name in names if name.startswith("total.")}
    return names - {"endpoints[]"} | {f"endpoints[].{name}" for name in rows}


def test_the_example_has_all_documented_fields_and_no_others():
    # A warning and a failure are not in every run.
    assert EXAMPLE["version"] == VERSION
    assert fields_of(EXAMPLE) - {"warnings"} == documented() - {"warnings[].time_s", "warnings[].text"}


def test_all_statuses_are_documented():
    assert all(f"| `{name.value}` |" in PAGE for name in StatusName)


def test_a_real_answer_has_the_documented_fields(make_site):
    site = make_site(rule=("p95 < 5 ms",))
    site.start()
    site.warn()

    def is_whole(state):
        # Whatever window a look comes in, there were requests in the last one.
        site.fire(exception=ValueError("x"))
        return fields_of(state) == documented()

    site.wait_for(is_whole, "all fields are there")
