"""Load-test results from distributed Locust into Amazon CloudWatch.

Importing this package starts nothing, registers nothing and imports neither Locust nor boto3; each name below is
loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust_cw_dist.adapter import CloudwatchAdapter
    from locust_cw_dist.client import CloudwatchClient
    from locust_cw_dist.errors import LocustCwError, SettingsError
    from locust_cw_dist.plugin import Plugin, install
    from locust_cw_dist.settings.settings import Settings

    __all__ = [
        "CloudwatchAdapter",
        "CloudwatchClient",
        "LocustCwError",
        "Plugin",
        "Settings",
        "SettingsError",
        "__version__",
        "install",
    ]

__version__ = "0.2.0"

_HOMES = {
    "CloudwatchAdapter": "adapter",
    "CloudwatchClient": "client",
    "LocustCwError": "errors",
    "Plugin": "plugin",
    "Settings": "settings.settings",
    "SettingsError": "errors",
    "install": "plugin",
}

if not TYPE_CHECKING:  # a type checker would take every name for one of this package

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used; all of them when somebody asks for `__all__`.

        Whoever asks for that is about to use them, as `import *`; pdoc then looks no further than the module's dict.
        """
        if name == "__all__":
            return sorted([*map(_load, _HOMES), "__version__"])
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[_load(name)]


def _load(name: str) -> str:
    """Put a public name into this module, and return it."""
    globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return name


def __dir__() -> list[str]:
    """Name what is public, so that `help` and completion find it."""
    return sorted({*globals(), *_HOMES})
