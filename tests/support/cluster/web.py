"""Locust's web UI, driven over HTTP as a browser does."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from locust_cw_dist.testing import LocalCloudwatch
from support.cluster.cluster import Cluster
from support.cluster.ports import free_port
from support.cluster.processes import Process, wait_until


class WebUi:
    """A master with a web UI.

    Attributes:
        master: Its process.
        address: Of its web server, with the base path.
    """

    def __init__(self, cluster: Cluster, cloudwatch: LocalCloudwatch, *args: str, base_path: str = "") -> None:
        """Start a master that publishes, with `args`, and wait for nothing; its pages stand below `base_path`."""
        port = free_port()
        self.address = f"http://127.0.0.1:{port}{base_path}"
        where = (
            "--master",
            "--master-bind-port",
            str(cluster.port),
            "--web-host",
            "127.0.0.1",
            "--web-port",
            str(port),
        )
        args = (*args, "--web-base-path", base_path) if base_path else args
        files = cluster.bring(cluster.locustfile)
        command = [*cluster.command, "-f", files, "--only-summary", *where, *cluster.publishing, *args]
        self.master: Process = cluster.start("master", command, cloudwatch.env())

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers are ready to start a test."""
        wait_until(lambda: self._states().count("ready") == count, f"{count} workers are ready")

    def wait_for_users(self, count: int) -> None:
        """Wait until workers have reported so many users, all together."""
        wait_until(lambda: self._stats().get("user_count") == count, f"{count} users run")

    def swarm(self, users: int, **fields: object) -> None:
        """Start a test, or change the number of users of the one that runs; `fields` are more of the form."""
        answer = self._call("/swarm", {"user_count": users, "spawn_rate": users, **fields})
        assert answer["success"], answer

    def stop(self) -> None:
        """Stop the test; returns when Locust says that it has stopped."""
        self._call("/stop")

    def reset_stats(self) -> None:
        """Press the reset button."""
        self._call("/stats/reset")

    def live_state(self, **asked: str) -> Any:
        """Return what `/cloudwatch/state.json` answers; with `asked`, the series of an endpoint is in it."""
        query = f"?{urllib.parse.urlencode(asked)}" if asked else ""
        return self._call(f"/cloudwatch/state.json{query}", method="GET")

    def live_table(self) -> list[dict[str, Any]]:
        """Return the rows of the tab "CloudWatch"."""
        return next((one["data"] for one in self._stats().get("extended_stats", ()) if one["key"] == "cloudwatch"), [])

    def open(self, path: str) -> tuple[int, bytes, str]:
        """Return the status, the body and the address that an answer comes from, after redirects."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=60) as response:
                return response.status, response.read(), response.url
        except urllib.error.HTTPError as e:
            return e.code, e.read(), e.url or ""

    def _states(self) -> list[str]:
        return [worker["state"] for worker in self._stats().get("workers", ())]

    def _stats(self) -> dict[str, Any]:
        try:
            return self._call("/stats/requests", {}, method="GET")  # type: ignore[no-any-return]
        except (urllib.error.URLError, ConnectionError):
            return {}  # it has not begun to listen

    def _call(self, path: str, form: dict[str, object] | None = None, method: str = "POST") -> Any:
        data = urllib.parse.urlencode(form or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                body = response.read()
        except urllib.error.HTTPError as e:
            if e.code != 405 or method == "GET":
                raise
            return self._call(path, method="GET")  # Locust before 2.33 stops at a GET
        return json.loads(body) if body.startswith(b"{") else None
