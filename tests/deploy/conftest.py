"""What tests of the folder deploy/ share: an engine that runs containers, and the image in it, made once."""

from __future__ import annotations

import pytest

from support import needs
from support.deployment import containers


@pytest.fixture(scope="session")
def engine():
    containers.remove_leftovers()
    reason = containers.missing()
    if reason:
        needs.lack(reason)
    with containers.Engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def image(engine, tmp_path_factory):
    """The name of the image, which stands in `engine`; built without a network."""
    containers.make_base_image(engine)
    containers.build_image(engine, tmp_path_factory.mktemp("context") / "context")
    return containers.IMAGE
