"""Text of exceptions: what differs is folded, what is secret is masked, words stay, and the time for it is bounded."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cw_dist.core.redaction import redaction
from locust_cw_dist.core.redaction.redaction import HEX_CHARS, LOOKED_AT_CHARS, MASKED, redact
from support.strategies import any_char

FOLDED = [
    ("price is wrong", "price is wrong"),
    ("expected 200, got 404", "expected <n>, got <n>"),
    ("temperature -5.25 or +7", "temperature <n> or <n>"),
    ("took 12.5ms of 1,000 or 3e4", "took <n>ms of <n>,<n> or <n>e<n>"),
    ("user42 of node-7 at sha256 on k8s", "user<n> of node-<n> at sha<n> on k<n>s"),
    ("١٢٣ und \uff14\uff15", "<n> und <n>"),
    ("order 7f3a9c2d of 0x7fff5a", "order <id> of <id>"),
    ("request 550E8400-e29b-41d4-a716-446655440000 failed", "request <id> failed"),
    ("trace 1-67891233-abcdef012345678912345678", "trace <n>-<id>-<id>"),
    ("object 65b2f0c1e4b0a1a2b3c4d5e6", "object <id>"),
    ("id 01ARZ3NDEKTSV4RRFFQ69G5FAV", "id <id>"),
    ("no ZxQwErTyUiOpAsDfGhJkLzXcVb here", "no <id> here"),
    ("cart expired at 2026-01-02T03:04:05.678Z", "cart expired at <time>"),
    ("at 2026-01-02 03:04:05+01:00 and 03:04:05", "at <time> and <time>"),
    ("until Mon, 02 Jan 2026 10:00:00 GMT", "until <time>"),
    ("10.0.0.7:8080, 10.1.2.0/24 and 192.168.1.1.", "<addr>, <addr> and <addr>."),
    ("[fe80::1%eth0]:8080, ::1 and 2001:db8::ff00:42:8329", "<addr>, <addr> and <addr>"),
    ("ipv4:127.0.0.1:50051 refused", "ipv<n>:<addr> refused"),
    ("ipv6:%5B::1%5D:50051 and ipv6:%5Bfe80::2%25eth0%5D:50051", "ipv<n>:<addr> and ipv<n>:<addr>"),
    ("from https%3A%2F%2Fbob%3Ahunter%40example.com", "from <url>"),
    ("localhost:6379, db.example.com:5432", "<addr>, <addr>"),
    ("std::string at line 42", "std::string at line <n>"),
    ("V1StGXR8_Z5jdHi6B-myT and Uakgb_J5m9g-0JDMbcJqL", "<id> and <id>"),
    ("OrderService-V2_Handler3 on checkout-7d4b9c6f5b-zjgzw", "OrderService-V<n>_Handler<n> on checkout-<id>"),
    ("port 3B-9F-C1-00-AA-7D is down", "port <id> is down"),
    ("see http://shop.example.com/item/17?id=3.", "see <url>."),
    ("/users/123/orders/9?x=1&y=2 gone", "/users/<n>/orders/<n>?<query> gone"),
    ("what? no", "what? no"),
    ("mail to jane.doe+x@example.co.uk or bob%40example.com", "mail to <email> or <email>"),
    ("<urllib3.connection.HTTPConnection object at 0x7f00aa>: gone", "<HTTPConnection>: gone"),
    ("HTTPSConnectionPool(host='10.0.0.1', port=443): Read timed out.", "<addr>: Read timed out."),
    ('{"error":"no gold","id":"A-17","ts":1767323045}', '{"error":"no gold","id":"A-<n>","ts":<n>}'),
    ("OrderNotFoundInWarehouseExceptionHandler", "OrderNotFoundInWarehouseExceptionHandler"),
    ("Produkt nicht verfügbar: 価格が違います 17", "Produkt nicht verfügbar: 価格が違います <n>"),
    ("Order.java: com.acme.Order@1b2c3d4 is gone", "Order.java: com.acme.Order@<id> is gone"),
    ("id:2001:db8::ff00:42, addr:fe80::1", "id:<addr>, addr:<addr>"),
    ("items[10]: no gold", "items[<n>]: no gold"),
    ("at Thu Jan  1 00:00:01 1970 or 02/Jan/2026:03:04:05 +0100", "at <time> or <time>"),
    ("Mon, 02 Jan 2026 10:00:00 +0000 and January 2, 2026", "<time> and <time>"),
    ("1/2/2026 3:04:05 PM", "<time>"),
    ("/cart?jane gone, sku=abc&id=7", "/cart?<query> gone, <query>"),
    ("b'\\x08\\xff\\r' is no text, %A0%B1%C2 neither", "b'<id>' is no text, <id> neither"),
    ("", ""),
]

CODES_THAT_STAY = [
    "upstream: HTTP 503",
    "HTTP/1.1 404",
    "status code: 500 from upstream",
    "Unexpected status 502.",
    "status_code=429",
    "close code 1006",
    "non-zero exit status 1.",
    "[Errno 111] Connection refused",
    "503 Service Unavailable",
    "HTTP Error 404: Not Found",
    "SQLSTATE[23000]: Integrity constraint violation",
]

SECRET = [
    ("password=hunter2", "password="),
    ("the password: hunter and more", "the password:"),
    ("{'password': 'two words', 'x': 1}", "{'password':"),
    ('{"user":{"passwd":"a\\"b c"}}', '{"user":'),
    (r'{"body":"{\"client_secret\":\"two words\"}"}', '{"body":'),
    ("<password>hunter2</password>", "<password>"),
    ("password 'hunter2' is too short", "password"),
    ("DB_PASSWORD=p@ss;word", "DB_PASSWORD="),
    ("pwd:correct", "pwd:"),
    ("api_key=abcdef&x=y", "api_key="),
    ("X-Api-Key: abcdef", "X-Api-Key:"),
    ("X-Auth-Token: abcdef", "X-Auth-Token:"),
    ("access token=abcdef", "access token="),
    ("invalid token: s3cr3t", "invalid token:"),
    ("token%3Dabcdef", "token%"),
    ("refresh_token => 'abc def'", "refresh_token =>"),
    ("Authorization: Bearer abc.def.ghi", "Authorization:"),
    ("headers {'Authorization': 'Basic dXNlcjpwYXNz', 'x': 'y'}", "headers"),
    ("Authorization: Digest username=jane, response=abcdef", "Authorization:"),
    ("sent Bearer abcdefghijk", "sent Bearer"),
    ("Basic dXNlcjpwYXNzd29yZA==", "Basic"),
    ("Cookie: session=abc; theme=dark", "Cookie:"),
    ("Set-Cookie: sid=abc; Path=/", "Set-Cookie:"),
    ("JSESSIONID=abcdefgh", "JSESSIONID="),
    ("csrftoken=abcdefgh", "csrftoken="),
    ("X-Amz-Signature=abcdefgh", "X-Amz-Signature="),
    ("key AKIAIOSFODNNSEXAMPLE refused", "key"),
    ("key ASIAABCDEFGHIJKLMNOP refused", "key"),
    ("with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "with"),
    ("jwt eyJhbGciOiJIUzI.eyJzdWIiOiIx.SflKxw refused", "jwt"),
    ("ghp_abcdefghijklmnopqrst refused", ""),
    ("sk_live_abcdefghijklmnop refused", ""),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY----- bad", ""),
    ("bob:hunter@db/shop", ""),
    ("bob:hunter@db-abc.example.com:5432/shop", ""),
    ("otp: 123456", "otp:"),
    ("{b'X-Api-Key': b'hunter'}", "{b'X-Api-Key':"),
    ("[('x-api-key', 'hunter'), ('x', 'y')]", "[('x-api-key',"),
    ("[(b'Cookie', b'a=1; sid=hunter')]", "[(b'Cookie',"),
    ("<RequestsCookieJar[<Cookie session=hunter for .example.com/>]>", "<RequestsCookieJar[<Cookie"),
    ("session=hunter", "session="),
    ("auth=('bob', 'hunter')", "auth="),
    ("<QueryDict: {'password': ['hunter']}>", "<QueryDict: {'password':"),
    ("<wsse:Password Type='PasswordText'>hunter</wsse:Password>", "<wsse:Password"),
    ("mysql --password hunter shop", "mysql --password"),
    ("password 'hunter' has to be >8 long", "password"),
    ("['mysql', '--password', 'hunter']", "['mysql', '--password',"),
    ("Passwort: hunter", "Passwort:"),
    ("{'pw': 'hunter'}", "{'pw':"),
]
"""What holds one, and how what is made of it begins."""

NO_SECRET = [
    "password is wrong",
    "Bearer authentication required",
    "Basic authentication required",
    "invalid token: expired",
    "missing token",
    "Unexpected token '<', not valid JSON",
    "no such key: users",
    "secretary unknown",
    "Token::parse failed",
    "spinning: idle",
]


@pytest.mark.parametrize(("text", "folded"), FOLDED)
def test_what_varies_is_folded_and_words_stay(text, folded):
    assert redact(text) == folded
    assert redact(folded) == folded


@pytest.mark.parametrize("text", CODES_THAT_STAY)
def test_a_status_within_the_text_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize(("text", "beginning"), SECRET)
def test_a_secret_is_masked(text, beginning):
    masked = redact(text)
    assert MASKED in masked
    assert masked.startswith(beginning)
    hidden = ("hunter", "correct", "words", "abc", "dXN", "b c", "jane", "response", "IOSFOD", "ABCDEFG", "K7MDENG")
    assert not [part for part in (*hidden, "eyJ", "SflK", "MIIE", "word;", "dark", "123") if part in masked]
    assert redact(masked) == masked


@pytest.mark.parametrize("text", NO_SECRET)
def test_words_about_secrets_stay(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "password=hunterhunter",
        '"password":"hunter hunter hunter"',
        "Authorization: Bearer hunterhunter",
        "Cookie: a=hunter; b=hunter",
        "AKIAIOSFODNNHUNTERSS",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwhunter",
        "postgres://jane:hunterhunter@db/x",
        "-----BEGIN PRIVATE KEY-----\nhunterhunter\n",
    ],
)
def test_a_secret_that_the_cut_would_halve_does_not_show(secret):
    for before in range(LOOKED_AT_CHARS - len(secret) - 5, LOOKED_AT_CHARS + 5):
        padding = ("x " * LOOKED_AT_CHARS)[:before]
        # The last piece alone, so that nothing that is shown is cut off here.
        shown = redact(f"{padding} {secret} and more")[len(padding) - 5 :]
        assert not [part for part in ("hunt", "IOSF", "eyJ", "jane", "HUNT") if part in shown], shown


def test_texts_that_differ_in_what_varies_are_one():
    made = {
        redact(f"cart {n} of user-{n * 7} at 10.0.{n % 256}.1:{n + 1000} failed after {n / 7} s, trace {n * 97:08x}")
        for n in range(100)
    }
    assert made == {"cart <n> of user-<n> at <addr> failed after <n> s, trace <id>"}


def test_what_is_not_printable_goes():
    assert redact("\x1b[1;31mred\x1b[0m\x00 a\u200bb\t\n  c\u2028d \ud800 \x07") == "red ab c d \ufffd"
    assert redact("\x1b]0;title\x07bell") == "]<n>;titlebell"
    assert redact("\u202eright to left") == "right to left"


texts = st.one_of(
    st.text(any_char, max_size=50),
    st.lists(
        st.sampled_from(
            [
                *(text for text, _ in (*FOLDED, *SECRET)),
                *CODES_THAT_STAY,
                *NO_SECRET,
                " ",
                "=",
                '"',
                "'",
                "@",
                "\\",
                "\n",
            ]
        )
        | st.text(any_char, max_size=3),
        max_size=20,
    ).map("".join),
)


@given(texts)
def test_any_text_is_one_printable_line(text):
    made = redact(text)
    assert made.isprintable()
    assert made == made.strip() == " ".join(made.split())
    # A placeholder takes the place of one character at least, and is not longer than `<masked>`.
    assert len(made) <= 8 * (LOOKED_AT_CHARS + 3)


@given(texts, st.integers(0, 10**30).filter(lambda n: len(str(n)) != HEX_CHARS))
def test_a_number_between_words_makes_no_difference(text, number):
    # At the beginning, what looks like a status is one.
    assert redact(f"{number} failed: {text}"[:400]).startswith(("<n> failed", f"{number} failed"))
    assert redact(f"no {number} in stock") == "no <n> in stock"


UNITS = [
    *(
        "a",
        "1",
        "a1",
        "A",
        " ",
        "-",
        "@",
        "a@",
        "?",
        "?a",
        "=",
        ":",
        "::",
        "1:",
        "1.",
        "a.",
        "<",
        "'",
        '"',
        "\\",
        '\\"',
    ),
    *("password=", "password='", 'password=\\"', "password: ", "token: ", "://", "a://", "x:y@", "bearer ", "basic A"),
    *(
        "-----BEGIN",
        "eyJ",
        "eyJaaaaa.",
        "0x",
        "http",
        "HTTP ",
        "status ",
        "code",
        "\x1b[",
        "\x1b[1",
        "\n",
        "\ud800",
        "é",
    ),
    *("authorization:", "cookie=", "%40", " at 0x", "<a at 0x", "Connection(host='", "1-", "2024-01-", "12:", "12:30:"),
    *("/a", "a/", "_", "Z-", "Zq", "Jan ", "b'", "b'\\\\x", "a=b&", "%41", "@1", "1/", "1:1"),
    *("Mon, ", "01 Jan ", "GMT", "AKIA", "\x00", "\u0661", "-<n>", "+1", "1,", "aB", "Ab1", "[:", "localhost:", "a.b"),
]


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_the_time_is_in_proportion_to_the_text(unit, monkeypatch):
    monkeypatch.setattr(redaction, "LOOKED_AT_CHARS", 10**9)
    fold, fold_piece = redaction._redact.__wrapped__, redaction._fold_piece

    def seconds(chars):
        text, times = (unit * chars)[:chars], []
        for _ in range(5):
            fold_piece.cache_clear()
            begin_s = time.thread_time()
            fold(text)
            times.append(time.thread_time() - begin_s)
        return min(times)

    # Eight times the text would take 64 times as long if time grew with the square.
    assert seconds(4_800) < 24 * max(seconds(600), 0.0001)


def test_no_more_than_the_beginning_is_looked_at():
    beginning = "x y " * LOOKED_AT_CHARS
    assert redact(beginning) == redact(beginning + "z" * 10**7)
    assert redact("z" * 10**7) == "..."
