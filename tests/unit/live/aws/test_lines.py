"""No line shows a secret, whatever it came from, and each is one line."""

from __future__ import annotations

import time

import pytest

from locust_cw_dist.live.aws.lines import LOOKED_AT_CHARS, MASKED, one_line, remember

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQD+example1234567890abcdefABCDEF=="


@pytest.mark.parametrize(
    "text",
    [
        f"Invalid header value b'{TOKEN}\\nmore'",
        f"Invalid header value b'AWS4-HMAC-SHA256 Credential=AKIA, Signature={SECRET}'",
        f"aws_secret_access_key = {SECRET}",
        f'{{"SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}',
        f"X-Amz-Security-Token: {TOKEN}",
        f"<SessionToken>{TOKEN}</SessionToken>",
        f"the key {SECRET} is wrong",
        "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl is expired",
        "X-Vault-Token: c2VjcmV0",
        "401 for Authorization Bearer c2VjcmV0",
        "usage: login --user me --client-secret c2VjcmV0",
        "api_key=c2VjcmV0",
        '{"accessToken": "c2VjcmV0"}',
    ],
)
def test_what_looks_like_a_secret_is_masked(text):
    line = one_line(text)
    assert not any(part in line for part in (SECRET, TOKEN, "c2VjcmV0"))
    assert "***" in line


def test_the_password_of_a_proxy_is_masked_and_its_host_is_not():
    assert one_line("can't reach http://me:s3cret@proxy:3128/") == "can't reach http://***@proxy:3128/"


def test_a_password_with_an_at_sign_is_masked_whole():
    assert one_line("can't reach http://me:s3c@ret@proxy:3128/ now") == "can't reach http://***@proxy:3128/ now"


def test_what_the_environment_and_the_credentials_hold_is_masked_in_any_form(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "odd one\nwith a break")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container")
    remember("from-a-file", None)
    text = "odd one\nwith a break, 'odd one\\nwith a break', container and from-a-file"
    assert one_line(text) == "***, '***', *** and ***"


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::123456789012:assumed-role/LoadTests/1234567890123456789 is not authorized to perform: x:y",
        'Could not connect to the endpoint URL: "https://monitoring.eu-central-1.amazonaws.com/"',
        "Unable to parse config file: /home/Alice/Projects/LoadTests2026/AndMoreFolders/AwsConfiguration1",
        "Error loading SSO Token: Token for https://x.awsapps.com/start does not exist",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text):
    assert one_line(text) == text


def test_it_is_one_line_that_can_be_printed():
    assert one_line("a\n b\x1b[31m\ud800") == r"a b\x1b[31m\ud800"
    assert len(one_line("x " * 10_000_000)) == 500


ODD = "an odd one, with blanks & more"


@pytest.mark.parametrize("cut_at", [1, 7, 20, 28, 39])
@pytest.mark.parametrize(
    "secret",
    [SECRET, TOKEN, ODD, "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl", "http://somebody:pa!sswo$rd-that-is-long@proxy"],
)
def test_a_secret_that_is_cut_in_two_where_looking_ends_is_masked(secret, cut_at):
    remember(ODD)
    # Blanks take no place on the line, so that its end is seen.
    line = one_line("failed: ".ljust(LOOKED_AT_CHARS - cut_at) + secret + " and more" * 1_000)
    assert line.startswith("failed: ")
    shown = line.removeprefix("failed: ").removeprefix("http://").replace(MASKED, "")
    assert len(shown) < 6, "no more than is left of one in front of the end"


SLOW = [
    "a-",
    "secret",
    "secret=",
    "access_key",
    "A+",
    "://a",
    "eyJ",
    "eyJaaaaaaaaaaa.",
    "signature   ",
    "authorization",
]


@pytest.mark.parametrize("part", SLOW)
def test_a_long_text_takes_a_millisecond_or_two(part):
    text = part * (100_000 // len(part))
    begun_s = time.process_time()
    for _ in range(20):
        one_line(text)
    # 0.2 s a text would hold the hub, and with it all users, as often as a stranger answers.
    assert time.process_time() - begun_s < 1.0
