"""Plugin: finds out what this process is (master, worker, single), joins the parts for it and ends them in order.

The end of the process is the hard part. On a master and in a single process it is an order of steps (`live/end.py`),
under a lock, because a SIGTERM makes two greenlets quit at once and the first to come through ends the process:

1. In Locust's `quitting` event, in a listener added at `init`, which Locust runs before its own: the last results are
   received (`_receive`).
2. After all listeners of `quitting`, whatever they raised: what there is, and what these have fired, is sent, summed up
   and judged, and the exit code is set (`_finish`).
3. After all listeners of `quit`, and at exit: the same again, if anything has fired since.
4. At exit everything stops. Where Locust has fired neither event, all of it happens there.
"""

from __future__ import annotations

import logging
import os
import sys
import weakref
from argparse import Namespace
from typing import TYPE_CHECKING, Any, NoReturn

import gevent
import gevent.lock
from locust.runners import MasterRunner, WorkerRunner

from locust_cw_dist.core.wire.messages import FRAME, HELLO, MASTER_MESSAGE, MasterMessage, is_id
from locust_cw_dist.errors import SettingsError
from locust_cw_dist.live.platform import at_exit, forks, locust_internals
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.settings.options import NO_DEFAULTS
from locust_cw_dist.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.env import Environment

    from locust_cw_dist.client import CloudwatchClient
    from locust_cw_dist.live.process import PublishingProcess
    from locust_cw_dist.live.worker.worker import Worker

logger = logging.getLogger("locust_cw_dist")

REFUSAL_S = 1.0
"""How long a master that refuses to run stays for workers that wait for it: ZeroMQ connects every 100 ms, and a worker
that Locust's reader has greeted and nobody has told to quit stays for a minute."""

CHILDREN_S = 10.0
"""How long it stays at most for workers that ``--processes`` forked: Locust 2.32 does not end those that nobody told to
quit, and on a busy machine it takes seconds until they connect."""

_plugins: weakref.WeakKeyDictionary[Environment, Plugin] = weakref.WeakKeyDictionary()
"""One plugin for each environment, so that `install` can be called twice."""

_options_read: weakref.WeakKeyDictionary[Environment, Namespace] = weakref.WeakKeyDictionary()
"""The options of each environment as they were, for an `install` after a `Plugin.close`."""


def install(
    environment: Environment, settings: Settings | None = None, *, client: CloudwatchClient | None = None
) -> Plugin:
    """Install the plugin for an environment. A second call returns the same plugin.

    Works in every role: a worker records and sends results, a master receives and publishes them, and a single process
    does both. In a script, call it after ``create_master_runner`` or ``create_worker_runner``, and `Plugin.close` at
    the end.

    Args:
        environment: Locust's ``Environment``.
        settings: What to publish. The default is the ``--cw-*`` options of ``environment.parsed_options``, or, if it
            has none of these, as in a script, the ``LOCUST_CW_*`` variables. An empty variable counts as not set.
            Ignored on a worker.
        client: A CloudWatch client to send with: anything that has
            ``put_metric_data(Namespace=..., MetricData=...)``. By default boto3 makes one. Ignored on a worker.

    Raises:
        SystemExit: With code 2 and one logged line, if options contradict each other, a variable is wrong, or
            ``required`` is set and there are no credentials or no Region.
    """
    return _install(environment, settings, client, NO_DEFAULTS)


def install_with(environment: Environment, defaults: Mapping[str, Any], client: CloudwatchClient | None) -> Plugin:
    """Install as `install` does without settings: by the options or variables, and `defaults` for what they leave out.

    Args:
        environment: Locust's.
        defaults: Values of fields of ``Settings``.
        client: As for `install`.

    Raises:
        SystemExit: As `install`; and with code 2 and one logged line where a default is wrong.
    """
    return _install(environment, None, client, defaults)


def _install(
    environment: Environment,
    settings: Settings | None,
    client: CloudwatchClient | None,
    defaults: Mapping[str, Any],
) -> Plugin:
    plugin = _plugins.get(environment)
    if plugin is None:
        plugin = _plugins[environment] = Plugin(environment, settings, client, defaults)
    else:
        plugin.use(settings, client, defaults)
    # gevent's timers count from when the hub last looked at the clock: before all was imported and boto3 had made a
    # client, a second or two ago. Locust's run time, which begins next, would be shorter by as much.
    gevent.get_hub().loop.update_now()
    return plugin


class Plugin:
    """The plugin in one process; made by `install`.

    Attributes:
        settings: What was chosen; None on a worker, which learns from the master what it must know.
        patience: How long the end of the process may take; private.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings | None,
        client: CloudwatchClient | None,
        defaults: Mapping[str, Any] = NO_DEFAULTS,
    ) -> None:
        """Serve `environment`; see `install` and `install_with`."""
        self.settings: Settings | None = None
        self.patience = Patience()
        self._environment = environment
        self._once = LogOnce()
        self._worker: Worker | None = None
        self._publishing: PublishingProcess | None = None
        # A SIGTERM makes two greenlets quit at once: the second one waits until the first is done.
        self._ending = gevent.lock.RLock()
        self._was_to_begin = self._has_received = self._ended = self._is_over = False
        self._listeners = Listeners(environment)
        forks.watch(self)
        self._begin(settings, client, defaults)

    @property
    def is_on(self) -> bool:
        """Whether this process records; private."""
        return self._worker is not None or self._publishing is not None

    def close(self, timeout_s: float | None = None) -> None:
        """Flush the last results and stop. Only scripts need this; Locust's own command does it for you.

        In a single process, call it when the users have stopped, because later requests are not recorded. On a master
        it makes the runner quit, because the workers' last results arrive only then. On a worker, call it after
        ``runner.quit()``. It removes the plugin from the environment, and `install` then makes a new one. In a process
        that was forked after `install` it does nothing.

        Args:
            timeout_s: Maximum time to flush the last results; ``flush_timeout_s`` of the settings by default.
        """
        try:
            if self._worker is not None:
                self._worker.close(timeout_s)
            self._end(timeout_s, quit_runner=False)
        finally:
            self._detach()

    def abandon(self) -> None:
        """Be inert, in a forked process: what is here is the parent's to publish."""
        self._is_over = True
        self._ending = gevent.lock.RLock()
        at_exit.unregister(self._on_exit)

    def _detach(self) -> None:
        self._listeners.close()
        if self._publishing is not None:
            self._publishing.exit_code.close()
        if _plugins.get(self._environment) is self:
            del _plugins[self._environment]

    def use(
        self, settings: Settings | None, client: CloudwatchClient | None, defaults: Mapping[str, Any] = NO_DEFAULTS
    ) -> None:
        """Publish by `settings` from now on if nothing is published yet; otherwise nothing changes."""
        if self._worker is not None or self._publishing is not None:
            return
        if defaults:
            settings, _ = self._read_options(defaults)
        if settings is not None and settings.collects:
            self._begin_publishing(settings, client)

    def _begin(self, settings: Settings | None, client: CloudwatchClient | None, defaults: Mapping[str, Any]) -> None:
        for mode in locust_internals.order_modes(self._environment):
            logger.warning("locust-cw: with this version of Locust %s", mode)
        runner = self._environment.runner
        if isinstance(runner, WorkerRunner):
            from locust_cw_dist.live.worker.worker import Worker

            self._worker = Worker(self._environment, self._once, self.patience)
            self._worker.attach()
            return
        if isinstance(runner, MasterRunner):
            self._listeners.add_message(HELLO, self._on_message)
            self._listeners.add_message(FRAME, self._on_message)
        how = ""
        if settings is None:
            settings, how = self._read_options(defaults)
        self.settings = settings
        if settings.collects:
            self._begin_publishing(settings, client)
        else:
            how = how or _how_to_publish("pass Settings with a service or a namespace", are_read=False)
            logger.info("locust-cw: publishing is off: no service and no namespace is set; %s", how)

    def _begin_publishing(self, settings: Settings, client: CloudwatchClient | None) -> None:
        from locust_cw_dist.live.process import PublishingProcess

        self.settings = settings
        self._publishing = PublishingProcess(self._environment, settings, client, self._once, self.patience)
        try:
            error = self._publishing.start()
        except SettingsError as e:
            self._refuse_to_run(str(e))
        # `sys.exit` in a listener of the user's skips those that come later.
        self._listeners.add_first("test_start", self._note_beginning)
        self._listeners.add("test_stopping", self._on_test_stopping)
        self._listeners.add("quitting", self._on_quitting)
        self._publishing.exit_code.attach(self._on_end)
        if not self._publishing.exit_code.link.can_be_last:
            self._listeners.add("quit", self._on_end)
        # Ways around both: --expect-workers-max-wait ends with sys.exit alone.
        at_exit.register(self._on_exit)
        if error is not None:
            what = "AWS's settings are wrong" if error.is_harmless else "nothing can be published"
            self._refuse_to_run(f"--cw-required is set and {what}: {error}")

    def _read_options(self, defaults: Mapping[str, Any]) -> tuple[Settings, str]:
        """Return the settings of the options, or of the variables where there are no options, and how to publish.

        How to publish is told with what was found. Options are read once for each environment, since they are taken
        away then.
        """
        from locust_cw_dist.settings.options import has_options, keep_from_workers, settings_from_options

        options = self._environment.parsed_options
        try:
            if self._environment not in _options_read and not has_options(options):
                return self._read_variables(defaults)
            as_given = _options_read.setdefault(self._environment, Namespace(**vars(options)))
            settings = settings_from_options(as_given, defaults)
        except SettingsError as e:
            self._refuse_to_run(str(e))
        keep_from_workers(options)
        return settings, _how_to_publish("set --cw-service or --cw-namespace", as_given)

    def _read_variables(self, defaults: Mapping[str, Any]) -> tuple[Settings, str]:
        from locust_cw_dist.settings.variables import settings_from_variables

        how = _how_to_publish("pass Settings to install, or set LOCUST_CW_SERVICE or LOCUST_CW_NAMESPACE")
        return settings_from_variables(os.environ, defaults), how

    def _refuse_to_run(self, reason: str) -> NoReturn:
        """End the process before any load, with the workers that wait for it already."""
        from locust_cw_dist.core.verdict.exit_codes import WRONG_OPTIONS

        logger.error("locust-cw: %s", reason)
        self._is_over = True
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            gevent.sleep(REFUSAL_S)
            self._wait_for_children(runner)
        if runner is not None:
            runner.quit()
        sys.exit(WRONG_OPTIONS)

    def _wait_for_children(self, master: MasterRunner) -> None:
        children = getattr(self._environment.parsed_options, "processes", None) or 0
        with gevent.Timeout(CHILDREN_S, exception=False):
            while len(master.clients) < children:
                gevent.sleep(0.1)

    def _on_message(self, environment: Any, msg: Any, **_: Any) -> None:
        """Take a worker's message; runs in the greenlet that reads them and must not yield before it is done."""
        if self._publishing is not None:
            self._publishing.on_message(msg)
        elif msg.type == HELLO and is_id(msg.node_id):
            environment.runner.send_message(
                MASTER_MESSAGE, MasterMessage(0.0, "-", 1, recording=False).pack(), msg.node_id
            )

    def _note_beginning(self, **_: Any) -> None:
        self._was_to_begin = True

    def _on_test_stopping(self, **_: Any) -> None:
        """Note that the process ends with its shape, where Locust's main greenlet could not take an interrupt."""
        is_headless = getattr(self._environment.parsed_options, "headless", False)
        if is_headless and self._environment.shape_class is not None:
            self.patience.begin()

    def _on_quitting(self, **_: Any) -> None:
        """Receive: here and not after all listeners, so that those which come later see Locust's totals whole."""
        self.patience.own_code()
        try:
            self._receive(None, quit_runner=True)
        except KeyboardInterrupt:
            self._is_over = True
            raise
        except Exception:
            self._once.error("receive", "locust-cw: could not receive the last results")
        if self._publishing is not None and not self._publishing.exit_code.link.can_be_last:
            self._on_end()

    def _on_end(self, **_: Any) -> None:
        """Send and say what there is; called after all listeners of `quitting`, and again after those of `quit`."""
        try:
            self._receive(None, quit_runner=True)
            self._finish(None)
        except KeyboardInterrupt:
            # The third ctrl-C: everything ends at once.
            self._is_over = True
            raise
        except Exception:
            self._once.error("end", "locust-cw: could not publish the last results")

    def _on_exit(self) -> None:
        """Come to the end of everything: of what Locust's events have left, or of all if it has fired none."""
        self.patience.begin()
        self.patience.own_code()
        publishing = self._publishing
        if publishing is None or self._is_over:
            return
        self._on_end()
        # A master whose workers never came ends with a code of Locust's own, and no library ends the user's process.
        forces = self._was_to_begin and self._environment.parsed_options is not None
        self._close_publishing(forces=forces)
        if forces:
            publishing.exit_code.force()

    def _receive(self, timeout_s: float | None, *, quit_runner: bool) -> None:
        with self._ending:
            if self._is_over or self._has_received or self._publishing is None:
                return
            self._has_received = True
            self.patience.begin()
            self._publishing.end.receive(timeout_s, quit_runner=quit_runner)

    def _finish(self, timeout_s: float | None) -> None:
        """Send what is left, once, whoever comes first; and later on what came after that."""
        with self._ending:
            if self._is_over or self._publishing is None:
                return
            if self._ended:
                self._publishing.end.amend()
            else:
                self._ended = True
                self._publishing.end.finish(timeout_s)
            self._publishing.exit_code.apply_early()

    def _close_publishing(self, *, forces: bool | None) -> None:
        with self._ending:
            if not self._is_over and self._publishing is not None:
                self._is_over = True
                self._publishing.end.close()
                # Here and not in `quit`: Locust has printed its tables, and nothing comes after it.
                self._publishing.end_block.show_end(forces=forces)

    def _end(self, timeout_s: float | None, *, quit_runner: bool) -> None:
        """Bring everything out, and stop."""
        self._receive(timeout_s, quit_runner=quit_runner)
        self._finish(timeout_s)
        self._close_publishing(forces=None)
        at_exit.unregister(self._on_exit)
        if self._publishing is not None and self._publishing.exit_code.cut is not None:
            raise self._publishing.exit_code.cut


def _how_to_publish(how: str, options: Namespace | None = None, *, are_read: bool = True) -> str:
    """Return what to do, and what was found instead."""
    from locust_cw_dist.settings.variables import describe_found

    return f"{how} (found {describe_found(os.environ, options, are_read=are_read)})"
