"""Strangers: web pages of others that reach this server through somebody's browser.

The server has no login, and a browser lets any page send requests to 127.0.0.1. Two headers give such a page away:
Origin, its own address, and Host, where a name of the attacker's that leads to 127.0.0.1 (DNS rebinding) has to stand.
Programs send no Origin, and call the server by an address or by a name that no public DNS has.
"""

from __future__ import annotations

import ipaddress
import re
from email.message import Message

from locust_cw_dist.local_cloudwatch.errors import ApiError

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/@]+))(?::[0-9]{1,5})?")

PRIVATE_ENDINGS = ("localhost", "local", "internal", "svc", "test")
"""Last labels that public DNS never has; `svc` as Kubernetes' short names end."""

STRANGER = ApiError("AccessDenied", "This is for programs, and for no page of another site.", 403)
"""What a stranger is told."""


def is_strangers(headers: Message) -> bool:
    """Whether a request was sent by a page that is not of this server."""
    host = headers.get("Host", "")
    origin = headers.get("Origin")
    return not _is_ours(host) or (origin is not None and origin.lower() != f"http://{host}".lower())


def _is_ours(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1] or found[2].lower()
    labels = name.removesuffix(".").split(".")
    return len(labels) == 1 or labels[-1] in PRIVATE_ENDINGS or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
