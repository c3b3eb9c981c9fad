"""Writes the defaults of values.yaml into a template: Helm hides from templates what a null key had before.

    python deploy/chart_defaults.py            write deploy/helm/templates/_defaults.tpl
    python deploy/chart_defaults.py --check    exit with 1 if it is not what would be written

Where that template's copy is used is templates/_values.tpl.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from generated import write_or_check

CHART = Path(__file__).parent / "helm"
TEMPLATE = CHART / "templates" / "_defaults.tpl"


def template(values: str) -> str:
    """The template of a values.yaml's text."""
    made = json.dumps(yaml.safe_load(values), indent=1, ensure_ascii=False)
    head = "{{/* The defaults of values.yaml, made by deploy/chart_defaults.py. */}}"
    return f'{head}\n{{{{- define "locust-cw.defaults" -}}}}\n{made}\n{{{{- end -}}}}\n'


if __name__ == "__main__":
    sys.exit(write_or_check(TEMPLATE, template((CHART / "values.yaml").read_text())))
