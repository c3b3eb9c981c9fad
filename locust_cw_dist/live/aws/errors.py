"""Errors of boto3 and AWS: what one means and what to do about it. The one place where that is decided.

An answer is judged by the name of its error, and by its status only where it has none. An exception without an answer
is judged by its class, and by how far the call had come (`call`).
"""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.answers import ForeignAnswerError, has_request_id, small
from locust_cw_dist.live.aws.call import Stage
from locust_cw_dist.live.aws.lines import one_line
from locust_cw_dist.live.aws.prompts import PromptError


@dataclass(frozen=True, slots=True)
class Explained:
    """What an error means.

    Attributes:
        found: in one line, what happened.
        advice: in one line, what to do; empty where AWS's message says all there is.
        failure: what it means for a batch.
        retry_after_s: what the service asked to wait, if it did.
        is_too_large: whether less at a time would have been taken.
        is_final: whether every call of this process can only fail.
    """

    found: str
    advice: str = ""
    failure: Failure = Failure.TRANSIENT
    retry_after_s: float | None = None
    is_too_large: bool = False
    is_final: bool = False

    @property
    def line(self) -> str:
        """Both in one line."""
        return self.found if self.advice in _SEE_ABOVE else f"{self.found}: {self.advice}"

    def as_send_error(self) -> SendError:
        """The same for whoever sends."""
        return SendError(
            self.failure, self.line, self.retry_after_s, is_too_large=self.is_too_large, is_final=self.is_final
        )


_SEE_AWS = "see AWS's message"
_SEE_MESSAGE = "see the message; if it does not help, report it"
_SEE_ABOVE = {"", _SEE_AWS, _SEE_MESSAGE}
"""Advice that a line of the log does without."""

NO_CREDENTIALS = Explained(
    "no AWS credentials found",
    "give the master a role (IRSA, Pod Identity, an instance profile) or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    Failure.CREDENTIALS,
)

NO_REGION = Explained("no AWS Region is set", "use --cw-region or AWS_REGION", Failure.CREDENTIALS)

_OPEN_THE_WAY = (
    "open the way to it on that port; in a VPC without internet access, create an interface endpoint for "
    "com.amazonaws.REGION.monitoring (and .sts), or set HTTPS_PROXY; check the name of the Region and of the endpoint"
)
_CORRECT_PROXY = "correct HTTPS_PROXY, or add the endpoint's host to NO_PROXY"
_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: ([0-9]{3}[\w -]{0,60})")
_CLOCK = "set this machine's clock (chrony, systemd-timesyncd): signatures may be 5 minutes off"
_CORRECT_SETTING = "correct it in the AWS_* variables or in AWS's configuration file"
_LOG_IN = "log in again: aws sso login (with --profile, if it is not the default one)"
_STRANGER = "a proxy or a login page is in between, or the endpoint's URL is wrong"

_BY_CODE = {
    "ExpiredToken": "renew them: log in again (aws sso login), or take a role, which boto3 renews by itself",
    "InvalidClientTokenId": "there is no such access key: check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and the partition",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY; a wrong clock does this, too",
}
_SAME_CODES = {
    "RequestExpired": "ExpiredToken",
    "UnrecognizedClient": "InvalidClientTokenId",
    "InvalidAccessKeyId": "InvalidClientTokenId",
    "InvalidSignature": "SignatureDoesNotMatch",
}

# Names as `plain_code` gives them: the same error has the ending "Exception" in some protocols.
_FAILURES: dict[Failure, frozenset[str]] = {
    Failure.CREDENTIALS: frozenset(
        {
            *("AuthFailure", "ExpiredToken", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId"),
            *("InvalidSignature", "InvalidToken", "MissingAuthenticationToken", "RequestExpired"),
            *("RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired", "UnrecognizedClient"),
        }
    ),
    Failure.PERMISSION: frozenset(
        {
            *("AccessDenied", "AllAccessDisabled", "Authorization", "NotAuthorized", "OptInRequired"),
            *("Unauthorized", "UnauthorizedOperation", "UnauthorizedAccess"),
        }
    ),
    Failure.THROTTLED: frozenset(
        {
            *("BandwidthLimitExceeded", "LimitExceeded", "PriorRequestNotComplete", "RequestLimitExceeded"),
            *("RequestThrottled", "SlowDown", "Throttled", "Throttling", "TooManyRequests"),
        }
    ),
    Failure.TRANSIENT: frozenset({"InternalFailure", "InternalServer", "InternalService", "ServiceUnavailable"}),
    # Time ran out: CloudWatch may have taken the batch.
    Failure.AMBIGUOUS: frozenset({"RequestTimeout"}),
}
"""Errors by name. Some come with the status of another kind: throttling with 400, as a refusal does."""

_TOO_LARGE = frozenset({"EntityTooLarge", "PayloadTooLarge", "RequestEntityTooLarge"})

_UNANSWERED_STATUSES = frozenset({408, 502, 504})
"""Time ran out, or a gateway on the way got no whole answer: CloudWatch may have taken the batch."""


def explain(error: Exception, stage: Stage = Stage.UNKNOWN) -> Explained:
    """Say what an error means.

    Args:
        error: Anything that was raised while AWS was called, or while that was prepared.
        stage: How far the call had come.
    """
    if isinstance(error, SendError):
        # Said already, by whoever knew more.
        return Explained(str(error), failure=error.failure, is_final=error.is_final)
    if isinstance(error, ForeignAnswerError):
        found = _foreign(error, stage)
    elif response := answer_of(error):
        found = _answered(error, response)
    else:
        found = _raised(error, stage)
    if stage is Stage.CREDENTIALS and found.failure is not Failure.CREDENTIALS and not found.is_final:
        # Of those who give credentials (STS, a program): the batch has not left.
        found = Explained(f"AWS credentials could not be fetched: {found.found}", found.advice, Failure.CREDENTIALS)
    return found


def answer_of(error: Exception) -> dict[str, Any]:
    """Return the answer that an error came with; empty where there is none, as in errors of a connection."""
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else {}


def code_of(error: Exception) -> str:
    """The error code that AWS has answered; empty where it has not answered."""
    return str((answer_of(error).get("Error") or {}).get("Code") or "")


def plain_code(code: str) -> str:
    """An error code without the ending that it has in some protocols only."""
    return code.removesuffix("Exception").removesuffix("Fault").removesuffix("Error") or code


def is_denied(error: Exception) -> bool:
    """Whether AWS knows who calls, and says no."""
    return plain_code(code_of(error)) in _FAILURES[Failure.PERMISSION]


def action_of(error: Any) -> str:
    """The IAM action of the operation that failed."""
    name = str(getattr(error, "operation_name", ""))
    if name in _S3_ACTIONS:
        return _S3_ACTIONS[name]
    return f"{'sts' if name.startswith(('AssumeRole', 'GetCaller')) else 'cloudwatch'}:{name}"


_S3_ACTIONS = {"PutObject": "s3:PutObject", "GetObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket"}


# -- answers


def _foreign(error: ForeignAnswerError, stage: Stage) -> Explained:
    # A gateway's page may say that it has passed the call on, and got no answer.
    is_doubtful = error.status in _UNANSWERED_STATUSES and stage is Stage.LEFT
    failure = Failure.AMBIGUOUS if is_doubtful else Failure.FOREIGN
    found = f"something other than {error.service} answers there: {error}"
    return Explained(found, _STRANGER, failure, is_too_large=error.status == 413)


def _answered(error: Exception, response: dict[str, Any]) -> Explained:
    """What an error that AWS answered means."""
    code, found, metadata = plain_code(code_of(error)), one_line(error), response.get("ResponseMetadata") or {}
    status, headers = metadata.get("HTTPStatusCode", 0), small(metadata.get("HTTPHeaders") or {})
    is_too_large = status == 413 or code in _TOO_LARGE
    failure = _failure_of(code)
    if failure in {None, Failure.TRANSIENT} and status in _UNANSWERED_STATUSES:
        failure = Failure.AMBIGUOUS
    elif failure is None:
        has_name = code not in {"", str(status)}
        failure = Failure.REFUSED if is_too_large else _failure_of_status(status, headers, has_name=has_name)
    return Explained(found, _advice(error, code, failure), failure, _retry_after_s(headers), is_too_large)


def _failure_of(code: str) -> Failure | None:
    return next((failure for failure, codes in _FAILURES.items() if code in codes), None)


def _failure_of_status(status: int, headers: dict[str, str], *, has_name: bool) -> Failure:
    if status == 429:
        return Failure.THROTTLED
    if has_name or has_request_id(headers):
        if status in {401, 403}:
            return Failure.PERMISSION
        # Of what is left only this speaks of the batch; another 4xx is of a wrong address.
        return Failure.REFUSED if status == 400 else Failure.TRANSIENT
    return Failure.TRANSIENT


def _advice(error: Exception, code: str, failure: Failure) -> str:
    text = str(error)
    if "Signature expired" in text or "not yet current" in text or code == "RequestTimeTooSkewed":
        return _CLOCK
    if failure is Failure.PERMISSION:
        return f"allow {action_of(error)} in the caller's policy, and check for a statement that denies it"
    return _BY_CODE.get(_SAME_CODES.get(code, code), _SEE_AWS)


def _retry_after_s(headers: dict[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


# -- exceptions without an answer


def _raised(error: Exception, stage: Stage) -> Explained:
    text = one_line(error).rstrip(". ")
    if refused := _REFUSED_BY_PROXY.search(str(getattr(error, "kwargs", {}).get("error", ""))):
        return Explained(f"the proxy refuses to let this through ({refused[1]})", _CORRECT_PROXY, Failure.UNREACHABLE)
    for kind, words, advice, failure in _kinds():
        if isinstance(error, kind):
            return Explained(words.format(text) if words else text, advice, failure or _of_transport(stage))
    if may_pass(error):
        return Explained(f"this machine ran out of a resource ({text})", _MAKE_ROOM, Failure.UNREACHABLE)
    if stage is Stage.SETTINGS or isinstance(error, _kinds_of_settings()):
        advice = _correction(text, _CORRECT_SETTING)
        return Explained(f"an AWS setting is wrong ({text})", advice, Failure.UNREACHABLE, is_final=True)
    name = type(error).__name__
    if stage is Stage.CREDENTIALS:
        advice = _correction(text, "check the AWS profile and the source of its credentials")
        return Explained(f"{name}: {text}", advice, Failure.CREDENTIALS)
    is_of_command = stage is Stage.UNKNOWN and isinstance(error, ValueError | OSError)
    # A client of the user's may raise anything; nothing says that it is for ever.
    return Explained(f"{name}: {text}", _correction(text, _SEE_MESSAGE) if is_of_command else _SEE_MESSAGE)


_SHORTAGES = frozenset(
    {
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT),
        *(errno.EAGAIN, errno.EINTR, errno.EIO, errno.ESTALE),
    }
)
"""What a machine may have run out of, or a network file system may answer."""

_MAKE_ROOM = "raise the limits of open files (ulimit -n) and of memory, or check the disk"


def may_pass(error: BaseException | None) -> bool:
    """Whether an error is of this machine at this moment, whatever else it looks like."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORTAGES):
            return True
        error = error.__cause__ or error.__context__
    return False


def _correction(text: str, otherwise: str) -> str:
    """Say which variables to correct, if the text shows what one of them holds."""
    held = {name: value.strip() for name, value in os.environ.items() if name.startswith("AWS_")}
    # The name of a profile says where else to look.
    names = [name for name, value in held.items() if len(value) > 1 and value in text and "PROFILE" not in name]
    return f"correct {', '.join(sorted(names))}" if names else otherwise


_ASK_BEFORE = (
    "get temporary credentials before it starts, as with "
    'eval "$(aws configure export-credentials --format env)", or use a profile without mfa_serial'
)


def _of_transport(stage: Stage) -> Failure:
    """What a connection that failed means: where the body may have left, nobody knows what became of it."""
    return Failure.AMBIGUOUS if stage is Stage.LEFT else Failure.UNREACHABLE


_Kind = tuple[type[Exception], str, str, Failure | None]


@cache
def _kinds() -> tuple[_Kind, ...]:
    """Rows of class, words, advice and failure, the special before the general; None: as far as the call had come."""
    return (*_kinds_of_credentials(), *_kinds_of_connections())


def _kinds_of_credentials() -> list[_Kind]:
    from botocore import exceptions as aws

    credentials = Failure.CREDENTIALS
    profile = "correct AWS_PROFILE, or add the profile to ~/.aws/config"
    file = "correct that file, or name another one with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE"
    rows: list[_Kind] = [
        (PromptError, "", _ASK_BEFORE, credentials),
        (aws.NoCredentialsError, NO_CREDENTIALS.found, NO_CREDENTIALS.advice, credentials),
        (aws.PartialCredentialsError, "", "set both halves of the key, or neither", credentials),
        (aws.ProfileNotFound, "", profile, credentials),
        (aws.ConfigParseError, "", file, credentials),
        (aws.ConfigNotFound, "", file, credentials),
        (aws.SSOError, "AWS SSO: not logged in, or the login has expired ({})", _LOG_IN, credentials),
        (aws.TokenRetrievalError, "AWS SSO: the login can't be renewed ({})", _LOG_IN, credentials),
        (aws.CredentialRetrievalError, "", "check the program or the service that issues the credentials", credentials),
        (aws.MetadataRetrievalError, "", "check the service that issues the credentials", credentials),
        (aws.RefreshWithMFAUnsupportedError, "", _ASK_BEFORE, credentials),
        (aws.NoRegionError, NO_REGION.found, NO_REGION.advice, NO_REGION.failure),
    ]
    # Since botocore 1.41 or later.
    if hasattr(aws, "LoginError"):
        rows.append((aws.LoginError, "AWS login: {}", "log in again: aws login", credentials))
    return rows


@cache
def _kinds_of_settings() -> tuple[type[Exception], ...]:
    from botocore import exceptions as aws

    return (
        *(aws.InvalidRegionError, aws.UnknownRegionError, aws.InvalidRetryConfigurationError, aws.InvalidDefaultsMode),
        *(aws.InvalidSTSRegionalEndpointsConfigError, aws.InvalidEndpointConfigurationError, aws.EndpointProviderError),
        *(aws.BaseEndpointResolverError, aws.InvalidProxiesConfigError, aws.InvalidIMDSEndpointError),
        aws.InvalidIMDSEndpointModeError,
    )


def _kinds_of_connections() -> list[_Kind]:
    from botocore import exceptions as aws

    unreachable = Failure.UNREACHABLE
    return [
        (aws.ParamValidationError, "", "", Failure.REFUSED),
        # Its text shows the proxy's URL, password and all where that is short.
        (
            aws.ProxyConnectionError,
            "the proxy can't be reached",
            _CORRECT_PROXY,
            unreachable,
        ),
        (aws.SSLError, "", "set AWS_CA_BUNDLE to the CA that signed it, or correct the address", None),
        (aws.ConnectTimeoutError, "no connection in time: {}", _OPEN_THE_WAY, unreachable),
        (aws.EndpointConnectionError, "", _OPEN_THE_WAY, unreachable),
        (aws.ReadTimeoutError, "connected, but no answer in time: {}", _OPEN_THE_WAY, None),
        (aws.HTTPClientError, "", _OPEN_THE_WAY, None),
        (aws.ConnectionError, "", _OPEN_THE_WAY, None),
    ]


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
