"""CloudwatchAdapter: the call of locust-plugins' CloudWatch listener, with this plugin behind it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from locust import events

from locust_cw_dist.plugin import Plugin, install_with
from locust_cw_dist.settings import options

if TYPE_CHECKING:
    from locust.env import Environment

    from locust_cw_dist.client import CloudwatchClient


logger = logging.getLogger("locust_cw_dist")


class CloudwatchAdapter:
    """Drop-in for ``locust_plugins.listeners.cloudwatch.CloudwatchAdapter``.

    You only change the import: the namespace, and the metrics' names, units and dimensions stay the same. Create it in
    every process, as before. Only the master, or the single process, publishes to CloudWatch.

    A locustfile that imports it has the ``--cw-*`` options, too. In a script it reads the ``LOCUST_CW_*`` variables.
    Both override the arguments of the call.

    Attributes:
        plugin: The plugin that does the work.
    """

    def __init__(
        self,
        locust_env: Environment,
        service_name: str,
        environment: str = "perf",
        cloudwatch: CloudwatchClient | None = None,
    ) -> None:
        """Publish the results of `locust_env`.

        Args:
            locust_env: Locust's ``Environment``.
            service_name: The service under test.
            environment: Its environment; the namespace is ``{environment}/{service_name}/loadtests``.
            cloudwatch: Anything that has ``put_metric_data(Namespace=..., MetricData=...)``; boto3 makes a client by
                default. It is called in its own greenlet, so no user waits for it.

        Raises:
            SystemExit: With code 2 and one logged line, before any load, if CloudWatch would refuse the namespace of
                these names, or if an option or a variable is wrong.
        """
        defaults = {"service": service_name, "environment": environment}
        self.plugin: Plugin = install_with(locust_env, defaults, cloudwatch)
        settings = self.plugin.settings
        called = f"{environment}/{service_name}/loadtests"
        if settings is None or settings.resolved_namespace == called:
            return
        if settings.publishes:
            how = f"results go to {settings.resolved_namespace}, as set by options or LOCUST_CW_* variables"
        else:
            how = "nothing is published: 'locust-cw run' or locust_cw_dist.auto came first, so set --cw-service"
        logger.warning("locust-cw: %s, and not to %s, as CloudwatchAdapter was called", how, called)


events.init_command_line_parser.add_listener(options.add_arguments)
