"""Writes what is made of the table of settings: docs/options.md, and the chart's values, their schema and a template.

    python deploy/option_files.py            write the files
    python deploy/option_files.py --check    exit with 1 if one is not what would be written

The table is `locust_cw_dist/settings/settings.py`. Then `python deploy/chart_readme.py` writes the chart's README.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from generated import write_or_check

from locust_cw_dist.settings import checks
from locust_cw_dist.settings.option import FLAG_PATTERN, Group
from locust_cw_dist.settings.settings import OPTIONS

if TYPE_CHECKING:
    from locust_cw_dist.settings.option import Option

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "options.md"
VALUES = ROOT / "deploy" / "helm" / "values.yaml"
SCHEMA = ROOT / "deploy" / "helm" / "values.schema.json"
TEMPLATE = ROOT / "deploy" / "helm" / "templates" / "_options.tpl"

BEGIN = "<!-- options: begin, made by deploy/option_files.py -->"
END = "<!-- options: end -->"
WIDTH = 120

EMPTY = {"string": "", "number": None, "integer": None, "boolean": False, "array": [], "object": {}}
"""Type of a value -> what leaves the package's default."""


class InChart(NamedTuple):
    """What is different in the chart.

    Attributes:
        more: A sentence more.
        instead: Other sentences altogether.
        default: A default of the chart's own.
        schema: Another schema than that of the check.
    """

    more: str = ""
    instead: str = ""
    default: Any = None
    schema: dict[str, Any] | None = None


CHART = {
    "host": InChart(instead="The Host dimension. Defaults to `locust.host`."),
    "region": InChart(instead="AWS Region. IRSA and Pod Identity set AWS_REGION by themselves."),
    "percentiles": InChart(more="Example: `[50, 95, 99.9]`."),
    "metrics": InChart(instead="Metrics to send: `[all, -ResponseSize_Bytes]`, or names. Defaults to all."),
    "groups": InChart(more="Example: `['/item/[0-9]+=/item/{id}']`."),
    "rules": InChart(
        instead="Rules as a TOML file's content: `--set-file cloudwatch.rules=rules.toml`. It is mounted, and "
        "`LOCUST_CW_RULES` names it.",
        schema={"type": "string"},
    ),
    "junit": InChart(more="Example: `/mnt/results/junit.xml`."),
    "rules_json": InChart(more="Example: `/mnt/results/rules.json`."),
    "record": InChart(
        more="A finished Job's files are gone: take S3, or a volume that stays, as `/mnt/results/records`."
    ),
    "report": InChart(more="A finished Job's files are gone: take a volume that stays, as `/mnt/results/report.html`."),
    "flush_timeout_s": InChart(more="Grace periods follow it.", default=30),
    "spool_dir": InChart(more="On the volume of `spool`; empty: memory only.", default="/var/spool/locust-cw"),
    "payloads": InChart(more="Example: `/mnt/results/payloads.jsonl`."),
}

PATHS = (checks.FILE, checks.FOLDER, checks.RECORD)
"""The checks of what a master writes."""


# ------------------------------------------------------------------------------------------------------------- the page


def page_tables() -> str:
    """A table of options for each group, in Markdown."""
    return "\n\n".join(f"## {group}\n\n{_page_table(group)}" for group in Group)


def _page_table(group: Group) -> str:
    rows = [_page_row(option) for option in OPTIONS.values() if option.group is group]
    return "\n".join(["| option | default | what |", "|---|---|---|", *rows])


def _page_row(option: Option) -> str:
    what = option.described(text_form=True, default=False)
    return f"| `{option.usage}` | {_cell(option.shown_default)} | {_cell(what)} |"


def _cell(text: str) -> str:
    text = re.sub(r"--[a-z-]+", r"`\g<0>`", text.replace("|", "\\|"))
    return re.sub(r"docs/(\w+\.md)", r"[\1](\1)", text)


def page() -> str:
    """The page as it should be: what is written by hand, and the tables."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n\n{page_tables()}\n\n{END}{rest.partition(END)[2]}"


# ------------------------------------------------------------------------------------------------------------ the chart


def chart_name(option: Option) -> str:
    """`maxEndpoints`, of the flag `--cw-max-endpoints`."""
    first, *rest = option.dest.removeprefix("cw_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def schema_of(option: Option) -> dict[str, Any]:
    """The schema of an option's value, which may be empty or null, too."""
    schema = dict(CHART.get(option.field, InChart()).schema or option.check.schema)
    if "enum" in schema:
        schema["enum"] = [None, *([""] if isinstance(schema["enum"][0], str) else []), *schema["enum"]]
        return schema
    if "pattern" in schema:
        schema["pattern"] = f"^({schema['pattern'][1:-1]})?$"
    return schema | {"type": [schema["type"], "null"]}


def chart_default(option: Option) -> Any:
    """What the value is unless it is set."""
    default = CHART.get(option.field, InChart()).default
    if default is not None:
        return default
    schema = option.check.schema
    return EMPTY[schema["type"]] if "type" in schema else "" if isinstance(schema["enum"][0], str) else None


def described(option: Option) -> str:
    """What an option is for, in the chart's words."""
    of_chart = CHART.get(option.field, InChart())
    words = of_chart.instead or f"{option.described(text_form=False, default=True)} {of_chart.more}".strip()
    return re.sub(FLAG_PATTERN, lambda flag: f"`{_BY_FLAG[flag[0]]}`", words)


_BY_FLAG = {option.flag: chart_name(option) for option in OPTIONS.values()}


def values() -> str:
    """The chart's values as they should be; all but the map `cloudwatch` is written by hand."""
    lines, group = ["cloudwatch:"], Group.FIRST
    for option in OPTIONS.values():
        # Those of Group.FIRST have a table of their own, see chart_readme.
        if option.group not in {Group.FIRST, group}:
            group = option.group
            lines.append(f"  ## CloudWatch: {group[0].lower()}{group[1:]}")
        lines += textwrap.wrap(f"-- {described(option)}", WIDTH, initial_indent="  # ", subsequent_indent="  # ")
        default = chart_default(option)
        lines.append(
            f"  {chart_name(option)}: {default if isinstance(default, str) and default else json.dumps(default)}"
        )
    made = "\n".join([*lines, "", ""])
    return re.sub(
        r"^cloudwatch:\n.*?(?=^\S)", lambda _: made, VALUES.read_text(), count=1, flags=re.MULTILINE | re.DOTALL
    )


def schema() -> str:
    """The schema as it should be; all but the properties of `cloudwatch` is made elsewhere."""
    whole = json.loads(SCHEMA.read_text())
    whole["properties"]["cloudwatch"]["properties"] = {chart_name(one): schema_of(one) for one in OPTIONS.values()}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def template() -> str:
    """The template with what others ask of options, as JSON: which need one of others, which name what is written."""
    needs = {
        chart_name(option): [chart_name(OPTIONS[name]) for name in option.needs]
        for option in OPTIONS.values()
        if option.needs
    }
    # The folder of the spool is a volume itself.
    written = [chart_name(one) for name, one in OPTIONS.items() if one.check in PATHS and name != "spool_dir"]
    about = json.dumps({"needs": needs, "written": written}, indent=2)
    comment = "{{/* Made by deploy/option_files.py: which options need one of others, which name what is written. */}}"
    return f'{comment}\n\n{{{{- define "locust-cw.aboutOptions" -}}}}\n{about}\n{{{{- end -}}}}\n'


def main() -> int:
    """Write them, or check them."""
    made = {PAGE: page(), VALUES: values(), SCHEMA: schema(), TEMPLATE: template()}
    return max(write_or_check(path, wanted) for path, wanted in made.items())


if __name__ == "__main__":
    sys.exit(main())
