"""Whatever is wrong with AWS's variables and files costs one line with what to do, at the start."""

from __future__ import annotations

import logging
import time

import pytest

from locust_cw_dist.core.publish.datums import Datum
from locust_cw_dist.core.publish.retry import Failure
from locust_cw_dist.core.publish.send_error import SendError
from locust_cw_dist.live.aws.call import begin
from locust_cw_dist.live.aws.session import warm_loader
from locust_cw_dist.live.publish.cloudwatch import Cloudwatch
from locust_cw_dist.settings.settings import Settings

ROLE = "role_arn = arn:aws:iam::123456789012:role/x"
SSO = "sso_account_id = 123456789012\nsso_role_name = r"

NUMBERS = '{"Version": 1, "AccessKeyId": 1, "SecretAccessKey": 2, "SessionToken": 3}'
NO_SECRET = '{"Version": 1, "AccessKeyId": "x", "SecretAccessKey": null}'

FINAL = [
    ({"AWS_CA_BUNDLE": ""}, "AWS_CA_BUNDLE"),
    ({"AWS_CA_BUNDLE": "/nowhere.pem", "AWS_ENDPOINT_URL": None}, "CA bundle /nowhere.pem .*AWS_CA_BUNDLE"),
    ({"REQUESTS_CA_BUNDLE": "/nowhere.pem", "AWS_ENDPOINT_URL": None}, "CA bundle /nowhere.pem"),
    ({"AWS_REGION": "not a region"}, "not a region.*AWS_REGION"),
    ({"AWS_REGION": "nowhere", "AWS_ENDPOINT_URL": None}, "can't be a Region nowhere.*AWS_REGION"),
    ({"AWS_REGION": "eu-central-1a", "AWS_ENDPOINT_URL": None}, "can't be a Region eu-central-1a"),
    ({"AWS_ENDPOINT_URL": "monitoring.example:443"}, "Invalid endpoint.*correct AWS_ENDPOINT_URL"),
    ({"AWS_ENDPOINT_URL": "https://"}, "correct AWS_ENDPOINT_URL"),
    ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9\n"}, "correct AWS_ENDPOINT_URL"),
    ({"AWS_ENDPOINT_URL": "http://[::1"}, "AWS_"),
    ({"AWS_ENDPOINT_URL": "http://x:99999"}, "AWS_ENDPOINT_URL"),
    ({"AWS_ENDPOINT_URL_CLOUDWATCH": "junk"}, "AWS_ENDPOINT_URL_CLOUDWATCH"),
    ({"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": "::::"}, "proxy of the environment is not a URL.*HTTPS_PROXY"),
    ({"HTTP_PROXY": "http://user:pa ss@pro xy:abc"}, "proxy of the environment is not a URL"),
    ({"HTTP_PROXY": "http://proxy:99999"}, "proxy of the environment is not a URL"),
    ({"HTTP_PROXY": "ftp://proxy"}, "proxy of the environment is not a URL"),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "never"}, "correct AWS_STS_REGIONAL_ENDPOINTS"),
    ({"AWS_DEFAULTS_MODE": "nonsense"}, "correct AWS_DEFAULTS_MODE"),
    ({"AWS_METADATA_SERVICE_TIMEOUT": "abc"}, "correct AWS_METADATA_SERVICE_TIMEOUT"),
    ({"AWS_REQUEST_CHECKSUM_CALCULATION": "bad"}, "correct AWS_REQUEST_CHECKSUM_CALCULATION"),
    ({"AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "abc"}, "correct AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES"),
    ({"AWS_ACCOUNT_ID_ENDPOINT_MODE": "bad"}, "correct AWS_ACCOUNT_ID_ENDPOINT_MODE"),
]
"""What a process keeps from its start: no call can leave, so none is tried."""

HARMLESS = [
    ({"AWS_MAX_ATTEMPTS": "abc"}, "correct AWS_MAX_ATTEMPTS"),
    ({"AWS_MAX_ATTEMPTS": ""}, "correct AWS_MAX_ATTEMPTS"),
    ({"AWS_MAX_ATTEMPTS": "0"}, "correct AWS_MAX_ATTEMPTS"),
    ({"AWS_RETRY_MODE": "sometimes"}, "AWS_RETRY_MODE"),
    ({"AWS_RETRY_MODE": ""}, "AWS_RETRY_MODE"),
    ({"AWS_REGION": "nowhere"}, "can't be a Region nowhere"),
]
"""What calls of ours do without."""

CREDENTIALS = [
    ({"AWS_PROFILE": "nosuch"}, r"\(nosuch\).*correct AWS_PROFILE"),
    ({"AWS_DEFAULT_PROFILE": "nosuch"}, r"\(nosuch\).*correct AWS_PROFILE"),
    ({"AWS_SECRET_ACCESS_KEY": None}, "missing: AWS_SECRET_ACCESS_KEY: set both halves"),
    ({"AWS_SESSION_TOKEN": "s3same\ns3cret"}, "session token .* line break"),
    ({"AWS_SECRET_ACCESS_KEY": "s3cret\n"}, "secret key .* line break"),
    ({"AWS_ACCESS_KEY_ID": "AKIA\xe9"}, "access key id"),
]

PROFILES = [
    ("no header\n", "Unable to parse config file.*correct that file"),
    (b"[profile perf]\nregion = \xff\xfe\n", "Unable to parse config file"),
    (f"[profile perf]\n{ROLE}\nsource_profile = gone\n", '"gone".*AWS profile'),
    (f"[profile perf]\n{ROLE}\n", "missing: source_profile"),
    (f"[profile perf]\n{ROLE}\ncredential_source = Nowhere\n", '"Nowhere"'),
    (f"[profile perf]\n{ROLE}\nsource_profile=b\n[profile b]\n{ROLE}\nsource_profile=perf\n", "Infinite loop"),
    ("[profile perf]\ncredential_process = /bin/false\n", "custom-process.*check the program"),
    ("[profile perf]\ncredential_process = /no/such/program\n", "/no/such/program"),
    ("[profile perf]\ncredential_process = echo nojson\n", "JSONDecodeError"),
    (f"[profile perf]\ncredential_process = echo '{NUMBERS}'\n", "access key id of the AWS credentials is not text"),
    (f"[profile perf]\ncredential_process = echo '{NO_SECRET}'\n", "secret key of the AWS credentials is not text"),
    ('[profile perf]\ncredential_process = "unbalanced\n', "No closing quotation"),
    (f"[profile perf]\nsso_start_url = https://x\nsso_region = eu-central-1\n{SSO}\n", "SSO: not logged in.*sso login"),
    (
        f"[profile perf]\nsso_session = s\n{SSO}\n[sso-session s]\nsso_start_url=https://x\nsso_region=eu-central-1\n",
        "SSO: not logged in.*sso login",
    ),
    (f"[profile perf]\nsso_session = nosuch\n{SSO}\n", "sso-session does not exist"),
]


def problem(sink, says):
    """What the check at the start raises."""
    sink.warm_up()
    with pytest.raises(SendError, match=says) as caught:
        sink.check()
    assert "\n" not in str(caught.value)
    return caught.value


def send(sink):
    sink.send("x", [Datum("m", (), int(time.time()), "Count", 1, 1.0)])


@pytest.mark.parametrize(("variables", "says"), FINAL, ids=str)
def test_settings_that_no_call_can_leave_with_are_found_at_the_start_and_never_tried(environ, variables, says):
    environ(**variables)
    sink = Cloudwatch(Settings(service="x"))
    error = problem(sink, says)
    assert (error.failure, error.is_final) == (Failure.UNREACHABLE, True)
    call = begin()
    with pytest.raises(SendError, match=says) as caught:
        send(sink)
    assert caught.value.is_final
    assert not call.may_have_left


@pytest.mark.parametrize(("variables", "says"), HARMLESS, ids=str)
def test_settings_that_are_not_used_are_named_and_keep_nothing_from_being_sent(environ, variables, says):
    environ(**variables)
    sink = Cloudwatch(Settings(service="x"))
    error = problem(sink, says)
    assert error.is_harmless
    with pytest.raises(SendError, match=r"Could not connect to the endpoint URL: .http://127\.0\.0\.1:9"):
        send(sink)


def assert_credentials(says):
    sink = Cloudwatch(Settings(service="x"))
    error = problem(sink, says)
    assert (error.failure, error.is_final) == (Failure.CREDENTIALS, False), "a file can be corrected meanwhile"
    assert "s3same" not in str(error)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(("variables", "says"), CREDENTIALS, ids=str)
def test_credentials_are_named_as_such(environ, variables, says):
    environ(**variables)
    assert_credentials(says)


@pytest.mark.parametrize(("text", "says"), PROFILES, ids=str)
def test_a_profile_that_gives_none_is_named(profile, text, says, caplog):
    profile(text)
    assert_credentials(says)
    assert [record for record in caplog.records if record.exc_info] == [], "no traceback of botocore's"


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_ENDPOINT_URL_STS", "sts.example"), ("AWS_ENDPOINT_URL_STS", "x y")]
)
def test_a_setting_that_only_credentials_need_is_named_too(environ, variable, value):
    environ(**{variable: value})
    sink = Cloudwatch(Settings(service="x", role_arn="arn:aws:iam::123456789012:role/x"))
    assert problem(sink, f"Invalid endpoint: {value}: correct {variable}").failure is Failure.CREDENTIALS


def test_a_broken_file_of_credentials_shows_nothing_of_what_it_holds(environ, tmp_path, caplog):
    (tmp_path / "credentials").write_text("aws_secret_access_key = s3cret\n")
    environ(AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"))
    assert_credentials("Unable to parse config file")
    assert "s3cret" not in caplog.text


def test_what_botocore_warns_of_elsewhere_is_left_alone(environ, caplog):
    environ(AWS_PROFILE="nosuch")
    problem(Cloudwatch(Settings(service="x")), "nosuch")
    error = RuntimeError("a user's own")
    warn = logging.getLogger("botocore.credentials").warning
    warn("Refreshing failed during %s refresh period.", "mandatory", exc_info=error)
    assert "a user's own" in caplog.text


def test_reading_the_service_models_needs_no_right_setting(environ):
    environ(AWS_PROFILE="nosuch", AWS_ENDPOINT_URL="junk", AWS_MAX_ATTEMPTS="abc", AWS_CA_BUNDLE="")
    assert warm_loader("sts") is not None
