"""`locust-cw` in a process that this one forks, where all that it imports is there already.

It has its own environment, folder and output, as one that is started anew; an import takes a second of CPU time.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

from locust_cw_dist.tools.cli.main import main


def locust_cw(*args: str, folder: Path, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Run `locust-cw` with exactly `env` as environment, without a terminal; return it when it has ended."""
    out, err = folder / ".stdout", folder / ".stderr"
    pid = os.fork()
    if not pid:
        _run(args, folder, env, out, err)
    _, status = os.waitpid(pid, 0)
    return CompletedProcess(args, os.waitstatus_to_exitcode(status), out.read_text(), err.read_text())


def _run(args: tuple[str, ...], folder: Path, env: Mapping[str, str], out: Path, err: Path) -> NoReturn:
    code = 1
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env)
        _redirect(out, err)
        sys.argv = ["locust-cw", *args]
        code = main(args)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # whatever the process of the tests would do at its end


def _redirect(out: Path, err: Path) -> None:
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *(os.open(p, _NEW, 0o644) for p in (out, err)))):
        os.dup2(file, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
