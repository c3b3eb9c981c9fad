"""Writes the defaults and the names of values.yaml into a template.

    python deploy/chart_defaults.py            write deploy/helm/templates/_defaults.tpl
    python deploy/chart_defaults.py --check    exit with 1 if it is not what would be written

The defaults are for templates/_values.tpl: Helm hides from templates what a null key had before. The names are for
templates/_unknown.tpl: a schema refuses a name that is not there, and can't say which one is near.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from chart_readme import values
from generated import write_or_check

CHART = Path(__file__).parent / "helm"
TEMPLATE = CHART / "templates" / "_defaults.tpl"


def names(text: str) -> dict[str, list[str]]:
    """Path of a map -> the names in it, of all maps in a values.yaml's text that are the chart's own; '' is the top."""
    found: dict[str, dict[str, None]] = {}
    for value in values(text):
        parts = value.path.split(".")
        for at, name in enumerate(parts):
            found.setdefault(".".join(parts[:at]), {})[name] = None
    return {path: list(ones) for path, ones in found.items()}


def template(text: str) -> str:
    """The template of a values.yaml's text."""
    defaults = json.dumps(yaml.safe_load(text), indent=1, ensure_ascii=False)
    maps = ",\n".join(f" {json.dumps(path)}: {json.dumps(ones)}" for path, ones in names(text).items())
    head = "{{/* The defaults and the names of values.yaml, made by deploy/chart_defaults.py. */}}"
    return "\n".join([head, _define("defaults", defaults), _define("names", f"{{\n{maps}\n}}")])


def _define(name: str, made: str) -> str:
    return f'{{{{- define "locust-cw.{name}" -}}}}\n{made}\n{{{{- end -}}}}\n'


if __name__ == "__main__":
    sys.exit(write_or_check(TEMPLATE, template((CHART / "values.yaml").read_text())))
