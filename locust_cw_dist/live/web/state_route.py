"""StateRoute: the state of the run as JSON, on Locust's web server, for those that Locust lets in."""

from __future__ import annotations

from typing import Any

import flask

from locust_cw_dist.core.progress.endpoint_progress import ALL, RowKey
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.web_link import WebLink
from locust_cw_dist.live.progress.progress_watch import ProgressWatch

PATH = "/cloudwatch/state.json"


class StateRoute:
    """Answers requests for the state."""

    def __init__(self, link: WebLink, watch: ProgressWatch, once: LogOnce) -> None:
        """Answer with what `watch` knows."""
        self._link = link
        self._watch = watch
        self._once = once

    def attach(self) -> None:
        """Begin to answer."""
        self._link.add_page(PATH, self._answer)

    def detach(self) -> None:
        """Stop answering."""
        self._link.remove_page(PATH)

    def _answer(self) -> Any:
        try:
            text, tag = self._watch.text(_asked_for(flask.request.args))
            answer = flask.Response(text, mimetype="application/json")
            answer.set_etag(tag)
            # Reasons and labels are for those that are logged in: no browser keeps them on its disk, nobody on the way
            # either. Whoever asks again with the tag that it was given need not be sent it again all the same.
            answer.headers["Cache-Control"] = "no-store"
            return answer.make_conditional(flask.request)
        except Exception:
            self._once.error("state", "locust-cw: could not make the state of the run")
            return flask.Response('{"error":"the state could not be made"}', 500, mimetype="application/json")


def _asked_for(args: Any) -> RowKey:
    """Return the endpoint whose series is asked for."""
    if "name" not in args:
        return ALL
    return RowKey(args["name"], args.get("method", ""), args.get("host"))
