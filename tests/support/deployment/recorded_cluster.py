"""What `kubectl` and `helm` answer in a test of a script: recorded, since there is no API server here.

`recorded_cluster.py PROGRAM ARGUMENTS`, which two small programs on PATH call. The folder ``$RECORDED`` has
`answers.json`: for `pods` and `jobs` lists of what `kubectl get` prints, one for each time it is asked, the last for
ever after; an answer of null is a failure. All calls are written to `calls.jsonl`. `kubectl logs` goes on until the
last of the pods' answers was given, or for no time at all where there is a file `log-ends`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["RECORDED"])
ANSWERS = json.loads((FOLDER / "answers.json").read_text())


def main(program: str, args: list[str]) -> int:
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps([program, *args]) + "\n")
    if program == "helm":
        return helm(args)
    if args[0] == "logs":
        return logs()
    if args[0] == "describe":
        print("Events: FailedScheduling 0/3 nodes are available")
        return 0
    assert args[0] == "get", args
    return get(args[1])


def helm(args: list[str]) -> int:
    state = FOLDER / "installed"
    if args[0] == "install":
        state.touch()
        print("NAME:", args[1])
        return ANSWERS.get("install", 0)
    if args[0] == "uninstall":
        print("release uninstalled")
        state.unlink(missing_ok=True)
        return 0
    assert args[0] == "status", args
    return 0 if state.exists() else 1


def get(kind: str) -> int:
    asked = FOLDER / f"asked-{kind}"
    number = int(asked.read_text()) if asked.exists() else 0
    new = FOLDER / f"asked-{kind}.new"
    new.write_text(str(number + 1))
    new.rename(asked)  # `logs` reads it at the same time
    answer = ANSWERS[kind][min(number, len(ANSWERS[kind]) - 1)]
    if answer is None:
        print("Unable to connect to the server: EOF", file=sys.stderr)
        return 1
    print(answer)
    return 0


def logs() -> int:
    print("Starting Locust", flush=True)
    asked = FOLDER / "asked-pods"
    while not (FOLDER / "log-ends").exists() and int(asked.read_text()) < len(ANSWERS["pods"]):
        time.sleep(0.02)
    print("Shutting down", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
