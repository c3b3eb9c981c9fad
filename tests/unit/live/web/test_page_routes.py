"""What the web server answers for /cloudwatch and for what the page loads."""

from __future__ import annotations

import gzip
import json
import re

import flask
import pytest
from gevent import monkey

from locust_cw_dist.pages import live_page
from support.live_page import add_page, made_up_state
from support.pages.readme import blocks

pytestmark = pytest.mark.once

native_thread = monkey.get_original("_thread", "get_ident")

PACKED = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture
def client():
    app = flask.Flask("test")
    add_page(app)
    return app.test_client()


def addresses(client):
    text = client.get("/cloudwatch").get_data(as_text=True)
    return re.findall(r'(?:href|src)="(cloudwatch/[^"]+)"', text)


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(client):
    answer = client.get("/cloudwatch")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = answer.get_data(as_text=True)
    assert not re.search(r"""<style|<script>|\son\w+=|\sstyle=|(src|href)\s*=\s*["']?(https?:)?//""", text)


def test_all_addresses_of_the_page_are_relative_so_that_they_hold_under_a_base_path(client):
    found = addresses(client)
    assert len(found) >= 5
    text = client.get("/cloudwatch").get_data(as_text=True)
    assert not re.search(r'(?:href|src)="/', text)


def test_what_the_page_loads_may_be_kept_for_good(client):
    for address in addresses(client):
        if address.endswith("state.json"):
            continue
        answer = client.get(f"/{address}", headers=PACKED)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"
        # Whoever can't unpack it gets it as it is.
        assert client.get(f"/{address}").data == gzip.decompress(answer.data)


def test_a_file_of_another_content_is_not_there(client):
    assert client.get("/cloudwatch/assets/0123456789abcdef/live.js").status_code == 404
    assert client.get("/cloudwatch/assets/plotly-0.0.0/plotly.min.js").status_code == 404
    (ours,) = {address.split("/")[2] for address in addresses(client) if address.endswith("live.js")}
    for name in ("live.html.j2", "..%2fpage.py", "charts.js"):
        assert client.get(f"/cloudwatch/assets/{ours}/{name}").status_code == 404


def test_plotly_comes_a_third_as_large(client):
    (address,) = [address for address in addresses(client) if "plotly" in address]
    answer = client.get(f"/{address}", headers=PACKED)
    assert len(answer.data) < 1_700_000
    assert len(gzip.decompress(answer.data)) > 3_000_000


def test_whoever_cannot_unpack_it_and_reads_nothing_holds_a_piece_of_it(client):
    (address,) = [address for address in addresses(client) if "plotly" in address]
    pieces = [len(piece) for piece in client.get(f"/{address}").response]
    assert sum(pieces) > 3_000_000
    assert max(pieces) < 300_000


def test_nothing_is_read_rendered_or_compressed_on_the_hub(client, monkeypatch):
    threads = {}

    def watch(name):
        call = getattr(live_page, name)

        def watched(*args, **options):
            threads.setdefault(name, set()).add(native_thread())
            return call(*args, **options)

        monkeypatch.setattr(live_page, name, watched)

    for name in ("plotly_path", "version", "asset", "fill", "_packed"):
        watch(name)
    for address in addresses(client):
        client.get(f"/{address}", headers=PACKED)
    assert threads.keys() == {"plotly_path", "version", "asset", "fill", "_packed"}
    (one,) = set.union(*threads.values())
    assert one != native_thread()


def test_without_plotly_the_page_names_what_brings_it(client, monkeypatch):
    monkeypatch.setattr(live_page, "plotly_path", lambda: None)
    text = client.get("/cloudwatch").get_data(as_text=True)
    assert "plotly.min.js" not in text
    assert "pip install &#34;plotly&gt;=6.0&#34;" in text


def test_a_slash_at_the_end_leads_to_the_page(client):
    answer = client.get("/cloudwatch/")
    assert (answer.status_code, answer.headers["Location"]) == (308, "../cloudwatch")


def test_a_page_that_cannot_be_made_is_an_answer_and_a_line_in_the_log(client, monkeypatch, caplog):
    monkeypatch.setattr(live_page, "fill", lambda *_: 1 / 0)
    for _ in range(2):
        assert client.get("/cloudwatch").status_code == 503
    assert [record.getMessage() for record in caplog.records] == ["locust-cw: could not make the page at /cloudwatch"]


def test_the_made_up_state_of_browser_tests_looks_like_a_real_one():
    """The example of docs/live.md is of a real run; its own test holds it against the code."""
    (example,) = blocks("json", "docs/live.md")
    real, made_up = json.loads(example.text), made_up_state()
    assert real.pop("warnings") == []  # nothing to compare with
    del made_up["warnings"]
    assert shape(made_up) == shape(real)


def shape(value):
    """Return the keys of a document, of lists those of the first entry; free keys and values left out."""
    if isinstance(value, dict):
        return {key: {} if key in {"labels", "dropped", "untimed"} else shape(one) for key, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [shape(value[0])]
    return None
