"""Ids of all forms become one reason, and words, names and codes stay as they are: measured on made-up ids."""

from __future__ import annotations

import base64
import builtins
import errno
import random
import re
import string
import uuid
from collections import Counter
from http import HTTPStatus
from pydoc_data.topics import topics

import pytest

from locust_cw_dist.core.redaction.random_ids import plausibility
from locust_cw_dist.core.redaction.redaction import redact

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALPHANUMERIC = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits


def made_of(alphabet, length, before=""):
    return lambda chance: before + "".join(chance.choices(alphabet, k=length))


def base64_of(length, encode=base64.b64encode, pad="="):
    return lambda chance: encode(chance.randbytes(length)).decode().rstrip("=" if not pad else "")


def url_safe(length):
    return base64_of(length, base64.urlsafe_b64encode, "")


def signed(chance):
    return ".".join(url_safe(length)(chance) for length in (20, 30, 32))


IDS = {
    "base64, 16 bytes": base64_of(16),
    "base64, 32 bytes": base64_of(32),
    "base64, 64 bytes": base64_of(64, pad=""),
    "base64url, 16 bytes": url_safe(16),
    "base64url, 32 bytes": url_safe(32),
    "base64url, 64 bytes": url_safe(64),
    "nanoid": made_of(ALPHANUMERIC + "_-", 21),
    "nanoid, short": made_of(ALPHANUMERIC + "_-", 12),
    "nanoid, lower case": made_of(LOWER, 12),
    "ulid": made_of(CROCKFORD, 24, "01"),
    "ksuid": made_of(ALPHANUMERIC, 26, "2"),
    "cuid": made_of(LOWER, 24, "c"),
    "xid": made_of("0123456789abcdefghijklmnopqrstuv", 20),
    "base58": made_of("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 22),
    "base62, short": made_of(ALPHANUMERIC, 12),
    "like a JWT": signed,
    "of a shop": made_of(ALPHANUMERIC, 14, "cus_"),
    "of AWS": made_of(string.digits + string.ascii_uppercase, 52),
    "uuid": lambda chance: str(uuid.UUID(bytes=chance.randbytes(16))),
    "uuid without dashes": lambda chance: chance.randbytes(16).hex(),
    "uuid with underscores": lambda chance: str(uuid.UUID(bytes=chance.randbytes(16))).replace("-", "_"),
    "sha256": lambda chance: chance.randbytes(32).hex(),
    "hardware address": lambda chance: chance.randbytes(6).hex(":"),
    "hardware address of a router": lambda chance: chance.randbytes(6).hex(".", 2),
    "bytes": lambda chance: repr(chance.randbytes(8) + b"\xff"),
    "escaped": lambda chance: "".join(f"%{byte:02X}" for byte in chance.randbytes(8)),
}
FORMS = ("cart {} is gone", "id={}", "/orders/{}/items: no gold", "no {}.")
SHARES = {"nanoid, short": 0.9, "base64, 64 bytes": 0.92}
"""Of short ones a few look like words. A `/` at the beginning may be one of a path."""


@pytest.mark.parametrize("kind", IDS)
def test_failures_that_differ_in_an_id_alone_have_one_reason(kind):
    chance = random.Random(17)
    ids = [IDS[kind](chance) for _ in range(400)]
    for form in FORMS:
        if kind.startswith("base64,") and "/orders" in form:
            # Slashes of the id and of the path can't be told apart.
            continue
        ((_, most),) = Counter(redact(form.format(one)) for one in ids).most_common(1)
        assert most >= SHARES.get(kind, 0.95) * len(ids), form


def test_english_words_stay_as_they_are():
    words = set(re.findall(r"[A-Za-z]{3,}", " ".join(topics.values())))
    assert len(words) > 3_000
    assert [word for word in words if redact(word) != word] == []


def test_names_and_codes_stay_as_they_are():
    names = [*dir(builtins), *(code for code in errno.errorcode.values() if not re.search("[0-9]", code))]
    names += [status.phrase for status in HTTPStatus]
    names += [
        "java.lang.NullPointerException",
        "NameResolutionError",
        "RATE_LIMIT_EXCEEDED",
        "net::ERR_CONNECTION_REFUSED",
    ]
    names += [
        "io.netty.handler.timeout.ReadTimeoutException",
        "WebSocketBadStatusException",
        "XMLHttpRequest",
        "/api/pay/cards",
    ]
    assert [name for name in names if redact(name) != name] == []


@pytest.mark.parametrize("name", ["Http2Exception", "OAuth2Client", "UTF8Decoder", "Ipv6CidrBlockNotFoundFault"])
def test_a_digit_makes_no_id_of_a_name(name):
    assert redact(name) == re.sub(r"\d", "<n>", name)


@pytest.mark.parametrize(
    "language", ["Verfügbarkeitsprüfung fehlgeschlagen", "dziewczyna zapomniała", "joyeux anniversaire"]
)
def test_words_of_other_languages_stay(language):
    assert redact(language) == language


def test_the_score_is_the_sum_of_the_pairs():
    assert plausibility("") == plausibility("q") == 0
    assert plausibility("the") > 0 > plausibility("qzx")
    assert plausibility("THE") == plausibility("the") == plausibility("The")
