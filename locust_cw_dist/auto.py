"""``import locust_cw_dist.auto`` in a locustfile adds the ``--cw-*`` options and installs the plugin.

Only this module and `adapter`, which adds the options alone, register anything when they are imported. Python imports
them once, so two locustfiles that both import one register it once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Locust first: it patches the standard library for gevent, and what is imported after it is patched.
from locust import events
from locust.runners import STATE_INIT

from locust_cw_dist import early_signals
from locust_cw_dist.live.platform import at_exit
from locust_cw_dist.settings import options

if TYPE_CHECKING:
    from locust.env import Environment


def _install(environment: Environment, **_: Any) -> None:
    # Late, so that what needs only the options (--help, a wrong value) does not load the plugin.
    from locust_cw_dist import install
    from locust_cw_dist.live.platform.signals import Signals

    plugin = install(environment)
    if not plugin.is_on:
        return
    runner = environment.runner
    Signals(
        plugin.patience,
        is_testing=lambda: runner is not None and runner.state != STATE_INIT,
        early=early_signals.end_or_pass_on,
    ).install()


at_exit.take_place()
events.init_command_line_parser.add_listener(options.add_arguments)
events.init.add_listener(_install)
