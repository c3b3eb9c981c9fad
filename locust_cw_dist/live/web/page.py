"""PageRoutes: what Locust's web server answers for /cloudwatch and for the files that the page loads."""

from __future__ import annotations

import gzip

import flask

from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.pages.live_page import CONTENT_SECURITY_POLICY, File, LivePage

A_YEAR_S = 31_536_000

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Vary": "Accept-Encoding"}


class PageRoutes:
    """Answers requests; whatever reads, renders or compresses runs on a thread, and the hub goes on."""

    def __init__(self) -> None:
        """Make nothing before somebody asks."""
        self._page = LivePage()
        self._thread = DiskThread()

    def page(self) -> flask.Response:
        """Answer with the page."""
        response = self._answer(self._thread.run(lambda: self._page.page))
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Cache-Control"] = "no-cache"
        return response

    def file(self, folder: str, name: str) -> flask.Response:
        """Answer with a file that the page loads, for as long as a browser likes to keep it."""
        file = self._thread.run(self._page.file, folder, name)
        if file is None:
            return flask.make_response("There is no such file; reload the page.", 404)
        response = self._answer(file)
        response.headers["Cache-Control"] = f"private, max-age={A_YEAR_S}, immutable"
        return response

    def to_page(self) -> flask.Response:
        """Send whoever asks with a slash at the end to the page, whose addresses are relative."""
        response = flask.make_response("", 308)
        response.headers["Location"] = "../cloudwatch"
        return response

    def _answer(self, file: File) -> flask.Response:
        if "gzip" in flask.request.headers.get("Accept-Encoding", ""):
            response = flask.make_response(file.packed)
            response.headers["Content-Encoding"] = "gzip"
        else:
            response = flask.make_response(self._thread.run(gzip.decompress, file.packed))
        response.headers["Content-Type"] = file.content_type
        response.headers.update(HEADERS)
        return response
