"""Load-test results from distributed Locust into Amazon CloudWatch.

Importing this package starts nothing, registers nothing and imports neither Locust nor boto3; each name below is
loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust_cw_dist.adapter import CloudwatchAdapter
    from locust_cw_dist.errors import LocustCwError, SettingsError
    from locust_cw_dist.plugin import Plugin, install
    from locust_cw_dist.settings.settings import Settings

__version__ = "0.1.0"

__all__ = ["CloudwatchAdapter", "LocustCwError", "Plugin", "Settings", "SettingsError", "__version__", "install"]

_HOMES = {
    "CloudwatchAdapter": "adapter",
    "LocustCwError": "errors",
    "Plugin": "plugin",
    "Settings": "settings.settings",
    "SettingsError": "errors",
    "install": "plugin",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Name what is public, so that `help` and completion find it."""
    return sorted({*globals(), *__all__})
