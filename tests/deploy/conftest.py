from __future__ import annotations

import pytest

from support import manifests


@pytest.fixture(params=manifests.RENDERINGS)
def objects(request):
    """What Helm and kustomize make, one after another."""
    return manifests.rendering(request.param)
