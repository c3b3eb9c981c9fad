"""All checks in order, each with a deadline; what depends on one that failed is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import gevent

from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.call import Stage, ours
from locust_cw_dist.live.aws.errors import explain
from locust_cw_dist.tools.doctor import account, endpoint, permission, record, software
from locust_cw_dist.tools.doctor.result import Result, Status, failed, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust_cw_dist.core.records.location import S3Location
    from locust_cw_dist.settings.settings import Settings

T = TypeVar("T")

DEFAULT_TIMEOUT_S = 10.0
_STUCK = "check the network, the name service and, for credentials, the program or service that gives them"


class Examination:
    """The checks of one set of settings.

    Args:
        settings: what a master would publish with.
        environment: the process's environment variables.
        timeout_s: how long each check may take.
        send: whether to send a datum.
        tell: takes a line that has to be said before the next check.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        send: bool = False,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._timeout_s = timeout_s
        self._send = send
        self._tell = tell

    def results(self) -> Iterator[Result]:
        """The results, each as soon as it is there."""
        yield software.check_versions()
        # Locust waits for a worker's connection for seconds, and starts slowly on a busy machine.
        yield software.check_interfaces(max(20.0, self._timeout_s))
        yield from self.aws_results()

    def aws_results(self) -> Iterator[Result]:
        """Those that have to do with AWS."""
        settings = self._settings
        yield permission.check_namespace(settings)
        region = self._within("region", lambda: account.check_region(settings), stage=Stage.SETTINGS)
        yield region
        missing = "a Region" if region.status is Status.FAILED else ""
        if not missing and (wrong := self._wrong_settings()):
            yield wrong
            missing = "right settings" if wrong.status is Status.FAILED else ""
        credentials = self._within("credentials", lambda: account.check_credentials(settings), stage=Stage.CREDENTIALS)
        yield credentials
        yield from self._network(missing)
        lacks_credentials = credentials.status is Status.FAILED
        yield from self._caller(missing or ("credentials" if lacks_credentials else ""))
        if place := record.place_of(settings):
            yield self._record(place, lacks_credentials=lacks_credentials)

    def _wrong_settings(self) -> Result | None:
        """What is wrong with AWS's settings beside the Region, if anything is."""
        settings = self._settings
        result = self._within("settings", lambda: account.check_settings(settings), stage=Stage.SETTINGS)
        return result if isinstance(result, Result) else None

    def _network(self, missing: str) -> Iterator[Result]:
        settings = self._settings
        if missing:
            yield from (skipped(name, f"needs {missing}") for name in ("proxy", "endpoint", "clock"))
            return
        yield self._within("proxy", lambda: endpoint.check_proxy(settings, self._environment))
        answer = self._within("endpoint", lambda: endpoint.contact(settings))
        if isinstance(answer, Result):
            yield answer
            yield skipped("clock", "needs an answer of the endpoint")
        else:
            yield self._within("endpoint", lambda: endpoint.check_endpoint(answer))
            yield endpoint.check_clock(answer)

    def _caller(self, missing: str) -> Iterator[Result]:
        settings = self._settings
        if missing:
            yield from (skipped(name, f"needs {missing}") for name in ("role", "identity", "permission"))
            return
        role = self._within("role", lambda: account.check_role(settings))
        yield role
        if role.status is Status.FAILED:
            yield from (skipped(name, "needs the role") for name in ("identity", "permission"))
            return
        # A VPC may have an endpoint for CloudWatch and none for STS: that is enough to publish.
        yield self._within("identity", lambda: account.check_identity(settings), late=warning)
        if not self._send:
            yield permission.not_asked_for()
            return
        if line := permission.notice(settings):
            self._tell(line)
        yield self._within("permission", lambda: permission.check_permission(settings))

    def _record(self, place: S3Location, *, lacks_credentials: bool) -> Result:
        if lacks_credentials:
            return skipped("record", "needs credentials")
        region = account.region_of(self._settings)
        return self._within("record", lambda: record.check_record(self._settings, place, region, send=self._send))

    def _within(
        self,
        name: str,
        work: Callable[[], T],
        late: Callable[[str, str, str], Result] = failed,
        stage: Stage = Stage.UNKNOWN,
    ) -> T | Result:
        """What the work returns, or the result of its failure.

        Args:
            name: of the check.
            work: what to do.
            late: makes the result of a deadline that is missed.
            stage: see `explain`.
        """
        try:
            with gevent.Timeout(self._timeout_s), ours():
                return work()
        except gevent.Timeout:
            return late(name, f"no result within {self._timeout_s:g} s", _STUCK)
        except SendError as error:
            make = warning if error.is_harmless and not self._settings.required else failed
            return make(name, str(error), "")
        except Exception as error:
            explained = explain(error, stage)
            return failed(name, explained.found, explained.advice)
