"""PageRoutes: the page at /cloudwatch and what it loads, on Locust's web server, for those that Locust lets in."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import flask

from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.web_link import View, WebLink
from locust_cw_dist.pages.live_page import CONTENT_SECURITY_POLICY, FOLDER, File, LivePage

PATH = "/cloudwatch"

A_YEAR_S = 31_536_000

STEP_BYTES = 2**14
"""Of a packed file that are unpacked at a time: a fraction of a millisecond."""

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Vary": "Accept-Encoding"}


class PageRoutes:
    """Answers requests; whatever reads, renders or compresses runs on a thread, and the hub goes on."""

    def __init__(self, link: WebLink, once: LogOnce) -> None:
        """Make nothing before somebody asks."""
        self._link = link
        self._once = once
        self._page = LivePage()
        self._thread = DiskThread()
        self._views: dict[str, View] = {
            PATH: self._answer_page,
            f"{PATH}/": self._lead_to_page,
            f"/{FOLDER}/<folder>/<name>": self._answer_file,
        }

    def attach(self) -> None:
        """Begin to answer."""
        for path, view in self._views.items():
            self._link.add_page(path, view)

    def detach(self) -> None:
        """Stop answering."""
        for path in self._views:
            self._link.remove_page(path)

    def _answer_page(self) -> flask.Response:
        def make() -> File:
            return self._page.page

        return self._answer(make, {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"})

    def _answer_file(self, folder: str, name: str) -> flask.Response:
        # Its folder is named after its content: a browser may keep it.
        keep = {"Cache-Control": f"private, max-age={A_YEAR_S}, immutable"}
        return self._answer(lambda: self._page.file(folder, name), keep)

    def _lead_to_page(self) -> flask.Response:
        """Send whoever asks with a slash at the end to the page, whose addresses are relative."""
        return flask.Response(status=308, headers={"Location": f"..{PATH}"})

    def _answer(self, make: Callable[[], File | None], headers: dict[str, str]) -> flask.Response:
        try:
            file = self._thread.run(make)
            if file is None:
                return flask.Response("There is no such file: reload the page.", 404)
            return self._response(file, headers)
        except Exception:
            self._once.error("page", "locust-cw: could not make the page at /cloudwatch")
            return flask.Response("The page could not be made; the log says why.", 503)

    def _response(self, file: File, headers: dict[str, str]) -> flask.Response:
        response = flask.Response(content_type=file.content_type)
        response.headers.update(HEADERS | headers)
        if "gzip" in flask.request.headers.get("Accept-Encoding", ""):
            response.headers["Content-Encoding"] = "gzip"
            response.set_data(file.packed)
        else:
            response.response = _unpacked(file.packed)
        return response


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """Unpack piece by piece: whoever asks for megabytes and reads none of them holds a piece, and not all of them."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for start in range(0, len(packed), STEP_BYTES):
        yield unpacking.decompress(packed[start : start + STEP_BYTES])
    yield unpacking.flush()
