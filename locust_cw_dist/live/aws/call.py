"""Call: how far a call has come that this greenlet makes, so that one that fails is judged by what has left.

Only a call whose body has begun to leave may have reached AWS. Before that there are credentials to fetch (a program,
STS), a name to look up, a proxy to ask and TLS to agree on, and each of them may hang or fail. Whoever makes a call
says `begin`; what happens below it says `reach`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError


class Stage(Enum):
    """How far a call has come."""

    UNKNOWN = auto()
    """Nobody has to know, as in a command."""
    SETTINGS = auto()
    """A session or a client is being made."""
    CREDENTIALS = auto()
    """They are being fetched."""
    CONNECTING = auto()
    """A name is looked up, a proxy asked, TLS agreed on."""
    LEFT = auto()
    """The body has begun to leave; or a client of the user's makes the call, which may have sent anything."""


class Call:
    """One call.

    Attributes:
        stage: How far it has come.
    """

    def __init__(self) -> None:
        """Begin, and know nothing."""
        self.stage = Stage.LEFT

    @property
    def may_have_left(self) -> bool:
        """Whether AWS may have got it."""
        return self.stage is Stage.LEFT

    def cut_off(self, when: str) -> SendError:
        """Return what it means that the call was given up where it was."""
        if self.may_have_left:
            return SendError(Failure.AMBIGUOUS, f"no whole answer {when}")
        if self.stage is Stage.CREDENTIALS:
            return SendError(Failure.CREDENTIALS, f"AWS credentials could not be fetched {when}")
        return SendError(Failure.UNREACHABLE, f"no connection {when}: the name service, a proxy or TLS does not answer")


_call: ContextVar[Call] = ContextVar("call")
_is_ours: ContextVar[bool] = ContextVar("is_ours", default=False)


def begin() -> Call:
    """Begin a call of this greenlet's, and return it."""
    call = Call()
    _call.set(call)
    return call


def current() -> Call:
    """Return the call of this greenlet; a new one if none has begun."""
    call = _call.get(None)
    return begin() if call is None else call


def reach(stage: Stage) -> None:
    """Note that the call of this greenlet has come so far."""
    current().stage = stage


@contextmanager
def ours() -> Iterator[None]:
    """What happens within is this program's, and not one of the user's own calls of boto3."""
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)


def is_ours() -> bool:
    """Whether this greenlet is within `ours`."""
    return _is_ours.get()
