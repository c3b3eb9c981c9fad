"""Foreign errors in words: what one means, and what to do about it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 5


class Explained(NamedTuple):
    """What an error means.

    Attributes:
        found: in one line, what happened.
        advice: in one line, what to do.
    """

    found: str
    advice: str


NO_CREDENTIALS = Explained(
    "no AWS credentials found",
    "give the master a role (IRSA, Pod Identity, an instance profile) or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
)

NO_REGION = Explained("no AWS Region is set", "use --cw-region or AWS_REGION")

_OPEN_THE_WAY = (
    "let this machine reach it on that port; in a VPC without a way out make an interface endpoint for "
    "com.amazonaws.REGION.monitoring (and .sts), or set HTTPS_PROXY; check the name of the Region and of the endpoint"
)
_CORRECT_PROXY = "correct HTTPS_PROXY, or add the endpoint's host to NO_PROXY"
_CLOCK = "set this machine's clock (chrony, systemd-timesyncd): signatures may be 5 minutes off"

_BY_CODE = {
    "ExpiredToken": "renew them: log in again (aws sso login), or take a role, which boto3 renews by itself",
    "InvalidClientTokenId": "there is no such access key: check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and the partition",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY; a wrong clock does this, too",
}
_SAME_CODES = {
    "ExpiredTokenException": "ExpiredToken",
    "RequestExpired": "ExpiredToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def explain(error: Exception) -> Explained:
    """What an error of boto3 means; of another one its own text."""
    from botocore import exceptions as aws

    if isinstance(error, aws.ClientError):
        return _answer(error)
    for kind, explained in _kinds(error):
        if isinstance(error, kind):
            return explained
    return Explained(f"{type(error).__name__}: {one_line(error)}", "see the message; if it is no help, report it")


def _kinds(error: Exception) -> list[tuple[type[Exception], Explained]]:
    """Kinds of error, the special before the general."""
    from botocore import exceptions as aws

    text = one_line(error)
    return [
        (aws.NoCredentialsError, NO_CREDENTIALS),
        (aws.PartialCredentialsError, Explained(text, "set both halves of the key, or neither")),
        (aws.ProfileNotFound, Explained(text, "correct AWS_PROFILE, or add the profile to ~/.aws/config")),
        (aws.TokenRetrievalError, Explained(text, "log in again: aws sso login")),
        (aws.CredentialRetrievalError, Explained(text, "try the program or the service that gives the credentials")),
        (aws.NoRegionError, NO_REGION),
        # Its text shows the proxy's URL, password and all where that is short.
        (aws.ProxyConnectionError, Explained("the proxy can't be reached", _CORRECT_PROXY)),
        (aws.SSLError, Explained(text, "give the CA that signed it with AWS_CA_BUNDLE, or correct the address")),
        (aws.ConnectTimeoutError, Explained(f"no connection within {CONNECT_TIMEOUT_S} s: {text}", _OPEN_THE_WAY)),
        (aws.EndpointConnectionError, Explained(text, _OPEN_THE_WAY)),
        (aws.ReadTimeoutError, Explained(f"connected, but no answer within {READ_TIMEOUT_S} s: {text}", _OPEN_THE_WAY)),
        (aws.HTTPClientError, Explained(text, _OPEN_THE_WAY)),
        (aws.ConnectionError, Explained(text, _OPEN_THE_WAY)),
    ]


def _answer(error: Any) -> Explained:
    """What an error that AWS answered means."""
    code = code_of(error)
    found = one_line(error)
    if "Signature expired" in found or "not yet current" in found:
        return Explained(found, _CLOCK)
    if code in _DENIED:
        return Explained(found, f"allow {action_of(error)} in the policy of whoever calls; look for a denying one, too")
    known = _BY_CODE.get(_SAME_CODES.get(code, code))
    return Explained(found, known or "see AWS's message")


def code_of(error: Any) -> str:
    """The error code of a `ClientError`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: Exception) -> bool:
    """Whether AWS knows who calls, and says no."""
    return hasattr(error, "response") and code_of(error) in _DENIED


def action_of(error: Any) -> str:
    """The IAM action of the operation that failed."""
    service = "sts" if error.operation_name in ("AssumeRole", "GetCallerIdentity") else "cloudwatch"
    return f"{service}:{error.operation_name}"


def put_statement(namespace: str) -> str:
    """The IAM statement that lets the master publish to one namespace and do nothing else."""
    return json.dumps(
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": namespace}},
        }
    )


def one_line(error: object) -> str:
    """A text without line ends, and not longer than a few lines of a terminal."""
    return " ".join(str(error).split())[:500]
