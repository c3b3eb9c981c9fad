"""Sessions of boto3, made once, by the settings."""

from __future__ import annotations

import gc
import os
from typing import Any

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.settings.settings import Settings

CONNECT_TIMEOUT_S = 5


READ_TIMEOUT_S = 10
"""botocore's 60 s would let one lost answer hold six windows; CloudWatch answers in well under a second."""


CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


PERMISSION_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


_NO_CREDENTIALS = (
    "no AWS credentials found: give the master a role (IRSA, Pod Identity, an instance profile) or set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
)


def warm_loader(*services: str) -> Any:
    """Import boto3 and return a botocore `Loader` that has read the models of `services`: 0.1 s for each."""
    from botocore.loaders import Loader
    from botocore.session import Session

    loader = Loader()
    session = Session()
    session.register_component("data_loader", loader)
    for service in services:
        session.create_client(service, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-")  # noqa: S106
    # What boto3 has read stays for good. Looking through it again and again for garbage would hold the hub, each
    # time that Python looks at old objects, for 50 to 100 ms.
    gc.collect()
    gc.freeze()
    return loader


def make_session(settings: Settings, loader: Any = None) -> Any:
    """Return a boto3 session for `settings`, with the credentials of their role if they name one.

    Args:
        settings: Region, role and external id are used.
        loader: A botocore `Loader` that has read service models before, so that they are not read again.

    Raises:
        SendError: There are no credentials to assume the role with.
    """
    import boto3

    # botocore itself looks at AWS_DEFAULT_REGION only; Lambda, ECS and most other SDKs set and read AWS_REGION.
    region = settings.region or os.environ.get("AWS_REGION") or None
    session = boto3.Session(botocore_session=_botocore_session(loader), region_name=region)
    return session if settings.role_arn is None else _assume_role(session, settings, loader)


def _botocore_session(loader: Any) -> Any:
    import botocore.session

    session = botocore.session.Session()
    if loader is not None:
        session.register_component("data_loader", loader)
    return session


def _assume_role(source: Any, settings: Settings, loader: Any) -> Any:
    """Return a session with the role's credentials, which botocore renews before they expire."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

    credentials = source.get_credentials()
    if credentials is None:
        raise SendError(Failure.CREDENTIALS, _NO_CREDENTIALS)
    extra = {"RoleSessionName": "locust-cw-dist"}
    if settings.external_id is not None:
        extra["ExternalId"] = settings.external_id

    def client_creator(*args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("region_name", source.region_name)
        return _botocore_session(loader).create_client(*args, **kwargs)

    fetcher = AssumeRoleCredentialFetcher(client_creator, credentials, settings.role_arn, extra_args=extra)

    class AssumedRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
        METHOD = "locust-cw-dist-assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    core = _botocore_session(loader)
    core.get_component("credential_provider").insert_before("env", AssumedRole())
    return boto3.Session(botocore_session=core, region_name=source.region_name)
