"""Starts `python -m MODULE` by forking a process that has imported Locust already: an import takes half a CPU second.

    python -P module_server.py [MODULE...]

Each line of its input is a process to start, as JSON: `module`, `argv`, `folder`, `env`, the files `out` and `err`, and
`netns`, the network namespace to run in, if any. It answers with lines of its own: `started PID`, and
`ended PID STATUS` with the status that `waitpid` returned.

What it forks is like a process that is started anew: a session of its own, its own environment and folder, the default
handlers of signals, the module as `__main__`, and Python's own end. Nothing of this package is installed before, but
its modules are imported: that does nothing else, and takes as long as a short test.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import runpy
import select
import sys
from pathlib import Path
from typing import Any

import gevent.os

POLL_S = 0.02
CLONE_NEWNET = 0x40000000  # linux/sched.h


def main() -> dict[str, Any]:
    """Serve until input ends; return only in a process that was forked, with what it is to be."""
    answers = os.dup(1)
    rest = b""
    while True:
        _tell_of_ended(answers)
        if not _select([0], [], [], POLL_S)[0]:
            continue
        part = os.read(0, 1 << 20)
        if not part:
            os._exit(0)
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            # As Locust does for --processes.
            pid = gevent.os.fork()
            if not pid:
                os.close(answers)
                return json.loads(line)
            os.write(answers, b"started %d\n" % pid)


def _tell_of_ended(answers: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := _waitpid(-1, os.WNOHANG))[0]:
            os.write(answers, b"ended %d %d\n" % ended)


def become(wanted: dict[str, Any]) -> None:
    """Make this process what a new one would be."""
    os.setsid()
    new = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = (os.open(os.devnull, os.O_RDONLY), os.open(wanted["out"], new, 0o644), os.open(wanted["err"], new, 0o644))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if wanted["netns"]:
        # As `ip netns exec` does, which would start another program.
        with Path("/run/netns", wanted["netns"]).open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    # As `python -m` has it.
    sys.path.insert(0, wanted["folder"])
    sys.argv = [wanted["module"], *wanted["argv"]]
    random.seed()


if __name__ == "__main__":
    _waitpid, _select = os.waitpid, select.select  # before gevent patches them
    for name in ("locust.main", *sys.argv[1:]):
        importlib.import_module(name)
    # So that a collection in a child does not look at, and so copy, what it has in common with this process.
    gc.collect()
    gc.freeze()
    process = main()
    become(process)
    runpy.run_module(process["module"], run_name="__main__", alter_sys=True)
