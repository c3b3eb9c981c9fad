"""An environment in which AWS knows nothing of the machine that runs the tests."""

from __future__ import annotations

import functools
import os

import pytest

from locust_cw_dist.live.aws.session import warm_loader

loader = functools.cache(warm_loader)
"""Reading the service models takes longer than all else that these tests do, so they are read once."""

ENDPOINT = "http://127.0.0.1:9"


@pytest.fixture
def environ(monkeypatch, tmp_path):
    """What sets variables, after all that tell of AWS or of proxies are gone; None takes one away."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("locust_cw_dist.live.publish.cloudwatch.warm_loader", loader)

    def change(**variables):
        for name, value in variables.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    change(
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        AWS_REGION="eu-central-1",
        AWS_ENDPOINT_URL=ENDPOINT,
    )
    return change


@pytest.fixture
def profile(environ, tmp_path):
    """What makes a profile the source of credentials, from the text of a configuration file."""

    def use(text, name="perf"):
        path = tmp_path / "config"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        environ(AWS_CONFIG_FILE=str(path), AWS_PROFILE=name, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)

    return use
