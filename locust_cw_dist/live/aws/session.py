"""Sessions of boto3, made once, by the settings.

Every client of them, botocore's own for STS and SSO among them, has our time-outs and stands behind `guard`.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws import guard, prompts
from locust_cw_dist.live.aws.errors import NO_CREDENTIALS
from locust_cw_dist.live.aws.lines import remember
from locust_cw_dist.live.aws.signing import keep_time
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.settings.settings import Settings

CONNECT_TIMEOUT_S = 5


READ_TIMEOUT_S = 10
"""botocore's 60 s would let one lost answer hold six windows; CloudWatch answers in well under a second."""


CREDENTIAL_TRIES = 2
"""How often STS and SSO are asked before it fails; what needs the credentials is tried again later."""


_SET_AGAIN = "set it again"


def warm_loader(*services: str) -> Any:
    """Import boto3 and return a botocore `Loader` that has read the models of `services`: 0.1 s for each."""
    from botocore.loaders import Loader
    from botocore.session import Session

    loader = Loader()
    # What is wrong with the user's AWS settings is said by whoever makes a client to be used; here it must not matter.
    with suppress(Exception):
        session = Session()
        session.register_component("data_loader", loader)
        for service in services:
            session.create_client(service, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-")  # noqa: S106
    # What boto3 has read stays for good. Looking through it again and again for garbage would hold the hub, each
    # time that Python looks at old objects, for 50 to 100 ms.
    gc.collect()
    gc.freeze()
    return loader


def make_session(
    settings: Settings, loader: Any = None, *, may_ask: bool = False, clock: Timeline | None = None
) -> Any:
    """Return a boto3 session for `settings`, with the credentials of their role if they name one.

    Args:
        settings: Region, role and external id are used.
        loader: A botocore `Loader` that has read service models before, so that they are not read again.
        may_ask: Whether credentials may be asked for on a terminal: no load test runs.
        clock: What calls are signed by, and told of AWS's time; the machine's own if there is none.

    It asks nobody for credentials: who needs them says when, and may ask again.

    Raises:
        Exception: botocore's, where the user's AWS settings are wrong.
    """
    import boto3

    guard.quieten()
    # botocore itself looks at AWS_DEFAULT_REGION only; Lambda, ECS and most other SDKs set and read AWS_REGION.
    region = settings.region or os.environ.get("AWS_REGION") or None
    core = _botocore_session(loader, may_ask=may_ask, clock=clock)
    session = boto3.Session(botocore_session=core, region_name=region)
    return session if settings.role_arn is None else _assume_role(session, settings, loader, clock)


def fetch_credentials(session: Any) -> None:
    """Have the credentials before they are needed: later, whoever needs them waits.

    Raises:
        SendError: There are none, or they are no credentials.
        Exception: botocore's, where they can't be fetched.
    """
    _frozen_credentials(session)


def look_for_credentials(session: Any) -> None:
    """Find out where credentials come from. Making a client does the same, and is judged otherwise if it fails.

    Raises:
        SendError: There are none.
        Exception: botocore's, where they can't be fetched.
    """
    if session.get_credentials() is None:
        raise NO_CREDENTIALS.as_send_error()


def _frozen_credentials(session: Any) -> Any:
    look_for_credentials(session)
    frozen = session.get_credentials().get_frozen_credentials()
    parts = (("access key id", frozen.access_key), ("secret key", frozen.secret_key), ("session token", frozen.token))
    for name, value in parts:
        if not isinstance(value, str) and (value is not None or name != "session token"):
            # A program may have printed anything.
            raise SendError(Failure.CREDENTIALS, f"the {name} of the AWS credentials is not text: {_SET_AGAIN}")
    remember(frozen.secret_key, frozen.token)
    for name, value in parts:
        # As a header it could not be sent, and would be shown whole.
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            reason = f"the {name} of the AWS credentials contains a line break, a space or another invalid character"
            raise SendError(Failure.CREDENTIALS, f"{reason}: {_SET_AGAIN} (a file or a secret may end in a line break)")
    return frozen


class _Source:
    """The credentials that a role is assumed with, looked for each time that they are needed.

    An instance's metadata service or STS may be away when the process begins, and back a second later.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def get_frozen_credentials(self) -> Any:
        """Return them, as botocore asks for them."""
        return _frozen_credentials(self._session)


_SOURCES = {
    "env": "environment variables",
    "assume-role": "profile {profile}, by a role",
    "assume-role-with-web-identity": "role of this pod (web identity)",
    "sso": "profile {profile}, by SSO",
    "login": "profile {profile}, by aws login",
    "shared-credentials-file": "profile {profile}",
    "config-file": "profile {profile}",
    "custom-process": "profile {profile}, by its credential_process",
    "container-role": "role of this container",
    "iam-role": "role of this instance",
}
"""What botocore calls the ways to credentials, and what a person calls them."""


def source_of_credentials(session: Any) -> str | None:
    """Return where a session's credentials come from, in words; None if it has none. Asks nobody."""
    credentials = session.get_credentials()
    if credentials is None:
        return None
    method = str(getattr(credentials, "method", ""))
    return _SOURCES.get(method, method).format(profile=session.profile_name)


def _botocore_session(loader: Any, *, may_ask: bool = False, clock: Timeline | None = None) -> Any:
    import botocore.session
    from botocore.config import Config

    class Session(botocore.session.Session):  # type: ignore[misc]  # botocore has no types
        """One whose clients are all guarded and go by `clock`; botocore makes those for credentials by itself."""

        def create_client(self, *args: Any, **kwargs: Any) -> Any:
            client = super().create_client(*args, **kwargs)
            guard.guard(client)
            if clock is not None:
                keep_time(client, clock)
            return client

        def get_credentials(self) -> Any:
            credentials = super().get_credentials()
            if clock is not None and hasattr(credentials, "_time_fetcher"):
                # By a clock that is hours ahead they would have expired when they come.
                credentials._time_fetcher = lambda: datetime.fromtimestamp(clock.exact_s(), UTC)  # noqa: SLF001
            return credentials

    session = Session()
    if loader is not None:
        session.register_component("data_loader", loader)
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": CREDENTIAL_TRIES, "mode": "standard"},
            user_agent_extra="locust-cw-dist",
        )
    )
    if not may_ask:
        prompts.never_ask(session)
    return session


def _assume_role(source: Any, settings: Settings, loader: Any, clock: Timeline | None) -> Any:
    """Return a session with the role's credentials, which botocore renews before they expire."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

    extra = {"RoleSessionName": "locust-cw-dist"}
    if settings.external_id is not None:
        extra["ExternalId"] = settings.external_id

    def client_creator(*args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("region_name", source.region_name)
        return _botocore_session(loader, clock=clock).create_client(*args, **kwargs)

    fetcher = AssumeRoleCredentialFetcher(client_creator, _Source(source), settings.role_arn, extra_args=extra)

    class AssumedRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
        METHOD = "locust-cw-dist-assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    core = _botocore_session(loader, clock=clock)
    core.get_component("credential_provider").insert_before("env", AssumedRole())
    return boto3.Session(botocore_session=core, region_name=source.region_name)
