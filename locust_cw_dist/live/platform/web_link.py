"""WebLink: what this program uses of Locust's web UI, documented or not.

Documented are `web_ui.app`, `web_ui.template_args` and `web_ui.auth_required_if_enabled`. Not documented is where the
pages stand: Locust mounts them as a blueprint with the prefix that ``--web-base-path`` names (2.32 has neither). And a
Flask app takes no route once it has answered a request, which Locust's own command rules out: `init` comes before that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import flask

BLUEPRINT = "locust"
"""Locust's name for its pages."""

EXTENSION = "locust_cw_dist"
"""What of ours the Flask app knows: routes can't be taken away, so each asks there who answers."""

View = Callable[..., Any]


class WebLink:
    """The web UI of an environment.

    Attributes:
        lesser_modes: What can't be done with this Locust or this app, one phrase each; known after `add_page`.
    """

    def __init__(self, environment: Any) -> None:
        """Look at what is there; where there is no web UI, `is_there` is False and nothing else may be called."""
        self._web_ui: Any = getattr(environment, "web_ui", None)
        self._app: Any = getattr(self._web_ui, "app", None)
        self.lesser_modes: list[str] = []

    @property
    def is_there(self) -> bool:
        """Whether there is a web UI."""
        return self._app is not None

    @property
    def has_login(self) -> bool:
        """Whether Locust asks whoever looks for a login."""
        return bool(getattr(self._web_ui, "web_login", False))

    @property
    def base_path(self) -> str:
        """What all of Locust's paths begin with: empty, or as ``/load``."""
        prefix = getattr(self._app.blueprints.get(BLUEPRINT), "url_prefix", None)
        return prefix.rstrip("/") if isinstance(prefix, str) else ""

    @property
    def template_args(self) -> dict[str, Any]:
        """What Locust's page is made with."""
        args: dict[str, Any] = self._web_ui.template_args
        return args

    def add_page(self, path: str, view: View) -> None:
        """Answer requests for a path below the base path with `view`, from those that Locust lets in.

        Args:
            path: As ``/cloudwatch/state.json``; any page of ours must have one of its own. Parts of it may vary, as in
                ``/files/<name>``.
            view: Takes the parts that vary, by name, and returns what Flask takes as an answer. It must not raise:
                Locust would show the error as a page.
        """
        pages = self._app.extensions.setdefault(EXTENSION, {})
        is_new = path not in pages
        pages[path] = view

        def answer(**parts: str) -> Any:
            current = pages.get(path)
            return ("", 404) if current is None else _for_its_own_origin(current(**parts))

        protect = getattr(self._web_ui, "auth_required_if_enabled", None)
        if protect is None and self.has_login:
            self._miss("its login can't be asked for, so there is no page of this plugin")
            return
        try:
            if is_new:
                self._app.add_url_rule(self.base_path + path, f"{EXTENSION}:{path}", (protect or _as_it_is)(answer))
        except AssertionError:
            self._miss("its web UI has answered before the plugin was installed, so there is no page of this plugin")

    def remove_page(self, path: str) -> None:
        """Answer no more."""
        pages = self._app.extensions.get(EXTENSION, {})
        if path in pages:
            pages[path] = None

    def add_answer_listener(self, listener: Callable[[Any], Any]) -> None:
        """Have each answer of the web server pass through `listener`."""
        with suppress(AssertionError):
            self._app.after_request(listener)

    def remove_answer_listener(self, listener: Callable[[Any], Any]) -> None:
        """Have none pass any more."""
        listeners = self._app.after_request_funcs.get(None, [])
        if listener in listeners:
            listeners.remove(listener)

    def _miss(self, what: str) -> None:
        if what not in self.lesser_modes:
            self.lesser_modes.append(what)


def _for_its_own_origin(answered: Any) -> flask.Response:
    """Return an answer that pages of other web sites can't read: Locust allows every origin whatever names none."""
    response = flask.make_response(answered)
    response.headers["Access-Control-Allow-Origin"] = flask.request.host_url.rstrip("/")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _as_it_is(view: View) -> View:
    return view
