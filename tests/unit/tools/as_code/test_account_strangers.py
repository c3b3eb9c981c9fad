"""What answers in place of CloudWatch has changed nothing in the user's account."""

from __future__ import annotations

import pytest

from locust_cw_dist.errors import LocustCwError
from locust_cw_dist.settings.settings import Settings
from locust_cw_dist.tools.as_code.account import Account
from locust_cw_dist.tools.as_code.changes import Change, Kind
from support.publishing.strange_http import HTML, http, strange_server


@pytest.fixture
def aws(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def test_a_page_has_applied_nothing_and_lists_nothing(aws):
    done = []
    with strange_server(http(200, HTML, Content_Type="text/html")) as server:
        account = Account(Settings(endpoint_url=server.url))
        alarm = Change(Kind.CREATE, "a", request={"AlarmName": "a"})
        board = Change(Kind.CREATE, "a", request={})
        for call in (
            lambda: account.apply_to_alarms([alarm], done.append),
            lambda: account.apply_to_dashboards([board], done.append),
            lambda: account.apply_to_alarms([Change(Kind.DELETE, "a")], done.append),
            lambda: account.alarms("a"),
            lambda: account.dashboard("a"),
            lambda: account.endpoints(Settings(service="x"), None),
        ):
            with pytest.raises(LocustCwError, match="something other than CloudWatch answers there: HTTP 200"):
                call()
    assert done == []


def test_a_wrong_profile_is_one_line(aws, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(LocustCwError, match=r"\(nosuch\) could not be found; correct AWS_PROFILE"):
        Account(Settings())


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"AWS_CA_BUNDLE": "/nowhere.pem"}, r"CA bundle /nowhere\.pem .*correct AWS_CA_BUNDLE"),
        ({"HTTPS_PROXY": "::::"}, "proxy of the environment is not a URL: correct HTTPS_PROXY"),
        ({"AWS_ENDPOINT_URL_CLOUDWATCH": "junk"}, "Invalid endpoint: junk; correct AWS_ENDPOINT_URL_CLOUDWATCH"),
        ({"AWS_PROFILE": "nosuch"}, r"\(nosuch\) could not be found; correct AWS_PROFILE"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_before_anything_is_asked(aws, monkeypatch, variables, says):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LocustCwError, match=says) as caught:
        Account(Settings())
    assert "\n" not in str(caught.value)
