"""Where a record lies in S3, as `s3://bucket/prefix` tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass

SUFFIX = ".cwrecord"
"""What the name of every record ends with, on disk and in S3."""

SUMMARY_SUFFIX = ".cwsummary"
"""What the name of a run's summary ends with, in place of the record's."""

SCHEME = "s3://"

ALLOWED = (
    "s3://BUCKET or s3://BUCKET/PREFIX: a bucket's name of 3 to 63 lower-case letters, digits, dots and hyphens, a "
    "prefix of letters, digits and - _ . = , : @ + between single slashes"
)

_MAX_PREFIX = 900
"""S3 takes 1024 bytes a key; a run's own name needs 40."""

_ANY_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
# "General purpose bucket naming rules" in the user guide of S3.
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
# What needs no quoting in a URL, a shell or a policy: "*", "?" and "$" have a meaning there.
_PART = re.compile(r"[0-9A-Za-z_.=,:@+-]+")


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL, right or wrong, and not as a path on this machine."""
    return _ANY_URL.match(text) is not None


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object in S3, or all below a prefix; `str()` is the URL.

    Attributes:
        bucket: Its bucket.
        key: The object's key, or the prefix without a slash at its end; empty for the whole bucket.
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Location:
        """Read a URL.

        Raises:
            ValueError: It is not as `ALLOWED` says; without a message.
        """
        bucket, _, key = text.removeprefix(SCHEME).removesuffix("/").partition("/")
        parts = key.split("/") if key else []
        if not (text.startswith(SCHEME) and _BUCKET.fullmatch(bucket)) or _ADDRESS.fullmatch(bucket):
            raise ValueError
        if len(key) > _MAX_PREFIX or not all(_PART.fullmatch(part) and set(part) != {"."} for part in parts):
            raise ValueError
        return cls(bucket, key)

    @property
    def is_record(self) -> bool:
        """Whether it names one record."""
        return self.key.endswith(SUFFIX)

    @property
    def prefix(self) -> str:
        """What the keys of all records below it begin with."""
        return f"{self.key}/" if self.key else ""

    def below(self, name: str) -> S3Location:
        """Return the object of that name below it."""
        return S3Location(self.bucket, self.prefix + name)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"
