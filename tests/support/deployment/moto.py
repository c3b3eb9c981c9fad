"""AWS for tests of deployment: a moto server in a process of its own. CloudWatch is `locust_cw_dist.testing`'s."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.cluster.ports import free_port
from support.cluster.processes import wait_until

REGION = "eu-central-1"


@dataclass(frozen=True)
class Moto:
    """A running server.

    Attributes:
        url: Its address, for every service.
    """

    url: str

    def env(self) -> dict[str, str]:
        """Return what makes boto3 in another process use it, except for CloudWatch."""
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}
        return keys | {"AWS_ENDPOINT_URL_S3": self.url, "AWS_ENDPOINT_URL_STS": self.url}

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service."""
        import boto3

        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **keys)


@pytest.fixture(scope="session")
def moto(tmp_path_factory) -> Iterator[Moto]:
    """The server."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=dict(os.environ)) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=10):
                    return True
            except OSError:
                return False

        wait_until(answers, "moto answers")
        yield Moto(url)
        process.kill()
