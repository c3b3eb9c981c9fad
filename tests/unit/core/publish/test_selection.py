"""Which requests are published, and under which name."""

from __future__ import annotations

import copy

from locust_cw_dist.core.publish.selection import Selection
from locust_cw_dist.core.summaries.summary import Summary


def summaries(**counts):
    made = {}
    for name, count in counts.items():
        summary = made["/" + name.replace("_", "/"), "GET"] = Summary()
        for _ in range(count):
            summary.record_success(5.0, 10)
    return made


def counts(selected):
    return {name: summary.count for (name, _), summary in selected.items()}


def test_without_a_wish_everything_stays_as_it_is():
    given = summaries(a=1, b=2)
    assert Selection().apply(given) == (given, 0)


def test_groups_merge_what_matches_whole_and_the_first_decides():
    selection = Selection(groups=((r"/item/\d+", "/item/{id}"), (r"/item/.*", "/item/rest")))
    given = summaries(item_1=1, item_22=2, item_1_reviews=4, other=8)
    before = copy.deepcopy(given)
    kept, left_out = selection.apply(given)
    assert given == before
    assert counts(kept) == {"/item/{id}": 3, "/item/rest": 4, "/other": 8}
    assert left_out == 0


def test_a_group_has_one_endpoint_for_each_method():
    given = summaries(item_1=1)
    post = given["/item/2", "POST"] = Summary()
    post.record_success(1.0, None)
    kept, _ = Selection(groups=((r"/item/\d+", "/item"),)).apply(given)
    assert {key: summary.count for key, summary in kept.items()} == {("/item", "GET"): 1, ("/item", "POST"): 1}


def test_include_and_exclude_look_at_the_name_after_grouping():
    selection = Selection(groups=((r"/item/\d+", "/item"),), include=("/item", "/b.*"), exclude=("/bad",))
    kept, left_out = selection.apply(summaries(item_1=1, b=2, bad=4, other=8))
    assert counts(kept) == {"/item": 1, "/b": 2}
    assert left_out == 12


def test_what_is_remembered_of_names_is_bounded(monkeypatch):
    monkeypatch.setattr("locust_cw_dist.core.publish.selection.MAX_REMEMBERED", 10)
    selection = Selection(exclude=("/a1.*",))
    for number in range(200):
        kept, left_out = selection.apply(summaries(**{f"a{number}": 1}))
        assert (len(kept), left_out) == ((0, 1) if str(number).startswith("1") else (1, 0))
        assert len(selection._names) <= 10


def test_an_expression_that_takes_too_long_decides_nothing_and_is_told_of():
    slow, name = r"/(a|a)+b", "/" + "a" * 60
    given = summaries(b=2) | {(name, "GET"): summaries(x=1)["/x", "GET"]}
    grouped = Selection(groups=((slow, "/grouped"), (r"/a+", "/later")))
    assert counts(grouped.apply(dict(given))[0]) == {"/b": 2, "/later": 1}
    assert list(grouped.too_slow) == [slow]
    assert "takes too long" in grouped.too_slow[slow]
    assert counts(Selection(include=(slow,)).apply(dict(given))[0]) == {name: 1}
    assert counts(Selection(exclude=(slow,)).apply(dict(given))[0]) == {name: 1, "/b": 2}
