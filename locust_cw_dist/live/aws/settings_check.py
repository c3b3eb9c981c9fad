"""What is wrong with AWS's settings (variables, files) and would be found by a call only, or never.

botocore looks at most of them when it makes a client. The rest would fail each call, in words of urllib3.
"""

from __future__ import annotations

import os
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.errors import may_pass
from locust_cw_dist.live.aws.lines import one_line
from locust_cw_dist.settings.checks import can_be_region

_CORRECT_REGION = "correct AWS_REGION, AWS_DEFAULT_REGION or the region of the AWS profile, such as eu-central-1"

MAX_PORT = 65_535

_PROXY = re.compile(r"(?:https?://)?(?:[^\s/@]*@)?(?:[\w.-]+|\[[0-9a-fA-F:.%]+\])(?::([0-9]{1,5}))?/?", re.IGNORECASE)


def check_way(client: Any, region: str) -> None:
    """Look at all that lies between a client and its endpoint on this machine.

    Raises:
        SendError: No call could leave.
        OSError: This machine has run out of something, and nobody knows.
    """
    url = client.meta.endpoint_url
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError as e:
        raise _wrong(f"the endpoint's URL {one_line(url)} is none ({e})", "correct AWS_ENDPOINT_URL") from None
    # With an endpoint of its own it is but a name in a signature.
    if region in (parts.hostname or "") and not can_be_region(region):
        raise _wrong(f"there can't be a Region {one_line(region)}", _CORRECT_REGION)
    _check_proxy(url)
    _check_authorities(is_used=parts.scheme == "https")


def _check_proxy(url: str) -> None:
    from botocore.utils import get_environ_proxies

    proxy = get_environ_proxies(url).get(urlsplit(url).scheme)
    found = _PROXY.fullmatch(proxy or "")
    if proxy and (found is None or int(found[1] or 0) > MAX_PORT):
        # Which may hold a password, so it is not shown.
        raise _wrong(
            "the proxy of the environment is not a URL", "correct HTTPS_PROXY or HTTP_PROXY, as http://host:3128"
        )


def _check_authorities(*, is_used: bool) -> None:
    import botocore.session

    path = botocore.session.Session().get_config_variable("ca_bundle")
    if path is not None and not path.strip():
        # With this, versions of botocore before 1.43 trust everybody.
        raise _wrong("AWS_CA_BUNDLE is empty", "set it to the path of a CA bundle, or unset it")
    path = path or os.environ.get("REQUESTS_CA_BUNDLE")
    if not path or not is_used:
        return
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as e:
        if may_pass(e):
            raise
        reason = f"the CA bundle {one_line(path)} can't be used ({one_line(e)})"
        raise _wrong(reason, "correct AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE, or unset it") from e


def check_unused(region: str) -> None:
    """Look at settings that calls of ours do without; other calls need them.

    Raises:
        SendError: They are wrong; results are sent all the same.
    """
    if not can_be_region(region):
        raise _harmless(f"there can't be a Region {one_line(region)}", _CORRECT_REGION)
    import botocore.session
    from botocore.config import Config

    session = botocore.session.Session()
    try:
        chosen = {
            "total_max_attempts": session.get_config_variable("max_attempts"),
            "mode": session.get_config_variable("retry_mode"),
        }
        Config(retries={name: value for name, value in chosen.items() if value is not None})
    except Exception as e:
        # Calls are repeated here, and not by botocore.
        advice = "correct AWS_MAX_ATTEMPTS, AWS_RETRY_MODE or the AWS profile"
        raise _harmless(f"an AWS setting is wrong ({one_line(e)})", advice) from e


def _wrong(found: str, advice: str) -> SendError:
    return SendError(Failure.UNREACHABLE, f"{found}: {advice}", is_final=True)


def _harmless(found: str, advice: str) -> SendError:
    return SendError(Failure.UNREACHABLE, f"{found}: {advice}", is_harmless=True)
