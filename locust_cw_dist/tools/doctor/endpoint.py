"""Proxy, endpoint and clock: whether CloudWatch can be reached, and agrees with this machine on the time."""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from locust_cw_dist.live.aws.errors import answer_of
from locust_cw_dist.tools.doctor.publishing import make_client, source_session
from locust_cw_dist.tools.doctor.result import Result, failed, ok, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust_cw_dist.settings.settings import Settings

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 5
"""Shorter than the publisher's: somebody waits."""

GOOD_SKEW_S = 5
"""The Date header has whole seconds, and the answer takes its time."""

MAX_SKEW_S = 300
"""AWS refuses a signature that is further off."""

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Contact:
    """What an answer of the endpoint tells.

    Attributes:
        url: where it came from.
        took_s: how long it took.
        skew_s: how far the service's clock is ahead of this machine's; None where there was no Date header.
    """

    url: str
    took_s: float
    skew_s: float | None


def quick_config(**more: Any) -> Any:
    """A botocore configuration that answers in seconds, whatever happens."""
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        user_agent_extra="locust-cw-dist-doctor",
        **more,
    )


def is_on_this_machine(client: Any) -> bool:
    """Whether a client's endpoint is a loopback address."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host == "localhost" or any(address.is_loopback for address in _literal(host))


def _literal(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        return []


def check_proxy(settings: Settings, environment: Mapping[str, str]) -> Result:
    """Which proxy variables are set, and whether they apply to the endpoint."""
    names = [name for name in _PROXY_VARIABLES for name in (name, name.lower()) if environment.get(name)]
    if not names:
        return ok("proxy", "no proxy variable is set")
    proxy = _proxy_of(_client(settings).meta.endpoint_url)
    where = (
        "not used for the endpoint" if proxy is None else f"the endpoint is reached through {_without_password(proxy)}"
    )
    return ok("proxy", f"{', '.join(names)} set: {where}")


def _proxy_of(url: str) -> str | None:
    """The proxy that botocore uses for a URL, or None."""
    from botocore.utils import get_environ_proxies

    proxy: str | None = get_environ_proxies(url).get(urlsplit(url).scheme)
    return proxy


def _without_password(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"//{url}")
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _client(settings: Settings) -> Any:
    """The publisher's client, for what it knows of its endpoint. The session needs no credentials for that."""
    return make_client(source_session(settings), settings)


def contact(settings: Settings) -> Contact:
    """Send one call without a signature: every CloudWatch answers it, most with a refusal, and none bills it.

    Raises:
        Exception: botocore's, where there is no answer, or a stranger's.
    """
    from botocore import UNSIGNED
    from botocore.exceptions import ClientError

    config = quick_config(signature_version=UNSIGNED)
    client = source_session(settings).client("cloudwatch", endpoint_url=settings.endpoint_url, config=config)
    wall_s, started_s = time.time(), time.monotonic()
    try:
        metadata = client.list_metrics(Namespace="locust-cw-doctor")["ResponseMetadata"]
    except ClientError as error:
        metadata = answer_of(error).get("ResponseMetadata", {})
    took_s = time.monotonic() - started_s
    headers = metadata.get("HTTPHeaders", {})
    return Contact(client.meta.endpoint_url, took_s, _skew_s(headers.get("date"), wall_s + took_s / 2))


def _skew_s(date: str | None, now_s: float) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() + 0.5 - now_s
    except ValueError:
        return None


def check_endpoint(answer: Contact) -> Result:
    """What kind of endpoint answered."""
    kind = kind_of(answer.url)
    found = f"{answer.url} ({kind}) answers in {answer.took_s * 1000:.0f} ms"
    if urlsplit(answer.url).scheme == "http" and kind != "on this machine":
        return warning("endpoint", f"{found}, without TLS", "use https:// in the endpoint's URL")
    return ok("endpoint", found)


def kind_of(url: str) -> str:
    """What an endpoint is, by its name and its address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or any(address.is_loopback for address in _literal(host)):
        return "on this machine"
    if ".vpce." in host:
        return "VPC endpoint"
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")):
        return "custom endpoint"
    fips = ", FIPS" if "fips" in host else ""
    # Behind a proxy it is the proxy that resolves names: here they may take forever to fail.
    is_private = _proxy_of(url) is None and _is_private(host)
    return f"VPC endpoint with private DNS{fips}" if is_private else f"AWS's public endpoint{fips}"


def _is_private(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[4][0])).is_private for address in found)


def check_clock(answer: Contact) -> Result:
    """Whether this machine's clock agrees with the service's Date header."""
    if answer.skew_s is None:
        return skipped("clock", "the answer had no Date header")
    size_s = abs(answer.skew_s)
    if size_s <= GOOD_SKEW_S:
        return ok("clock", f"within {GOOD_SKEW_S} s of the service's")
    found = f"this machine is {size_s:.0f} s {'behind' if answer.skew_s > 0 else 'ahead of'} the service"
    advice = "set this machine's clock (chrony, systemd-timesyncd)"
    if size_s < MAX_SKEW_S:
        return warning("clock", f"{found}: results would have wrong times", advice)
    return failed("clock", f"{found}: AWS refuses signatures that are more than {MAX_SKEW_S // 60} min off", advice)
