"""Run records in S3 behind boto3: putting one there, finding the newest, getting one.

On a process of a load test everything here runs in greenlets, as the calls of `cloudwatch` do and for the same
reasons; what is put comes from the disk a piece at a time, so that neither it nor the network holds the hub. The
commands that read records have no hub, and wait.

Retries are botocore's own: unlike PutMetricData, all calls here may be repeated. Whoever calls sets the time limit.
"""

from __future__ import annotations

import hashlib
import io
import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.records.location import SUFFIX, S3Location
from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.live.aws.answers import Answer, ForeignAnswerError, has_request_id, is_html, small
from locust_cw_dist.live.aws.call import Stage, ours
from locust_cw_dist.live.aws.errors import Explained, action_of, code_of, explain
from locust_cw_dist.live.aws.session import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    fetch_credentials,
    look_for_credentials,
    make_session,
    warm_loader,
)
from locust_cw_dist.live.aws.settings_check import check_way
from locust_cw_dist.live.platform.disk_thread import DiskThread
from locust_cw_dist.live.platform.forks import Door
from locust_cw_dist.live.platform.timeline import Timeline
from locust_cw_dist.live.records.record_file import MAX_RECORD_BYTES
from locust_cw_dist.regular_files import open_regular
from locust_cw_dist.settings.settings import Settings

TRIES = 5
"""How often botocore makes a call, with pauses of up to 20 s, before it fails."""

PIECE_BYTES = 256 * 1024
"""What the disk's thread reads at a time. Encrypting it takes 0.3 ms of the hub's time."""


class S3Error(LocustCwError):
    """A record could not be put or got; ``str()`` is one line that says why."""


class Snapshot(io.RawIOBase):
    """What a growing file holds now, read by the disk's thread; a body for `S3.put`.

    Attributes:
        size_bytes: How long it is; what is added to the file later is not in it.
        sha256: The digest of what it holds.
    """

    def __init__(self, path: Path, disk_thread: DiskThread) -> None:
        """Open the file.

        Raises:
            OSError: It can't be read.
        """
        super().__init__()
        self._disk_thread = disk_thread
        self._position = self._piece_at = 0
        self._piece = b""
        self._file = disk_thread.run(open_regular, path, MAX_RECORD_BYTES)
        self.size_bytes: int = disk_thread.run(lambda: os.fstat(self._file.fileno()).st_size)
        self.sha256: bytes = disk_thread.run(self._digest)

    def _digest(self) -> bytes:
        digest, left_bytes = hashlib.sha256(), self.size_bytes
        while left_bytes and (piece := self._file.read(min(PIECE_BYTES, left_bytes))):
            digest.update(piece)
            left_bytes -= len(piece)
        return digest.digest()

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read again: yes, for a call that is repeated."""
        return True

    def tell(self) -> int:
        """Return where the next `read` begins."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to another place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, `size` of them or fewer; none at the end. Other greenlets run now and then."""
        left_bytes = max(0, self.size_bytes - self._position)
        wanted = left_bytes if size is None or size < 0 else min(size, left_bytes)
        if not wanted:
            return b""
        begin = self._position - self._piece_at
        if not 0 <= begin < len(self._piece):
            self._piece_at, begin = self._position, 0
            length = min(max(wanted, PIECE_BYTES), left_bytes)
            self._piece = self._disk_thread.run(os.pread, self._file.fileno(), length, self._position)
        found = self._piece[begin : begin + wanted]
        self._position += len(found)
        return found

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


RECORD_TYPE = "application/octet-stream"


class S3:
    """Records in S3, with the Region, the role and the credentials that results are published with.

    The endpoint is boto3's own choice: `AWS_ENDPOINT_URL_S3` sets another.
    """

    def __init__(self, settings: Settings, *, may_ask: bool = False, clock: Timeline | None = None) -> None:
        """Ask nobody yet.

        Args:
            settings: Region, role and external id are used.
            may_ask: Whether credentials may be asked for on a terminal: no load test runs.
            clock: What calls are signed by; the machine's own if there is none.
        """
        self._settings = settings
        self._may_ask = may_ask
        self._clock = clock
        self._loader: Any = None
        self._client: Any = None
        self._door = Door()

    def warm_up(self) -> None:
        """Import boto3 and have it read its service models, before any load: 0.3 s."""
        self._loader = warm_loader("s3", "sts")

    def prepare(self, place: S3Location) -> None:
        """Find credentials and the endpoint, at the start: making the client holds the hub for 50 ms.

        Raises:
            S3Error: There are none.
        """
        # Nothing asks for the URL: making it takes the steps that the first call would take.
        self._call(
            place, lambda client: client.generate_presigned_url("put_object", {"Bucket": place.bucket, "Key": "-"})
        )

    def put(self, content: Snapshot | bytes, target: S3Location, content_type: str = RECORD_TYPE) -> None:
        """Make an object of what a file holds, or of few bytes, in the place of an earlier one.

        Raises:
            S3Error: It was not taken, or nobody knows.
        """
        sha256 = hashlib.sha256(content).digest() if isinstance(content, bytes) else content.sha256
        self._call(
            target,
            lambda client: client.put_object(
                Bucket=target.bucket,
                Key=target.key,
                Body=content,
                ContentType=content_type,
                # S3 checks it; and botocore computes none of its own, which would hold the hub.
                ChecksumSHA256=b64encode(sha256).decode(),
            ),
        )

    def get(self, record: S3Location) -> bytes:
        """Return a record.

        Raises:
            S3Error: It can't be got.
        """
        content: bytes = self._call(
            record, lambda client: _read(record, client.get_object(Bucket=record.bucket, Key=record.key))
        )
        return content

    def newest_first(self, place: S3Location) -> list[tuple[S3Location, int]]:
        """Return the records right below a place, the newest first, with their sizes: names begin with the time.

        Raises:
            S3Error: It can't be found out.
        """
        records = [(name, size) for name, size, _ in self.objects(place) if name.endswith(SUFFIX)]
        return [(place.below(name), size) for name, size in sorted(records, reverse=True)]

    def objects(self, place: S3Location) -> list[tuple[str, int, str]]:
        """Return name, size and ETag of all objects right below a place.

        Raises:
            S3Error: It can't be found out.
        """
        found: list[tuple[str, int, str]] = self._call(place, lambda client: _objects(client, place))
        return found

    def _call(self, location: S3Location, call: Callable[[Any], Any]) -> Any:
        self._door.pass_through()
        stage = Stage.SETTINGS
        try:
            with ours():
                if self._client is None:
                    session = make_session(self._settings, self._loader, may_ask=self._may_ask, clock=self._clock)
                    stage = Stage.CREDENTIALS
                    look_for_credentials(session)
                    stage = Stage.SETTINGS
                    client = _make_client(session)
                    check_way(client, client.meta.region_name)
                    stage = Stage.CREDENTIALS
                    fetch_credentials(session)
                    self._client = client
                stage = Stage.UNKNOWN
                return call(self._client)
        except S3Error:
            raise
        except Exception as e:
            reason = _reason(e, stage, location)
            if reason.failure is Failure.CREDENTIALS:
                # Look for others at the next try.
                self._client = None
            raise S3Error(f"{location}: {reason.line}") from e


def _make_client(session: Any) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        # TLS protects what is sent, and the checksum the object: a second digest would hold the hub.
        s3={"payload_signing_enabled": False},
        tcp_keepalive=True,
        user_agent_extra="locust-cw-dist",
    )
    return session.client("s3", config=config)


def _objects(client: Any, place: S3Location) -> list[tuple[str, int, str]]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.prefix, Delimiter="/")
    objects = [each for page in pages for each in page.get("Contents", ())]
    return [(each["Key"].removeprefix(place.prefix), each["Size"], each.get("ETag", "")) for each in objects]


def _read(record: S3Location, answer: Any) -> bytes:
    """Return what an object holds."""
    content = bytearray()
    # To the end: only there botocore looks whether all has come.
    while len(content) <= MAX_RECORD_BYTES and (piece := answer["Body"].read(PIECE_BYTES)):
        content += piece
    metadata = answer["ResponseMetadata"]
    headers = small(metadata["HTTPHeaders"])
    if not has_request_id(headers) and is_html(bytes(content[:PIECE_BYTES])):
        beginning = bytes(content[:PIECE_BYTES])
        raise ForeignAnswerError(Answer("S3", f"s3://{record.bucket}", metadata["HTTPStatusCode"], headers, beginning))
    if len(content) > MAX_RECORD_BYTES:
        raise S3Error(f"{record}: larger than any record ({MAX_RECORD_BYTES:,} bytes)")
    return bytes(content)


def _reason(error: Exception, stage: Stage, location: S3Location) -> Explained:
    """Return what happened, and what to do if that is known."""
    code = code_of(error)
    if code == "NoSuchBucket":
        return Explained(f"there is no bucket {location.bucket}")
    if code in {"NoSuchKey", "404"}:
        return Explained("there is no such object")
    explained = explain(error, stage)
    if explained.failure is Failure.PERMISSION:
        return replace(explained, found=f"{action_of(error)} is not allowed: {explained.found}", advice="")
    return explained
