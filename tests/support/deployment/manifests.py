"""Kubernetes objects as Helm and kustomize make them, and questions to ask of them."""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from support import deploy_tools

DEPLOY = Path(__file__).parents[3] / "deploy"
CHART = DEPLOY / "helm"
KUSTOMIZE = DEPLOY / "kustomize"
VALUES = {path.stem: path for path in sorted((Path(__file__).parents[2] / "deploy" / "values").glob("*.yaml"))}
KUSTOMIZATIONS = {"base": "base", "irsa": "overlays/irsa", "pod-identity": "overlays/pod-identity"}

RELEASE, NAMESPACE = "checkout", "load"

GO_IN_HASTE = {"GOGC": "off", "GOMAXPROCS": "1"}
"""A rendering takes 100 ms and little memory: it ends before garbage needs collecting, in half the CPU time."""

COMPONENT = "app.kubernetes.io/component"


class RenderError(Exception):
    """What Helm wrote to stderr."""


class Objects(list[dict[str, Any]]):
    """The objects of one rendering."""

    def of(self, kind: str, role: str = "") -> list[dict[str, Any]]:
        """Those of a kind, and of a role if one is given."""
        return [
            one
            for one in self
            if one["kind"] == kind and (not role or one["metadata"].get("labels", {}).get(COMPONENT) == role)
        ]

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """The object of that kind and name."""
        return next(one for one in self if one["kind"] == kind and one["metadata"]["name"] == name)

    def workload(self, role: str) -> dict[str, Any]:
        """The Job or Deployment of a role."""
        (found,) = (*self.of("Job", role), *self.of("Deployment", role))
        return found

    def pod(self, role: str) -> dict[str, Any]:
        """The pod's spec of a role; `doctor` for that of `helm test`."""
        if role == "doctor":
            (found,) = self.of("Pod", role)
            return found["spec"]
        return self.workload(role)["spec"]["template"]["spec"]

    def pod_labels(self, role: str) -> dict[str, str]:
        """The labels of a role's pod."""
        return self.workload(role)["spec"]["template"]["metadata"]["labels"]

    def pod_annotations(self, role: str) -> dict[str, str]:
        """The annotations of a role's pod."""
        return self.workload(role)["spec"]["template"]["metadata"]["annotations"]

    def container(self, role: str) -> dict[str, Any]:
        """The main container of a role."""
        (found,) = self.pod(role)["containers"]
        return found

    def environment(self, role: str) -> dict[str, Any]:
        """Variable -> value, or where it comes from, of a role's main container."""
        return {one["name"]: one.get("value", one.get("valueFrom")) for one in self.container(role)["env"]}

    def options(self) -> dict[str, str]:
        """The ConfigMap of options."""
        (found,) = (one for one in self.of("ConfigMap") if "-options" in one["metadata"]["name"])
        return found.get("data") or {}

    def workloads(self) -> list[tuple[str, dict[str, Any]]]:
        """Role and pod's spec of all that runs."""
        roles = ("master", "worker", *(["doctor"] if self.of("Pod") else []))
        return [(role, self.pod(role)) for role in roles]


def default_values() -> dict[str, Any]:
    """The chart's own values."""
    return yaml.safe_load((CHART / "values.yaml").read_text())


class _Loader(yaml.CSafeLoader):
    """Reads 1e3 as a number, as Kubernetes does and PyYAML does not."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read(text: str) -> Objects:
    """The objects of a rendered text."""
    return Objects(one for one in yaml.load_all(text, Loader=_Loader) if one)


@functools.cache
def chart_text(helm: str, values: str) -> str:
    """What a Helm makes of a file of `tests/deploy/values`."""
    return template(helm, "--values", str(VALUES[values]))


@functools.cache
def chart(helm: str, values: str) -> Objects:
    """Not to be changed: the objects that a Helm makes of a file of `tests/deploy/values`."""
    return read(chart_text(helm, values))


def chart_with(base: str, helm: str = deploy_tools.HELMS[0], **changes: Any) -> Objects:
    """The objects of a file of `tests/deploy/values` with other values: `locust__users=5` for locust.users.

    Raises:
        RenderError: Helm refuses them.
    """
    return chart_of(values_with(base, **changes), helm)


def values_with(base: str, **changes: Any) -> dict[str, Any]:
    """The values of a file of `tests/deploy/values` with others, as for `chart_with`."""
    values = yaml.safe_load(VALUES[base].read_text())
    for path, value in changes.items():
        _change(values, path.split("__"), value)
    return values


def chart_of(values: Mapping[str, Any], helm: str = deploy_tools.HELMS[0]) -> Objects:
    """The objects of values."""
    return read(template(helm, "--values", "-", text=json.dumps(values)))


def _change(values: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for key in parents:
        values = values.setdefault(key, {})
    values[last] = copy.deepcopy(value)


def template(
    helm: str,
    *arguments: str,
    text: str | None = None,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
    folder: Path = CHART,
) -> str:
    """What `helm template` writes of a chart.

    Raises:
        RenderError: It refuses.
    """
    command = [deploy_tools.program(helm), "template", release, str(folder), "--namespace", namespace, *arguments]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, env=os.environ | GO_IN_HASTE, timeout=300, check=False
    )
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


@functools.cache
def kustomized_text(kubectl: str, name: str) -> str:
    """What kubectl makes of a kustomization."""
    command = [deploy_tools.program(kubectl), "kustomize", str(KUSTOMIZE / KUSTOMIZATIONS[name])]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | GO_IN_HASTE, timeout=300, check=True
    )
    return done.stdout


@functools.cache
def kustomized(kubectl: str, name: str) -> Objects:
    """Not to be changed: the objects of a kustomization."""
    return read(kustomized_text(kubectl, name))


RENDERINGS = {
    **{f"{helm} {values}": (chart, helm, values) for helm in deploy_tools.HELMS for values in VALUES},
    **{
        f"{kubectl} {name}": (kustomized, kubectl, name) for kubectl in deploy_tools.KUBECTLS for name in KUSTOMIZATIONS
    },
}
"""Name -> function, program and source of everything that is rendered."""


def rendering(name: str) -> Objects:
    """The objects of one of `RENDERINGS`; not to be changed."""
    render, program, source = RENDERINGS[name]
    return render(program, source)
