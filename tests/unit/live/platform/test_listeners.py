"""The place of our listeners among others, whoever comes earlier or later; and what is left of them at the end."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import gevent
import locust.exception
import pytest
from gevent.pool import Group
from locust.env import Environment
from locust.event import EventHook, Events

import locust_cw_dist
from locust_cw_dist.live.platform import locust_internals
from locust_cw_dist.live.platform.listeners import Listeners
from locust_cw_dist.testing import RecordingClient

pytestmark = pytest.mark.locust

LET_THROUGH = [
    getattr(locust.exception, name)
    for name in ("RescheduleTask", "RescheduleTaskImmediately", "StopUser", "StopTest", "InterruptTaskSet")
    if hasattr(locust.exception, name)
]


class Heard:
    """Notes in which order listeners are called."""

    def __init__(self):
        self.names = []

    def by(self, name):
        return lambda **_: self.names.append(name)


def fire(hook, heard, **fields):
    heard.names.clear()
    hook.fire(**fields)
    return heard.names


def test_ours_is_first_and_last_whatever_is_added_before_and_after():
    environment, heard = Environment(events=Events()), Heard()
    hook, listeners = environment.events.report_to_master, Listeners(environment)
    hook.add_listener(heard.by("before"))
    locust_internals.add_first(hook, heard.by("first"))
    listeners.add_after("report_to_master", lambda _, fields: heard.by("last")(**fields))
    listeners.add_after("report_to_master", lambda _, fields: heard.by("last, too")(**fields))
    hook.add_listener(heard.by("after"))
    hook._handlers = [*hook._handlers, heard.by("in place")]
    assert fire(hook, heard, client_id="w", data={}) == ["first", "before", "after", "in place", "last", "last, too"]
    listeners.close()
    assert fire(hook, heard) == ["first", "before", "after", "in place"]


def test_one_that_is_taken_away_leaves_the_others_their_places():
    hook, heard = EventHook(), Heard()
    locust_internals.add_first(hook, first := heard.by("first"))
    hook.add_listener(users := heard.by("user"))
    hook.remove_listener(users)
    hook.add_listener(heard.by("user, again"))
    assert fire(hook, heard) == ["first", "user, again"]
    for listener in (first, first):
        locust_internals.remove(hook, listener)
    hook.add_listener(heard.by("later"))
    assert fire(hook, heard) == ["user, again", "later"]


@pytest.mark.parametrize("change", ["add first", "remove"])
def test_a_change_while_an_event_is_fired_skips_nobody_and_calls_nobody_twice(change):
    hook, heard = EventHook(), Heard()
    ours = heard.by("ours")
    hook.add_listener(ours)
    changes = {
        "add first": lambda: locust_internals.add_first(hook, heard.by("new")),
        "remove": lambda: locust_internals.remove(hook, ours),
    }
    hook.add_listener(lambda **_: changes[change]())
    hook.add_listener(heard.by("next"))
    assert fire(hook, heard) == ["ours", "next"]


@pytest.mark.parametrize("kind", LET_THROUGH)
def test_what_locust_lets_through_of_others_comes_after_ours(kind):
    environment, heard = Environment(events=Events()), Heard()

    def stop(**_):
        raise kind

    environment.events.request.add_listener(stop)
    listeners = Listeners(environment)
    listeners.add_first("request", heard.by("ours"))
    with pytest.raises(kind):
        environment.events.request.fire()
    assert heard.names == ["ours"]


def test_with_another_locust_ours_are_listeners_like_others():
    heard, added = Heard(), []
    hook = SimpleNamespace(add_listener=added.append, remove_listener=added.remove)
    ours = heard.by("ours")
    locust_internals.add_first(hook, ours)
    assert added == [ours]
    for _ in range(2):
        locust_internals.remove(hook, ours)
    assert added == []
    events = SimpleNamespace(request=hook, worker_report=hook, report_to_master=hook)
    listeners = Listeners(SimpleNamespace(events=events))
    listeners.add_after("report_to_master", lambda _, fields: heard.by(fields["name"])())
    added[0](name="ours, after")
    assert heard.names == ["ours, after"]
    listeners.close()
    assert added == []
    assert locust_internals.order_modes(SimpleNamespace(events=events, runner=SimpleNamespace())) == [
        "a listener of your own that raises, or empties a report, may hide results",
        "the plugin can't be installed again after `Plugin.close`, for the same runner",
    ]
    locust_internals.remove_message(SimpleNamespace(), "kind")


def test_this_locust_has_what_the_order_needs():
    environment = Environment()
    environment.create_local_runner()
    assert locust_internals.order_modes(environment) == []


class Sharing:
    """Two environments on the same events, and what each of them hears."""

    def __init__(self):
        events = Events()
        self.heard = {"one": [], "two": []}
        self.environments, self.listeners = {}, {}
        for name in self.heard:
            environment = Environment(events=events)
            environment.runner = SimpleNamespace(user_greenlets=Group())
            self.environments[name] = environment
            self.listeners[name] = Listeners(environment)
            self.listeners[name].add_first("request", lambda name=name, **fields: self.note(name, **fields))
            self.listeners[name].add("test_start", lambda name=name, **fields: self.note(name, **fields))

    def note(self, name, what=None, **_):
        self.heard[name].append(what)

    def fire(self, what):
        self.environments["one"].events.request.fire(what=what)

    def spawn(self, name, call, *args):
        self.environments[name].runner.user_greenlets.spawn(call, *args).join()


def test_a_request_belongs_to_the_environment_whose_user_fired_it():
    sharing = Sharing()
    sharing.spawn("one", sharing.fire, "of one")
    sharing.spawn("two", sharing.fire, "of two")
    sharing.spawn("two", lambda: gevent.spawn(sharing.fire, "of what two spawned").join())
    sharing.fire("of nobody")
    assert sharing.heard == {"one": ["of one", "of nobody"], "two": ["of two", "of what two spawned"]}


def test_where_one_ends_the_other_hears_what_is_nobodys():
    sharing = Sharing()
    sharing.listeners["one"].close()
    sharing.listeners["one"].close()
    sharing.fire("of nobody")
    assert sharing.heard == {"one": [], "two": ["of nobody"]}
    sharing.listeners["two"].close()
    sharing.fire("of nobody")
    assert sharing.heard == {"one": [], "two": ["of nobody"]}


def test_an_event_that_names_its_environment_is_for_that_one():
    sharing = Sharing()
    environment = sharing.environments["two"]
    environment.events.test_start.fire(environment=environment, what="named")
    environment.events.test_start.fire(what="unnamed")
    assert sharing.heard == {"one": ["unnamed"], "two": ["named", "unnamed"]}


def handlers_of(environment):
    return {name: list(hook._handlers) for name, hook in vars(environment.events).items()}


def make_master(environment):
    return environment.create_master_runner("127.0.0.1", 0)


def make_single(environment):
    return environment.create_local_runner()


@pytest.mark.parametrize("settings", [{"service": "closed"}, {}], ids=["publishing", "off"])
@pytest.mark.parametrize("make_runner", [make_master, make_single])
def test_after_close_nothing_is_left_and_install_makes_another(make_runner, settings):
    environment = Environment(events=Events())
    runner = make_runner(environment)
    before, messages = handlers_of(environment), dict(runner.custom_messages)
    plugins = []
    for _ in range(2):
        plugins.append(
            locust_cw_dist.install(environment, locust_cw_dist.Settings(**settings), client=RecordingClient())
        )
        assert (plugins[-1]._publishing is not None) is bool(settings)
        plugins[-1].close(timeout_s=1)
        assert (handlers_of(environment), dict(runner.custom_messages)) == (before, messages)
    assert plugins[0] is not plugins[1]
    runner.quit()


def test_a_closed_plugin_is_held_by_nothing():
    environment = Environment(events=Events())
    environment.create_local_runner()
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(service="closed"), client=RecordingClient())
    plugin.close(timeout_s=1)
    environment.runner.quit()
    held = weakref.ref(plugin)
    del plugin
    gc.collect()
    assert held() is None


def clear(environment):
    environment.events.request._handlers.clear()


def replace(environment):
    environment.events.request = EventHook()


def take_ours(environment):
    environment.events.request._handlers = environment.events.request._handlers[1:]


@pytest.mark.parametrize("take_away", [clear, replace, take_ours])
def test_what_takes_our_listener_away_hides_nothing_for_long(take_away, caplog):
    environment, client = Environment(events=Events()), RecordingClient()
    environment.events.test_start.add_listener(lambda **_: take_away(environment))
    plugin = locust_cw_dist.install(environment, locust_cw_dist.Settings(service="shop", resolution_s=1), client=client)
    heard = Heard()
    environment.events.test_start.fire(environment=environment)
    environment.events.request.add_listener(heard.by("theirs"))
    for _ in range(3):
        environment.events.request.fire(request_type="GET", name="/", response_time=1.0, response_length=1)
    plugin.close()
    assert client.totals("RequestCount") == {"/": 3}
    assert heard.names == ["theirs"] * 3
    assert caplog.text.count("removed this plugin's listener") == 1
    environment.events.request.fire(request_type="GET", name="/", response_time=1.0, response_length=1)
    assert not [one for one in environment.events.request._handlers if "locust_cw_dist" in repr(one)]


def test_who_keeps_the_first_place_need_not_take_it_again():
    environment, heard = Environment(events=Events()), Heard()
    first, second = Listeners(environment), Listeners(environment)
    first.add_first("request", heard.by("ours"))
    assert not first.retake()
    second.add_first("request", heard.by("another's"))
    assert not first.retake()
    assert not second.retake()
    environment.events.request._handlers.clear()
    assert first.retake()
    assert fire(environment.events.request, heard) == ["ours"]
    first.close()
    assert not first.retake()
    assert fire(environment.events.request, heard) == ["another's"]
