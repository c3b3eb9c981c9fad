"""Region, credentials, role and identity: on whose behalf results would be published, and where."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from locust_cw_dist.live.aws.errors import NO_CREDENTIALS, NO_REGION, explain, is_denied
from locust_cw_dist.live.aws.session import fetch_credentials
from locust_cw_dist.live.aws.settings_check import check_unused, check_way
from locust_cw_dist.tools.doctor.endpoint import is_on_this_machine, quick_config
from locust_cw_dist.tools.doctor.publishing import make_client, make_session, source_session
from locust_cw_dist.tools.doctor.result import Result, failed, ok, skipped, warning

if TYPE_CHECKING:
    from locust_cw_dist.settings.settings import Settings


def check_region(settings: Settings) -> Result:
    """Whether there is a Region, and one that botocore knows."""
    import botocore
    from botocore.exceptions import UnknownRegionError

    session = source_session(settings)
    region = session.region_name
    if not region:
        return failed("region", NO_REGION.found, NO_REGION.advice)
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        return warning("region", f"{region} has the form of no Region", "correct it, such as eu-central-1")
    if region not in session.get_available_regions("cloudwatch", partition_name=partition):
        advice = f"correct it if it is a typo; a Region newer than botocore {botocore.__version__} works all the same"
        return warning("region", f"{region} (partition {partition}) is not among the Regions of CloudWatch", advice)
    return ok("region", f"{region} (partition {partition}) from {_source_of_region(settings, region)}")


def _source_of_region(settings: Settings, region: str) -> str:
    if settings.region:
        return "--cw-region"
    names = [name for name in ("AWS_DEFAULT_REGION", "AWS_REGION") if os.environ.get(name) == region]
    return names[0] if names else "the AWS profile"


def check_settings(settings: Settings) -> None:
    """Find out what else of AWS's settings is wrong, as the publisher does when it starts.

    Raises:
        Exception: Something is.
    """
    session = source_session(settings)
    check_way(make_client(session, settings), session.region_name)
    check_unused(session.region_name)


def region_of(settings: Settings) -> str | None:
    """The Region that would be used, if there is one."""
    region: str | None = source_session(settings).region_name
    return region


def check_credentials(settings: Settings) -> Result:
    """Whether boto3 finds credentials, and where."""
    session = source_session(settings)
    credentials = session.get_credentials()
    if credentials is None:
        return failed("credentials", NO_CREDENTIALS.found, NO_CREDENTIALS.advice)
    fetch_credentials(session)
    frozen = credentials.get_frozen_credentials()
    kind = "temporary, with a session token" if frozen.token else "long-lived: a role would be safer"
    return ok("credentials", f"access key ...{frozen.access_key[-4:]} from {credentials.method} ({kind})")


def check_role(settings: Settings) -> Result:
    """Whether the role of --cw-role-arn can be assumed."""
    if settings.role_arn is None:
        return skipped("role", "no --cw-role-arn: nothing to assume")
    try:
        make_session(settings).get_credentials().get_frozen_credentials()
    except Exception as error:
        explained = explain(error)
        advice = explained.advice
        if is_denied(error):
            advice = (
                "name the caller in the trust policy of the role and allow it sts:AssumeRole; if that policy asks for "
                "an external id, give it with --cw-external-id"
            )
        return failed("role", explained.found, advice)
    external_id = " with the external id" if settings.external_id else ""
    return ok("role", f"{settings.role_arn} can be assumed{external_id}")


def check_identity(settings: Settings) -> Result:
    """Who would publish, as AWS sees it. The call needs no permission."""
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError

    session = make_session(settings)
    sts = session.client("sts", config=quick_config(), region_name=session.region_name)
    if is_on_this_machine(make_client(session, settings)) and not is_on_this_machine(sts):
        return skipped(
            "identity",
            "not asked: CloudWatch's endpoint is on this machine, and AWS's STS would not know its credentials",
            "to ask the local CloudWatch, set AWS_ENDPOINT_URL_STS to its address, too",
        )
    try:
        caller: Any = sts.get_caller_identity()
    except (BotoConnectionError, HTTPClientError) as error:
        advice = (
            "publishing needs no STS, if the credentials came without it; to see who calls, let this machine reach it"
        )
        return warning("identity", explain(error).found, advice)
    return ok("identity", f"{caller['Arn']} (account {caller['Account']})")
