"""CloudwatchAdapter: the call of locust-plugins' CloudWatch listener, with this plugin behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust_cw_dist.plugin import Plugin, install
from locust_cw_dist.settings.settings import Settings

if TYPE_CHECKING:
    from locust.env import Environment

    from locust_cw_dist.client import CloudwatchClient


class CloudwatchAdapter:
    """Drop-in for ``locust_plugins.listeners.cloudwatch.CloudwatchAdapter``.

    Change the import and nothing else: the namespace, the metrics' names, units and dimensions stay. Create it in every
    process, as before; only the master, or the single process, writes to CloudWatch.

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
            service_name: What is under test.
            environment: Where it runs; the namespace is ``{environment}/{service_name}/loadtests``.
            cloudwatch: Anything that has ``put_metric_data(Namespace=..., MetricData=...)``; boto3 makes a client by
                default. It is called in a greenlet of its own, where a user never waits for it.

        Raises:
            SettingsError: If the names make no namespace that CloudWatch takes.
        """
        settings = Settings(service=service_name, environment=environment)
        self.plugin: Plugin = install(locust_env, settings, client=cloudwatch)
