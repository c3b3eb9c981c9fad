"""StateClient: reads the state of a run from `/cloudwatch/state.json`, behind a login if there is one.

Three kinds of logins are known:

- Locust's own (`--web-login`): its page names where a form with user and password goes; the answer brings a session
  cookie. Whoever runs Locust has written that route, and may have others alone (SSO): then only a cookie helps.
- HTTP basic auth, as a proxy in front asks for it: tried when the answer is 401, never before.
- A cookie that the user copies from a browser.

Cookies and passwords go to the host that was named and nowhere else: no redirect is followed with them.
"""

from __future__ import annotations

import base64
import http.client
import http.cookiejar
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any

from locust_cw_dist.core.names.printable import printable
from locust_cw_dist.errors import LocustCwError

PATH = "/cloudwatch/state.json"
PAGE = "/cloudwatch"
VERSION = 1
"""Of the state that is understood (docs/live.md)."""

TIMEOUT_S = 10.0
MAX_BYTES = 32 * 2**20
"""Of an answer: a state of 500 endpoints has a quarter of a megabyte."""

_AUTH_ARGS = re.compile(r"window\.authArgs = (?=\{)")
"""What stands before the arguments of Locust's page to log in, in JSON."""


class WatchError(LocustCwError):
    """The state can't be had; one line for people."""


class UnreachableError(WatchError):
    """Nobody answers, or not in time: it may pass."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks.

    Attributes:
        user: The name; None where nobody logs in.
        password: The password.
        cookie: What a browser sends, as ``session=...``.
    """

    user: str | None = None
    password: str = ""
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def kind(self) -> str:
        return self.headers.get_content_type()

    @property
    def wants_login(self) -> bool:
        """Whether it is a page to log in, or leads to one: nothing else redirects here."""
        return 300 <= self.status < 400 or self.status in {401, 403} or bool(_AUTH_ARGS.search(self.text[:200_000]))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        return None


class StateClient:
    """Reads the state from one web UI."""

    def __init__(self, url: str, login: Login) -> None:
        """Read from the web UI at `url`, its base path included."""
        self.url = url
        self._login = login
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPCookieProcessor(self._cookies))
        self._authorization: str | None = None

    def read(self) -> dict[str, Any]:
        """Return the state.

        Raises:
            WatchError: It can't be had.
        """
        answer = self._get(PATH)
        if answer.wants_login and self._login.user is not None and self._log_in(answer):
            answer = self._get(PATH)
            if answer.wants_login:
                raise WatchError(f"{self.url}: the login as {printable(self._login.user)} was refused")
        return self._state_of(answer)

    def _state_of(self, answer: _Answer) -> dict[str, Any]:
        if answer.wants_login:
            raise WatchError(
                f"{self.url} asks for a login: give --user NAME, and the password in LOCUST_CW_WATCH_PASSWORD; "
                "or --cookie 'session=...' from a browser that is logged in"
            )
        if answer.status == http.HTTPStatus.NOT_FOUND:
            raise WatchError(
                f"{self.url} has no {PATH}: it is no web UI of Locust with locust-cw-dist, or --cw-service is not set "
                "there; with --web-base-path, the path belongs to the URL"
            )
        if answer.status in {502, 503, 504}:
            raise UnreachableError(f"{self.url}: HTTP {answer.status}")
        try:
            state = json.loads(answer.body)
            version = state["version"]
        except (ValueError, TypeError, KeyError):
            raise WatchError(
                f"{self.url} answers with something other than the state of a run (HTTP {answer.status}, "
                f"{printable(answer.kind)})"
            ) from None
        if version != VERSION:
            raise WatchError(
                f"{self.url} has a state of version {printable(version)}, this locust-cw knows version {VERSION}: "
                "install the version that runs there"
            )
        return dict(state)

    def _log_in(self, answer: _Answer) -> bool:
        """Log in as the answer asks for; return whether there was a way."""
        credentials = f"{self._login.user}:{self._login.password}"
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            self._authorization = "Basic " + base64.b64encode(credentials.encode()).decode()
            return True
        page = answer if _AUTH_ARGS.search(answer.text) else self._get("/login")
        found = _AUTH_ARGS.search(page.text)
        try:
            arguments = json.JSONDecoder().raw_decode(page.text, found.end())[0] if found else {}
        except ValueError:
            arguments = {}
        callback = arguments.get("username_password_callback")
        if not isinstance(callback, str):
            raise WatchError(
                f"{self.url} has a login without user and password: log in with a browser, and give its cookie with "
                "--cookie 'session=...'"
            )
        form = urllib.parse.urlencode({"username": self._login.user, "password": self._login.password}).encode()
        self._request(self._own_url(callback), form)
        return True

    def _own_url(self, callback: str) -> str:
        """Return where the form goes; only to the host that the user named, who may read the password."""
        url = urllib.parse.urljoin(f"{self.url}/", callback)
        here, there = urllib.parse.urlsplit(self.url), urllib.parse.urlsplit(url)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise WatchError(f"{self.url} wants the password sent to {printable(there.netloc)}: it is not sent there")
        return url

    def _get(self, path: str) -> _Answer:
        return self._request(self.url + path)

    def _request(self, url: str, form: bytes | None = None) -> _Answer:
        # http or https: see `base_url` and `_own_url`.
        request = urllib.request.Request(url, form, {"Accept": "application/json, text/html"})  # noqa: S310
        if self._authorization is not None:
            request.add_header("Authorization", self._authorization)
        if self._login.cookie is not None:
            request.add_header("Cookie", self._login.cookie)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return _Answer(response.status, response.headers, response.read(MAX_BYTES))
        except urllib.error.HTTPError as e:
            with e:
                return _Answer(e.code, e.headers, e.read(MAX_BYTES))
        except (OSError, http.client.HTTPException, ValueError) as e:
            reason = getattr(e, "reason", None) or e
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise WatchError(
                    f"{self.url} has a certificate that this machine does not trust ({reason.verify_message}): "
                    "name the file of its CA in SSL_CERT_FILE"
                ) from None
            raise UnreachableError(f"{self.url} can't be reached: {printable(reason) or type(e).__name__}") from None


def base_url(text: str) -> str:
    """Return the URL of a web UI from what a person types: a host and port, its page, or that of the state.

    Raises:
        ValueError: It is no such URL.
    """
    url = text if "://" in text else f"http://{text}"
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be the URL of Locust's web UI, as http://localhost:8089, without a user in it")
    _ = parts.port  # ValueError if it is none
    path = parts.path.rstrip("/").removesuffix(PATH).removesuffix(PAGE).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"
