"""Which module may know which: read from the sources, and tried in fresh interpreters."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from support.architecture_drawing import PACKAGE, ROOT, Import, imports_in, modules, ours

pytestmark = pytest.mark.once

PURE = {
    "__future__",
    "array",
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
    "heapq",
    "http",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "re",
    "string",
    "struct",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
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
    "adapter",
    "auto",
    "plugin",
    "settings.variables",
    "run",
    "tools.cli.parsing",
    "tools.doctor.probe",
    "tools.demo.locustfile",
    "live.platform.locust_internals",
    "live.master.master",
    "live.process",
    "testing.linked_pair",
}
IMPORTERS_OF_BOTO3 = {
    "live.aws.signing",
    "tools.as_code.account",
    "live.publish.cloudwatch",
    "live.records.s3",
    "testing.local_server",
    "tools.doctor.account",
    "tools.doctor.endpoint",
    "live.aws.errors",
    "live.aws.guard",
    "live.aws.prompts",
    "live.aws.session",
    "live.aws.settings_check",
}


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


MODULES = modules()
CORE = sorted(name for name in MODULES if name.startswith("core."))


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
    # A batch has the name of its file, which others read and write. A match must end, and only a clock can see to it.
    more = {
        "core.wire.frame": {"msgpack"},
        "core.spool.stored_batch": {"pathlib"},
        "core.names.name_pattern": {"regex"},
    }
    allowed = PURE | more.get(module, set())
    for found in imports_in(MODULES[module]):
        is_ours = found.name.startswith(f"{PACKAGE}.core.") or found.name == f"{PACKAGE}.core"
        # Of `from datetime import UTC`, `datetime.UTC` is found too.
        assert is_ours or found.name in allowed or found.name.rpartition(".")[0] in allowed, found
        # regex takes 30 ms to load, which a worker needs not spend.
        assert found.is_top or found.name == "regex", f"{found}: the core has nothing to import late"


@pytest.mark.parametrize("module", CORE)
def test_the_core_asks_no_clock_and_touches_nothing_outside(module):
    assert not names_in(MODULES[module]) & IMPURE_NAMES


def test_no_module_of_the_whole_package_imports_itself_in_a_circle():
    def top(module):
        prefix = f"{PACKAGE}."
        names = {found.name.removeprefix(prefix) for found in imports_in(MODULES[module]) if found.is_top}
        return names & MODULES.keys()

    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
    TopologicalSorter({module: top(module) for module in MODULES}).prepare()


CORE_ROOMS = {
    "names": set(),
    "redaction": set(),
    "summaries": {"names", "redaction"},
    "wire": {"names", "summaries"},
    "worker": {"names", "summaries", "wire"},
    "master": {"names", "summaries", "wire"},
    "publish": {"names", "summaries"},
    "spool": {"names", "summaries", "publish"},
    "costs": {"names", "summaries", "publish"},
    "records": {"names", "summaries"},
    "rules": {"names", "summaries"},
    "verdict": {"names", "summaries", "wire", "worker", "master", "publish", "spool", "costs", "records", "rules"},
    # What is shown of a run is no business of the wire's.
    "progress": {
        "names",
        "redaction",
        "summaries",
        "master",
        "publish",
        "spool",
        "costs",
        "records",
        "rules",
        "verdict",
    },
}
"""Each room of the core, and those that it may import. A worker's half and a master's meet in wire and summaries."""

LIVE_GROUND = {"platform", "aws", "runs"}
"""What all rooms of `live` may import."""

LIVE_ROOMS = (
    "worker",
    "publish",
    "spool",
    "records",
    "rules",
    "verdict",
    "terminal",
    "master",
    "end",
    "progress",
    "web",
    "process",
)
"""Each may import those before it; `worker` comes first, so it imports none."""

LAYERS = {
    "errors": set(),
    # What a client of the user's must have: a type, which install, the adapter and what sends name alike.
    "client": set(),
    # How files are opened that others may have made: a leaf of functions, which settings, live and tools need alike.
    "regular_files": set(),
    "core": {"errors"},
    "settings": {"errors", "core", "regular_files"},
    "pages": {"core"},
    "live": {"core", "settings", "errors", "client", "pages", "regular_files"},
    "plugin": {"live", "settings", "core", "errors", "client"},
    "auto": {"plugin", "settings", "errors", "early_signals"},
    "adapter": {"plugin", "settings", "errors", "client"},
    "early_signals": set(),
    "run": {"plugin", "settings", "errors", "auto", "early_signals"},
    "__init__": {"plugin", "adapter", "settings", "errors", "client"},
    "local_cloudwatch": set(),
    # The linked pair installs the plugin as a user does; nothing of the plugin is imported before it is used.
    "testing": {"local_cloudwatch", "core", "live", "plugin", "settings", "errors"},
    "tools": {
        *("core", "live", "settings", "pages", "errors", "local_cloudwatch", "testing", "plugin"),
        "auto",
        "run",
        "regular_files",
    },
}
"""What stands at the top of the package, and what it may import beside itself; `live.platform` too from `plugin` on."""

EXCEPTIONS = {
    # Files of the spool carry ids of runs, whose length is the wire's.
    ("core.spool.batch_file", "core.wire.frame"),
    ("core.spool.run_state", "core.wire.frame"),
    # A policy names the place in S3 that a record goes to.
    ("core.costs.iam_policies", "core.records.location"),
    ("core.costs.plan", "core.records.location"),
}
"""Edges that can't hold, each with its reason."""

MAX_MODULES = 16
"""In one folder, or nobody finds anything; but `tools/cli`, which has one module for each command."""


def is_allowed(module, other):
    """Whether a module may import another one, by the names of their folders alone."""
    here, there = module.split("."), other.split(".")
    if (module, other) in EXCEPTIONS or (here[0] == there[0] == "core" and here[1] == there[1]):
        return True
    if here[0] == there[0]:
        return _is_allowed_inside(here, there)
    if there[0] == "live" and here[0] in {"auto", "adapter", "run"}:
        return there[1] == "platform"
    return there[0] in LAYERS[here[0]] and not (there[0] == "pages" and here[1] in LIVE_GROUND)


def _is_allowed_inside(here, there):
    if here[0] == "core":
        return there[1] in CORE_ROOMS[here[1]]
    if here[0] != "live" or here[1] == there[1]:
        return True
    if here[1] in LIVE_GROUND:
        return there[1] in LIVE_GROUND
    if here[1] == "worker":
        return there[1] == "platform"
    return there[1] in LIVE_GROUND or there[1] in LIVE_ROOMS[: LIVE_ROOMS.index(here[1])]


@pytest.mark.parametrize(
    ("module", "other", "may"),
    [
        ("core.worker.buffer", "core.summaries.summary", True),
        ("core.summaries.summary", "core.worker.buffer", False),
        ("core.master.collector", "core.worker.outbox", False),
        ("core.publish.datums", "settings.settings", False),
        ("live.worker.worker", "live.platform.clock", True),
        ("live.worker.worker", "live.aws.session", False),
        ("live.platform.clock", "live.publish.sender", False),
        ("live.publish.sender", "live.spool.batch_store", False),
        ("live.spool.recovery", "live.publish.sender", True),
        ("live.publish.sender", "tools.cli.main", False),
        ("plugin", "live.process", True),
        ("auto", "live.process", False),
        ("local_cloudwatch.http.server", "core.summaries.summary", False),
    ],
)
def test_the_rules_tell_right_from_wrong(module, other, may):
    assert is_allowed(module, other) is may


def test_each_room_imports_only_what_lies_below_it():
    wrong = [f"{m} imports {o}" for m in MODULES for o in sorted(ours(m)) if not is_allowed(m, o)]
    assert wrong == []
    needed = {(m, o) for m, o in EXCEPTIONS if o in ours(m)}
    assert needed == EXCEPTIONS, "an exception that nobody needs"


def test_nothing_imports_a_tool_but_tools():
    assert [m for m in MODULES if not m.startswith("tools.") for o in ours(m) if o.startswith("tools")] == []


def test_every_folder_is_small_enough_to_be_read():
    folders = Counter(path.parent.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
    del folders["tools/cli"]
    assert max(folders.values()) <= MAX_MODULES, folders.most_common(1)


def test_unit_tests_lie_in_the_rooms_of_what_they_test():
    rooms = {path.relative_to(ROOT).as_posix() for path in (*ROOT.rglob("*"), ROOT) if path.is_dir()} | {"bench"}
    tests = Path(__file__).parent
    assert {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")} <= rooms


def test_what_is_made_as_code_is_computed_and_only_its_account_calls_aws():
    makers = [name for name in MODULES if name.startswith("tools.as_code.") and name != "tools.as_code.account"]
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
        rooms = {one.split(".")[0] for one in ours(name) if not one.startswith("tools.as_code")}
        assert rooms <= {"core", "errors", "settings"}, name
        assert "tools.as_code.account" not in ours(name)
        assert not names_in(MODULES[name]) & IMPURE_NAMES


def test_locust_is_known_at_the_rim_only():
    assert {"auto", "plugin"} <= importers_of("locust") <= IMPORTERS_OF_LOCUST


def test_boto3_is_imported_where_it_is_used_and_only_then():
    assert importers_of("boto3") | importers_of("botocore") == IMPORTERS_OF_BOTO3
    assert importers_of("boto3", top_only=True) | importers_of("botocore", top_only=True) == set()


def test_pages_are_made_by_templates_alone():
    assert importers_of("jinja2") == {"pages.page"}
    assert importers_of("markupsafe") | importers_of("jinja2", top_only=True) == set()
    makers = [name for name in MODULES if name.split(".")[0] in {"pages", "tools"}]
    assert [name for name in makers if re.search("</[a-z]", MODULES[name])] == []


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
    # The adapter listens for the command line's parser alone, as `auto` does.
    assert listening == {"live.platform.locust_internals", "live.platform.listeners", "adapter"}


def test_each_cap_on_endpoints_has_a_name_of_its_own():
    """One that says what it caps: where a bare MAX_ENDPOINTS is imported, nobody sees which it is."""
    caps = Counter(re.findall(r"^(MAX_\w*ENDPOINTS\w*) =", "\n".join(MODULES.values()), re.MULTILINE))
    assert len(caps) > 3
    assert [name for name, count in caps.items() if count > 1 or name == "MAX_ENDPOINTS"] == []


def test_modules_are_short():
    lengths = {module: source.count("\n") for module, source in MODULES.items()}
    assert max(lengths.values()) < 400, max(lengths, key=lengths.get)


def test_functions_are_short():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = sorted(
        (node.end_lineno - node.lineno + 1, module, node.name)
        for module, source in MODULES.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds)
    )
    assert lengths[-1][0] <= 47, lengths[-3:]
    assert lengths[len(lengths) * 9 // 10][0] <= 17
    assert lengths[len(lengths) // 2][0] <= 6


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
print(*sorted(loaded & {{"locust", "gevent", "boto3", "botocore", "msgpack", "rich", "zmq"}}), threading.active_count())
"""


def test_the_package_alone_imports_nothing_and_starts_nothing():
    assert run(WATCH.format(imports="import locust_cw_dist")) == ["1"]
    assert run(WATCH.format(imports="from locust_cw_dist import Settings, SettingsError")) == ["1"]


def test_test_aids_import_nothing_before_they_are_used():
    aids = "from locust_cw_dist.testing import *; LinkedPair, LocalCloudwatch, RecordingClient, ScriptedSink"
    assert run(WATCH.format(imports=aids)) == ["1"]


def test_all_names_are_there_for_who_asks_for_all():
    """As pdoc does, which then looks into the module's dict; what a type checker sees are the same names."""
    program = (
        "import locust.main, locust_cw_dist as package; print(*package.__all__);"
        "assert set(package.__all__) <= vars(package).keys() and set(package.__all__) <= set(dir(package))"
    )
    for node in ast.walk(ast.parse(MODULES["__init__"])):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            assert run(program) == ast.literal_eval(node.value)
            return
    pytest.fail("no __all__")


def test_help_lists_what_is_public_and_says_what_it_is_for():
    program = (
        "import locust.main, locust_cw_dist, pydoc; print(pydoc.render_doc(locust_cw_dist, renderer=pydoc.plaintext))"
    )
    text = " ".join(run(program))
    for name in (
        "install(environment",
        "class Plugin",
        "class Settings",
        "class CloudwatchAdapter",
        "class CloudwatchClient",
        "class SettingsError",
    ):
        assert name in text
    assert "Install the plugin for an environment" in text


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
