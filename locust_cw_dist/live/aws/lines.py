"""Text from outside, made fit for a line of the log: one line, printable, bounded, and without secrets.

What AWS, botocore, a proxy or a program says of an error may hold a session token or the password of a proxy, as a
header that could not be sent does. Here it passes before anybody sees it.
"""

from __future__ import annotations

import os
import re
import string
from collections import deque
from collections.abc import Iterable

MAX_CHARS = 500
"""A few lines of a terminal."""

LOOKED_AT_CHARS = 2_000
"""A page that came in place of an answer may be of any length, and this is done on the hub: so much takes 1 ms."""

MASKED = "***"

MIN_SECRET_CHARS = 6
"""Of what the environment holds; a shorter one would mask half of each line."""

_SECRET_NAMES = re.compile(r"SECRET|TOKEN|PASSW|PASSPHRASE|API_?KEY|PRIVATE_?KEY", re.IGNORECASE)
_PLACES = ("_FILE", "_URI", "_URL", "_ARN", "_ID", "_NAME", "_ALG")
"""Ends of names whose values say where a secret is, and are none."""

_USER = re.compile(r"(?<=://)[^\s/'\"]{1,500}@")
_HEADER = re.compile(r"(?i)((?:header (?:value|name)|authorization|security-token)\s{0,3}[:=]?\s{0,3}).*", re.DOTALL)
"""What can't be sent as a header is shown whole by `http.client`; it is a credential, or a signature."""
_NAMED = re.compile(
    r"""(?ix)
    ( (?: secret | password | passwd | passphrase | (?: session | security | access | refresh | auth ) _?token
      | [-_]token | access_?key(?!_?id) | api_?key | tokencode | signature ) [\w-]{0,20} ["']? \s{0,3} [:=] \s{0,3} )
    (?: "[^"]*"? | '[^']*'? | [^\s,;&}]+ )
    """
)
_SPOKEN = re.compile(
    r"(?i)(bearer\s{1,3}|--?[\w-]{0,20}(?:secret|password|passwd|token|passphrase)[\w-]{0,20}\s)[^\s,;'\"]{6,}"
)
"""Without a colon, as in a header or on a command line that a program shows."""
_KEYS = re.compile(
    r"(?<![A-Za-z0-9/.])(?:eyJ[\w-]{10,}(?:\.[\w-]*)*|[A-Za-z0-9][A-Za-z0-9+/]{39,}={0,2}(?![A-Za-z0-9+/]))"
)
"""Web tokens, AWS's secret keys (40 characters) and session tokens; no path, which has a slash in front."""

_OF_KEYS = string.ascii_letters + string.digits + "+/=_.-"
"""What keys and tokens are made of."""

_known: deque[str] = deque(maxlen=32)
"""Secrets of the credentials that were fetched last."""


def one_line(text: object) -> str:
    """Return a text on one line, with escapes for what can't be printed and without the secrets that it may hold."""
    whole = str(text)
    line = mask(whole[:LOOKED_AT_CHARS], is_cut=len(whole) > LOOKED_AT_CHARS)
    line = " ".join(line.split())[:MAX_CHARS]
    return line if line.isprintable() else "".join(map(_printable, line))


def remember(*secrets: str | None) -> None:
    """Mask these from now on."""
    _known.extend(secret for secret in secrets if secret and secret not in _known)


def mask(text: str, *, is_cut: bool = False) -> str:
    """Return a text without secrets: those of credentials and of the environment, and what looks like one.

    Args:
        text: The text.
        is_cut: Whether it went on; a secret at its end may have been cut in two, and is masked as well.
    """
    secrets = _secrets()
    for secret in secrets:
        text = text.replace(secret, MASKED)
    if is_cut:
        text = _mask_end(text, secrets)
    text = _HEADER.sub(rf"\1{MASKED}", _USER.sub(f"{MASKED}@", text))
    text = _SPOKEN.sub(rf"\1{MASKED}", _NAMED.sub(rf"\1{MASKED}", text))
    return _KEYS.sub(_mask_key, text)


def _mask_end(text: str, secrets: Iterable[str]) -> str:
    """Mask what the end of a text may have of a secret."""
    for secret in secrets:
        at = len(text) - len(secret)
        while (at := text.find(secret[:MIN_SECRET_CHARS], max(0, at + 1))) >= 0:
            if secret.startswith(text[at:]):
                return text[:at] + MASKED
    before, slashes, after = text.rpartition("://")
    if slashes and not re.search(r"[\s/]", after):
        return f"{before}://{MASKED}"
    return text.rstrip(_OF_KEYS) + MASKED


def _secrets() -> list[str]:
    names = (name for name in os.environ if _SECRET_NAMES.search(name) and not name.endswith(_PLACES))
    # A URL's password is masked as in every URL, and the rest of it is to be seen.
    values = [value for value in map(os.environ.__getitem__, names) if "://" not in value]
    secrets = {value for value in (*values, *_known) if len(value) >= MIN_SECRET_CHARS}
    return sorted({*secrets, *(repr(value)[1:-1] for value in secrets)}, key=len, reverse=True)


def _mask_key(match: re.Match[str]) -> str:
    found: str = match.group()
    # A path of small letters, or the name of a resource, is no key.
    has_all = any(map(str.isupper, found)) and any(map(str.islower, found))
    return MASKED if has_all else found


def _printable(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]
