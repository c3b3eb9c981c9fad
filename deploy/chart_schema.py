"""Writes Kubernetes' own types into the schema of the chart's values: a typo is an error down to the last field.

    python deploy/chart_schema.py            write deploy/helm/values.schema.json
    python deploy/chart_schema.py --check    exit with 1 if it is not what would be written

Definitions that begin with a capital letter are made here: all that the rest of the schema, which is written by hand,
refers to. They come from the package kubernetes-validate; fields of a Kubernetes newer than VERSION need a newer one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
from generated import write_or_check

SCHEMA = Path(__file__).parent / "helm" / "values.schema.json"
VERSION = "1.37"
REFERENCE = "#/$defs/"

# A volume as values have it whose name is the chart's own.
UNNAMED_VOLUME = "VolumeSource"

# What is no object with fields of its own.
SCALARS = {
    "Quantity": {"type": ["string", "number"], "pattern": "^[+-]?[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$"},
    "IntOrString": {"type": ["string", "integer"]},
}

# What has a default in values.yaml for each field that it requires: one that is null is missing here, and gets it.
DEFAULTED = {"SeccompProfile"}

# The template of an ephemeral volume takes no more of it.
METADATA_FIELDS = {"labels", "annotations"}


def kubernetes_types() -> dict[str, Any]:
    """Name -> schema of all of Kubernetes' types, by the last part of their names."""
    package = Path(kubernetes_validate.__file__).parent
    (path,) = package.glob(f"kubernetes-json-schema/v{VERSION}.*-local-strict/_definitions.json")
    definitions = json.loads(path.read_text())["$defs"]
    # Types of the API groups in use go before others of the same name.
    preferred = ("api.core.v1.", "api.networking.v1.", "api.autoscaling.v2.", "apimachinery.")
    found: dict[str, Any] = {}
    for group in reversed(preferred):
        found |= {name.rpartition(".")[2]: one for name, one in definitions.items() if group in name}
    return found


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of Kubernetes' schema without descriptions, and without null, which a list of values would carry along."""
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            name = value.rpartition(".")[2]
            made |= SCALARS.get(name, {"$ref": f"{REFERENCE}{name}"})
        elif key == "type":
            made[key] = next(one for one in value if one != "null") if isinstance(value, list) else value
        elif key == "properties":
            made[key] = {name: plain(one) for name, one in sorted(value.items())}
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            made[key] = plain(value)
        elif key in {"required", "enum", "additionalProperties"}:
            made[key] = value
    return made


def definition(name: str, types: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type."""
    if name == UNNAMED_VOLUME:
        volume = definition("Volume", types)
        del volume["properties"]["name"], volume["required"]
        return volume
    made = {"type": "object", **plain(types[name])}
    if name in DEFAULTED:
        del made["required"]
    if name == "ObjectMeta":
        made["properties"] = {key: one for key, one in made["properties"].items() if key in METADATA_FIELDS}
    return made


def references(node: Any) -> set[str]:
    """The names of all definitions that a part of a schema refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].removeprefix(REFERENCE)} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with all of Kubernetes' types that it needs, and no others."""
    own = {name: one for name, one in schema["$defs"].items() if name[0].islower()}
    types, made = kubernetes_types(), {}
    wanted = references([schema["properties"], own]) - own.keys()
    while wanted:
        made |= {name: definition(name, types) for name in wanted}
        wanted = references(list(made.values())) - made.keys()
    return {**schema, "$defs": {**own, **dict(sorted(made.items()))}}


def main() -> int:
    """Write it, or check it."""
    wanted = completed(json.loads(SCHEMA.read_text()))
    return write_or_check(SCHEMA, json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
