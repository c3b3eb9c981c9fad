"""LocustTab: a tab "CloudWatch" in Locust's own web UI, by its documented ways to extend it.

Locust shows a table of texts for each such tab, and asks for `/stats/requests` every two seconds while a test runs:
what stands under `extended_stats` there fills it. So that page's answer passes through here, and comes out as it was,
to the byte, where anything goes wrong.
"""

from __future__ import annotations

from typing import Any

import flask

from locust_cw_dist.core.progress.locust_table import COLUMNS, TableText
from locust_cw_dist.core.progress.numbers import encode
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.web_link import WebLink
from locust_cw_dist.live.progress.progress_watch import ProgressWatch
from locust_cw_dist.live.web import page_routes

KEY = "cloudwatch"
PATH = "/stats/requests"

_TAB = {"title": "CloudWatch", "key": KEY}
_TABLE = {"key": KEY, "structure": [{"key": key, "title": title} for key, title in COLUMNS]}


class LocustTab:
    """Shows the state in Locust's tab."""

    def __init__(self, link: WebLink, watch: ProgressWatch, once: LogOnce) -> None:
        """Show what `watch` knows."""
        self._link = link
        self._watch = watch
        self._once = once
        self._table = TableText(link.base_path + page_routes.PATH)

    def attach(self) -> None:
        """Begin to show it."""
        args = self._link.template_args
        # Others may have tabs of their own.
        args["extended_tabs"] = [*args.get("extended_tabs", ()), _TAB]
        args["extended_tables"] = [*args.get("extended_tables", ()), _TABLE]
        self._link.add_answer_listener(self._extend)

    def detach(self) -> None:
        """Stop."""
        self._link.remove_answer_listener(self._extend)
        args = self._link.template_args
        for name, ours in (("extended_tabs", _TAB), ("extended_tables", _TABLE)):
            args[name] = [one for one in args.get(name, ()) if one is not ours]

    def _extend(self, answer: Any) -> Any:
        try:
            return self._extended(answer)
        except Exception:
            self._once.error("tab", "locust-cw: could not fill the tab in Locust's web UI")
            return answer

    def _extended(self, answer: Any) -> Any:
        if flask.request.path != self._link.base_path + PATH or answer.status_code != 200 or not answer.is_json:
            return answer
        text = extended(answer.get_data(as_text=True), self._table.of(self._watch.progress()))
        if text is None:
            return answer
        # An answer of its own: Locust keeps the one that it has made, and gives it again.
        more = flask.Response(status=answer.status, headers=answer.headers.items())
        more.set_data(text)
        return more


def extended(text: str, rows: str) -> str | None:
    """Return the JSON text of an object with our rows among its `extended_stats`; None if it is no such text.

    It is put together without reading all of it: of 500 endpoints that would hold the hub for ten milliseconds.
    """
    ours = f'{{"key":"{KEY}","data":{rows}}}'
    stripped = text.rstrip()
    if not stripped.endswith("}") or len(stripped) < 3:
        return None
    if '"extended_stats"' not in stripped:
        return f'{stripped[:-1]},"extended_stats":[{ours}]}}\n'
    # Another plugin's table stands there.
    answer = flask.json.loads(stripped)
    others = [one for one in answer.get("extended_stats") or () if one.get("key") != KEY]
    answer["extended_stats"] = [*others, {"key": KEY, "data": flask.json.loads(rows)}]
    return encode(answer)
