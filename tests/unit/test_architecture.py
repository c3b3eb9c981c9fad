"""Which module may know which: read from the sources, and tried in fresh interpreters."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import locust_cw_dist

pytestmark = pytest.mark.once

PACKAGE = "locust_cw_dist"
ROOT = Path(locust_cw_dist.__file__).parent

PURE = {
    "__future__",
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "errno",
    "fractions",
    "functools",
    "hashlib",
    "http",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "re",
    "struct",
    "typing",
    "zlib",
}
"""What the core may import: values, arithmetic and tables of codes (errno, http); no clock, chance, log, file, process,
thread or network."""

IMPURE_NAMES = {"now", "utcnow", "today", "open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
"""What would bring a clock or the outside into the core though every import is allowed."""

UNDOCUMENTED = {
    "server",
    "client",
    "recv_from_client",
    "setsockopt",
    "recv",
    "send_to_client",
    "user_greenlets",
    "_handlers",
    "custom_messages",
    "spawning_greenlet",
}
"""Attributes of Locust's runners and sockets that its documentation does not name."""

IMPORTERS_OF_LOCUST = {
    "auto",
    "plugin",
    "variables",
    "run",
    "tools.cli.parsing",
    "tools.doctor.probe",
    "tools.demo.locustfile",
    "live.platform.locust_internals",
    "live.master.master",
    "live.process",
}
IMPORTERS_OF_BOTO3 = {
    "tools.as_code.account",
    "live.publish.cloudwatch",
    "live.records.s3",
    "testing",
    "tools.doctor.account",
    "tools.doctor.endpoint",
    "live.aws.errors",
}


@dataclass(frozen=True)
class Import:
    """One import: what, and whether it stands at the top of its module."""

    name: str
    is_top: bool


def imports_in(source):
    """All imports of a source; of ``from a import b``, both ``a`` and ``a.b``."""
    tree = ast.parse(source)
    top = {id(node) for node in tree.body}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {Import(name, id(node) in top) for name in names}
    return found


def names_in(source):
    """All attributes that a source reaches for, as text for getattr too, and all names that it calls."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
            if node.func.id == "getattr" and isinstance(node.args[1], ast.Constant):
                found.add(node.args[1].value)
    return found


def modules():
    """Sources by module name, without the package's own."""
    sources = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        sources[".".join(parts)] = path.read_text()
    return sources


MODULES = modules()
CORE = sorted(name for name in MODULES if name.startswith("core."))


def ours(module):
    """The modules of this package that a module imports."""
    prefix = f"{PACKAGE}."
    names = {found.name.removeprefix(prefix) for found in imports_in(MODULES[module]) if found.name.startswith(prefix)}
    return names & MODULES.keys()


def importers_of(package, *, top_only=False):
    return {
        module
        for module, source in MODULES.items()
        for found in imports_in(source)
        if found.name.split(".")[0] == package and (found.is_top or not top_only)
    }


def test_the_finders_find():
    source = """
import time
from a.b import c
def late():
    import boto3
    return getattr(runner, "server").socket, datetime.now(), open("file")
"""
    assert imports_in(source) == {
        Import("time", True),
        Import("a.b", True),
        Import("a.b.c", True),
        Import("boto3", False),
    }
    assert {"server", "socket", "now", "open", "getattr"} <= names_in(source)
    assert {"core.wire.frame", "live.platform.locust_internals", "live.worker.worker", "plugin"} <= MODULES.keys()
    assert "core.summaries.checked_values" in ours("core.wire.frame")
    assert "core.worker.outbox" in ours("live.worker.worker")


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_but_itself_and_pure_parts_of_the_standard_library(module):
    allowed = PURE | ({"msgpack"} if module == "core.wire.frame" else set())
    for found in imports_in(MODULES[module]):
        is_ours = found.name.startswith(f"{PACKAGE}.core.") or found.name == f"{PACKAGE}.core"
        # Of `from datetime import UTC`, `datetime.UTC` is found too.
        assert is_ours or found.name in allowed or found.name.rpartition(".")[0] in allowed, found
        assert found.is_top, f"{found}: the core has nothing to import late"


@pytest.mark.parametrize("module", CORE)
def test_the_core_asks_no_clock_and_touches_nothing_outside(module):
    assert not names_in(MODULES[module]) & IMPURE_NAMES


def test_the_core_has_the_order_in_which_data_travels():
    order = list(TopologicalSorter({module: ours(module) & set(CORE) for module in CORE}).static_order())
    way = [
        "core.summaries.summary",
        "core.worker.buffer",
        "core.wire.frame",
        "core.master.worker_processes",
        "core.master.collector",
        "core.publish.window_datums",
    ]
    assert [module for module in order if module in way] == way
    assert order.index("core.wire.frame") < order.index("core.worker.outbox")


def test_no_module_of_the_whole_package_imports_itself_in_a_circle():
    def top(module):
        prefix = f"{PACKAGE}."
        names = {found.name.removeprefix(prefix) for found in imports_in(MODULES[module]) if found.is_top}
        return names & MODULES.keys()

    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
    TopologicalSorter({module: top(module) for module in MODULES}).prepare()


@pytest.mark.parametrize(
    ("layer", "allowed"),
    [
        ("core", ("core",)),
        ("edge", ("core", "edge", "errors", "settings")),
        ("hosts", ("core", "edge", "hosts", "errors", "settings", "options")),
    ],
)
def test_imports_point_inwards(layer, allowed):
    for module in MODULES:
        if module.startswith(f"{layer}."):
            for other in ours(module):
                assert other.split(".")[0] in allowed, f"{module} imports {other}"


def test_what_is_made_as_code_is_computed_and_only_its_account_calls_aws():
    makers = [name for name in MODULES if name.startswith("as_code.") and name != "tools.as_code.account"]
    assert {
        "tools.as_code.alarms",
        "tools.as_code.dashboard",
        "tools.as_code.changes",
        "tools.as_code.template",
    } <= set(makers)
    for name in makers:
        for found in imports_in(MODULES[name]):
            known = found.name if found.name in PURE else found.name.rpartition(".")[0]
            assert found.name.startswith(PACKAGE) or known in PURE, f"{name} imports {found.name}"
        assert {one.split(".")[0] for one in ours(name)} <= {"as_code", "core", "errors", "settings"}, name
        assert "tools.as_code.account" not in ours(name)
        assert not names_in(MODULES[name]) & IMPURE_NAMES
    runtime = [name for name in MODULES if name.split(".")[0] in {"live", "plugin", "auto", "adapter", "core"}]
    for name in runtime:
        assert not any(one.startswith("as_code") for one in ours(name)), (
            f"{name}: no process of a load test makes alarms"
        )


def test_locust_is_known_at_the_rim_only():
    assert {"auto", "plugin"} <= importers_of("locust") <= IMPORTERS_OF_LOCUST


def test_boto3_is_imported_where_it_is_used_and_only_then():
    assert importers_of("boto3") | importers_of("botocore") == IMPORTERS_OF_BOTO3
    assert importers_of("boto3", top_only=True) | importers_of("botocore", top_only=True) == set()


def test_what_locust_does_not_document_is_in_one_file():
    runtime = [name for name in MODULES if name.split(".")[0] in {"live", "plugin", "auto", "adapter", "core"}]
    users = {name for name in runtime if names_in(MODULES[name]) & UNDOCUMENTED}
    # boto3's `session.client` has the same name as a worker's connection.
    assert users == {"live.platform.locust_internals", "live.publish.cloudwatch", "live.records.s3"}
    assert names_in(MODULES["live.publish.cloudwatch"]) & UNDOCUMENTED == {"client"}
    assert names_in(MODULES["live.records.s3"]) & UNDOCUMENTED == {"client"}


def test_what_runs_beside_a_load_test_ends_in_a_forked_process():
    """Greenlets are made by `live.platform.forks`, and events reach us by way of `live.platform.listeners`."""
    runtime = [name for name in MODULES if name.split(".")[0] in {"live", "plugin", "adapter"}]
    assert [name for name in runtime if "gevent.spawn(" in MODULES[name]] == ["live.platform.forks"]
    listening = {name for name in runtime if names_in(MODULES[name]) & {"add_listener", "register_message"}}
    assert listening == {"live.platform.locust_internals", "live.platform.listeners"}


def test_modules_are_short():
    lengths = {module: source.count("\n") for module, source in MODULES.items()}
    assert max(lengths.values()) < 400, max(lengths, key=lengths.get)


def run(program):
    """Run a program in a fresh interpreter; return what it printed."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


WATCH = """
import sys, threading
before = set(sys.modules)
{imports}
loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(loaded & {{"locust", "gevent", "boto3", "botocore", "msgpack", "zmq"}}), threading.active_count())
"""


def test_the_package_alone_imports_nothing_and_starts_nothing():
    assert run(WATCH.format(imports="import locust_cw_dist")) == ["1"]
    assert run(WATCH.format(imports="from locust_cw_dist import Settings, SettingsError")) == ["1"]


def test_the_core_alone_needs_msgpack_and_nothing_else():
    imports = "import " + ", ".join(f"{PACKAGE}.{module}" for module in CORE if not module.endswith("__init__"))
    assert run(WATCH.format(imports=imports)) == ["msgpack", "1"]


def test_a_worker_imports_neither_boto3_nor_what_publishes():
    modules = ("auto", "plugin", "live.worker.worker", "settings.options")
    imports = "import " + ", ".join(f"{PACKAGE}.{module}" for module in modules)
    loaded = run(WATCH.format(imports=imports))
    assert loaded[:-1] == ["gevent", "locust", "msgpack", "zmq"]
    publishing = """
import sys
import locust_cw_dist.auto, locust_cw_dist.plugin, locust_cw_dist.live.worker.worker
print(*(name for name in sys.modules if name.startswith("locust_cw_dist.")))
"""
    modules = {name.removeprefix(f"{PACKAGE}.") for name in run(publishing)}
    assert "live.worker.worker" in modules
    assert not modules & {
        "live.master.master",
        "live.publish.publisher",
        "live.process",
        "live.publish.cloudwatch",
        "core.publish.datums",
    }
