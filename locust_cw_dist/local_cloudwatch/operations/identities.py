"""Who calls: a little of AWS's Security Token Service, and the time of signatures.

Any credentials will do, and no signature is verified. But a signature of another time than the server's is refused as
AWS refuses it, and AssumeRole gives credentials that end when they say, so that skewed clocks and credentials that
expire in a run can be tried out.
"""

from __future__ import annotations

import calendar
import re
import secrets
import string
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from locust_cw_dist.local_cloudwatch.errors import ApiError, validation
from locust_cw_dist.local_cloudwatch.operations import fields

if TYPE_CHECKING:
    from email.message import Message

    from locust_cw_dist.local_cloudwatch.faults.conditions import Surroundings
    from locust_cw_dist.local_cloudwatch.operations.fields import Document

STS_OPERATIONS = ("GetCallerIdentity", "AssumeRole")
ACCOUNT = "123456789012"
MAX_SIGNATURE_AGE_S = 300
"""SigV4's: a request must arrive within five minutes of its time stamp."""

DEFAULT_SESSION_S = 3600
MAX_SESSIONS = 1_000

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]{1,64})", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class _Session:
    arn: str
    account: str
    ends_s: float


class Identities:
    """The sessions that AssumeRole has opened. Any thread may call it."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def check(self, headers: Message) -> str:
        """The access key of a request; empty where it is not signed.

        Raises:
            ApiError: the signature is of another time, or the session has ended.
        """
        now_s = self._surroundings.now_s()
        _check_time(headers.get("X-Amz-Date", ""), now_s)
        match = _CREDENTIAL.search(headers.get("Authorization", ""))
        access_key = match[1] if match else ""
        session = self._sessions.get(access_key)
        if session and session.ends_s <= now_s:
            raise ApiError("ExpiredToken", "The security token included in the request is expired", 403)
        return access_key

    def caller(self, access_key: str) -> Document:
        """The answer of GetCallerIdentity."""
        session = self._sessions.get(access_key)
        if session is None:
            return {"Arn": f"arn:aws:iam::{ACCOUNT}:user/local", "UserId": "AIDALOCAL", "Account": ACCOUNT}
        return {"Arn": session.arn, "UserId": f"AROALOCAL:{session.arn.rpartition('/')[2]}", "Account": session.account}

    def assume_role(self, document: Document) -> Document:
        """The answer of AssumeRole; raises ApiError."""
        arn = fields.required_text(document, "RoleArn", "")
        name = fields.required_text(document, "RoleSessionName", "")
        role = _ROLE_ARN.fullmatch(arn)
        if role is None or not _SESSION_NAME.fullmatch(name):
            raise validation(f"{arn} is invalid, or {name} is no name of a session")
        conditions = self._surroundings.conditions
        if conditions.external_id not in (None, document.get("ExternalId")):
            user = f"User: arn:aws:iam::{ACCOUNT}:user/local"
            raise ApiError(
                "AccessDenied", f"{user} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403
            )
        asked_s = fields.integer(document, "DurationSeconds", "") or DEFAULT_SESSION_S
        ends_s = self._surroundings.now_s() + (conditions.session_s or asked_s)
        session = _Session(f"arn:aws:sts::{role[1]}:assumed-role/{role[2]}/{name}", role[1], ends_s)
        access_key = f"ASIA{''.join(secrets.choice(_LETTERS) for _ in range(16))}"
        self._keep(access_key, session)
        return {
            "Credentials": {
                "AccessKeyId": access_key,
                "SecretAccessKey": secrets.token_urlsafe(30),
                "SessionToken": secrets.token_urlsafe(60),
                "Expiration": fields.Timestamp(ends_s),
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROALOCAL:{name}", "Arn": session.arn},
        }

    def _keep(self, access_key: str, session: _Session) -> None:
        with self._lock:
            self._sessions[access_key] = session
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))


def _check_time(stamp: str, now_s: float) -> None:
    try:
        signed_s = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return  # not signed: by hand, as from curl
    oldest_s, newest_s = now_s - MAX_SIGNATURE_AGE_S, now_s + MAX_SIGNATURE_AGE_S
    if signed_s < oldest_s:
        problem = f"Signature expired: {stamp} is now earlier than {_stamp(oldest_s)} ({_stamp(now_s)} - 5 min.)"
    elif signed_s > newest_s:
        problem = (
            f"Signature not yet current: {stamp} is still later than {_stamp(newest_s)} ({_stamp(now_s)} + 5 min.)"
        )
    else:
        return
    raise ApiError("SignatureDoesNotMatch", problem, 403)


def _stamp(time_s: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time_s))
