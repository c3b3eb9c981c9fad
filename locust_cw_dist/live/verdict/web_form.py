"""WebForm: which run time the form of Locust's web UI asks for when it starts or changes a test.

Locust writes that to the options, where it stays for later runs that have none of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import flask

from locust_cw_dist.live.platform.log_once import LogOnce


class WebForm:
    """Listens to the web UI of an environment, if it has one."""

    def __init__(self, environment: Any, once: LogOnce, on_swarm: Callable[[float | None], object]) -> None:
        """Listen to nothing yet; `on_swarm` gets the run time in seconds, or None, when a test starts or changes."""
        self._once = once
        self._on_swarm = on_swarm
        self._app = getattr(getattr(environment, "web_ui", None), "app", None)

    def attach(self) -> None:
        """Begin to listen. Flask lets nobody do so any more once it has answered: then nothing is known of the form."""
        if self._app is not None:
            with suppress(AssertionError):
                self._app.after_request(self._after_request)

    def detach(self) -> None:
        """Stop listening."""
        listeners = self._app.after_request_funcs.get(None, []) if self._app is not None else []
        if self._after_request in listeners:
            listeners.remove(self._after_request)

    def _after_request(self, response: Any) -> Any:
        try:
            if flask.request.path.endswith("/swarm"):
                self._take(response.get_json(silent=True))
        except Exception:
            self._once.error("form", "locust-cw: could not read what the web form asks for")
        return response

    def _take(self, answer: Any) -> None:
        if isinstance(answer, dict) and answer.get("success"):
            run_time_s = answer.get("run_time")
            self._on_swarm(run_time_s if isinstance(run_time_s, int | float) and run_time_s > 0 else None)
