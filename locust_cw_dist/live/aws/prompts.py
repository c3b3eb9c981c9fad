"""Prompts: nothing that fetches credentials asks on a terminal while a load test runs.

A question holds the hub until somebody has typed an answer, and users start after that. botocore asks for the code of
an MFA device; a `credential_process` may ask whatever it likes. Both are known before any load, so what to do is said
at the start. Commands for people may ask.

What is replaced here is botocore's own and not documented; where a version lacks it, it asks as before.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import Any


class PromptError(Exception):
    """Somebody would have to type something."""


class QuietProcess(subprocess.Popen):  # type: ignore[type-arg]  # as botocore calls it
    """A `credential_process` without a terminal, which ends when nobody waits for it any more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "stdin": subprocess.DEVNULL, "start_new_session": True})

    def communicate(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for it; see `subprocess.Popen`."""
        try:
            return super().communicate(*args, **kwargs)
        except BaseException:
            # Its children too: a shell's child would keep the pipes open. All of them may have ended by now.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, 9)
            raise


def _refuse(_prompt: str) -> str:
    raise PromptError("the AWS profile needs an MFA code, and nothing can ask for one during a load test")


def never_ask(session: Any) -> None:
    """Have a botocore session fail with `PromptError` where it would ask."""
    from botocore.credentials import ProcessProvider, ProfileProviderBuilder

    class QuietProviders(ProfileProviderBuilder):  # type: ignore[misc]  # botocore has no types
        """Those of a profile that a role is assumed from."""

        def _create_process_provider(self, profile_name: str) -> Any:
            return ProcessProvider(profile_name, lambda: session.full_config, popen=QuietProcess)

    for provider in session.get_component("credential_provider").providers:
        if hasattr(provider, "_prompter"):
            provider._prompter = _refuse  # noqa: SLF001 - see above
            builder = provider._profile_provider_builder  # noqa: SLF001
            if builder is not None:
                provider._profile_provider_builder = QuietProviders(  # noqa: SLF001
                    session,
                    cache=builder._cache,  # noqa: SLF001
                    region_name=builder._region_name,  # noqa: SLF001
                )
        if hasattr(provider, "_popen"):
            provider._popen = QuietProcess  # noqa: SLF001
