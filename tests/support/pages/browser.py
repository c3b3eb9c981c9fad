"""A headless Chromium, driven over its own pipe: no driver and no library between."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

PACKAGES = {"chromium": "chromium"}
"""Debian's package for each program."""

DEADLINE_S = 60.0
POLL_S = 0.02

ON_FILES_3_AND_4 = """
import fcntl, os, sys
files = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(files[0], 3)
os.dup2(files[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts a program that reads its commands from file 3 and answers on file 4."""

PHONE = (390, 844)
DESKTOP = (1400, 900)


class BrowserError(AssertionError):
    """The browser did not do what it was asked for."""


class Browser:
    """One browser, which ends with the `with` block.

    Attributes:
        complaints: What pages wrote to the console as warnings or errors, and exceptions.
        requests: Addresses that pages asked for, but for the page itself.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the profile in `folder`."""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._folder = folder
        self._number = 0
        self._session = ""
        self._rest = b""

    def __enter__(self) -> Self:
        program = shutil.which("chromium")
        assert program, "chromium is installed by tests/support/system_packages.py"
        there, self._write = os.pipe()
        self._read, back = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        pipe = ["--remote-debugging-pipe", f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_FILES_3_AND_4, str(there), str(back), program, *flags, *pipe],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(there)
        os.close(back)
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._session = ""
        try:
            self._ask("Browser.close")
            self._process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def show(self, page: Path, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        """Open a page of a file, and wait until it has drawn itself."""
        self.open(page.resolve().as_uri(), size, dark=dark)
        self.wait_for("document.body && document.body.dataset.drawn")

    def open(self, address: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        """Open an address, and wait for nothing."""
        is_phone = size[0] < 600
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        self.use_scheme(dark=dark)
        # An address that differs behind # alone would not be loaded anew.
        self._ask("Page.navigate", url="about:blank")
        self._ask("Page.navigate", url=address)

    def use_scheme(self, *, dark: bool) -> None:
        """Let the system prefer dark or light."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def forget_logins(self) -> None:
        """Delete all cookies."""
        self._ask("Network.clearBrowserCookies")

    def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        end_s = time.monotonic() + DEADLINE_S
        while not self.value(f"!!({expression})"):
            time.sleep(POLL_S)  # it needs the processor more than the question does
            if time.monotonic() > end_s:
                raise BrowserError(f"not within {DEADLINE_S:g} s: {expression}; {self.complaints}")

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression is."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def type(self, field: str, text: str) -> None:
        """Put a text in place of what is in a field, which a selector names, as a keyboard does."""
        self.value(f"document.querySelector({field!r}).select()")
        self._ask("Input.insertText", text=text)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key, as `Tab` (9) or `Enter` (13)."""
        down = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **down)
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        """Keep a picture of the page, in the format that the file's name ends with: png or webp.

        Without `whole`, of what is seen without scrolling.
        """
        quality = {} if file.suffix == ".png" else {"quality": 75}
        kind = file.suffix.removeprefix(".")
        picture = self._ask("Page.captureScreenshot", captureBeyondViewport=whole, format=kind, **quality)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(picture["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _note(self, event: str | None, parameters: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled" and parameters["type"] in {"error", "warning", "assert"}:
            self.complaints.append(" ".join(str(one.get("value", one)) for one in parameters["args"]))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(parameters["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            address = parameters["request"]["url"]
            if parameters.get("type") != "Document" and not address.startswith(("data:", "blob:")):
                self.requests.append(address)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], DEADLINE_S)[0]:
                raise BrowserError("the browser is silent")
            more = os.read(self._read, 2**20)
            if not more:
                raise BrowserError("the browser has ended")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)
