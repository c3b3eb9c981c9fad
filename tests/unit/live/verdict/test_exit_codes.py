"""The table of exit codes: every combination, against the words of docs/exit-codes.md; and who has the last word."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import pytest
from gevent import GreenletExit
from locust.env import Environment
from locust.event import EventHook
from locust.exception import RescheduleTask, StopUser

from locust_cw_dist.core.rules.outcome import Outcome, RuleOutcome, RuleState
from locust_cw_dist.core.rules.rule import Severity, VerdictRule
from locust_cw_dist.core.rules.rule_text import parse
from locust_cw_dist.core.verdict.exit_codes import (
    NOT_RELIABLE,
    RULE_FAILED,
    Conclusion,
    Ending,
    decide,
    is_unreliable,
)
from locust_cw_dist.core.verdict.verdict import State
from locust_cw_dist.live.platform.locust_internals import EndLink, Guard
from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.patience import Patience
from locust_cw_dist.live.verdict.exit_code import ExitCode
from support.pages.readme import ROOT

DOCS = ROOT / "docs" / "exit-codes.md"
ENDINGS = [
    Ending(
        rule_failed=rule_failed,
        unreliable=unreliable,
        own_code=own_code,
        failures_decided=failures_decided,
        has_exceptions=has_exceptions,
        has_unhandled=has_unhandled,
    )
    for rule_failed, unreliable, own_code, failures_decided, has_exceptions, has_unhandled in itertools.product(
        (False, True), (False, True), (None, 0, 1, 7), (False, True), (False, True), (False, True)
    )
]


def test_a_failed_rule_stands_above_everything():
    assert {decide(ending).code for ending in ENDINGS if ending.rule_failed} == {3}


def test_an_unreliable_run_stands_above_all_but_a_failed_rule():
    assert {decide(ending).code for ending in ENDINGS if ending.unreliable and not ending.rule_failed} == {4}


@pytest.mark.parametrize("own_code", [0, 1, 7])
def test_a_code_of_the_users_own_stands_above_locusts(own_code):
    mine = [e for e in ENDINGS if e.own_code == own_code and not (e.rule_failed or e.unreliable)]
    assert {decide(ending).code for ending in mine} == {own_code}


def test_without_rules_and_codes_of_the_users_own_locust_decides():
    none = [e for e in ENDINGS if not (e.rule_failed or e.unreliable or e.failures_decided) and e.own_code is None]
    assert {decide(ending).code for ending in none} == {None}


@pytest.mark.parametrize(
    ("has_exceptions", "has_unhandled", "code"), [(False, False, 0), (False, True, 2), (True, False, None)]
)
def test_rules_that_decide_take_failed_requests_from_locusts_code_and_nothing_else(has_exceptions, has_unhandled, code):
    ending = Ending(failures_decided=True, has_exceptions=has_exceptions, has_unhandled=has_unhandled)
    assert decide(ending).code == code


def test_applying_the_table_twice_changes_nothing():
    for ending in ENDINGS:
        code = decide(ending).code
        again = Ending(
            rule_failed=ending.rule_failed,
            unreliable=ending.unreliable,
            own_code=code,
            failures_decided=ending.failures_decided,
            has_exceptions=ending.has_exceptions,
            has_unhandled=ending.has_unhandled,
        )
        assert decide(again).code == code


@pytest.mark.parametrize(
    ("state", "rule", "required", "unreliable"),
    [
        (State.VALID, VerdictRule(), True, False),
        (State.SUSPECT, None, True, False),
        (State.SUSPECT, VerdictRule(), True, False),
        (State.SUSPECT, VerdictRule(suspect=Severity.FAIL), False, True),
        (State.INVALID, None, False, False),
        (State.INVALID, None, True, True),
        (State.INVALID, VerdictRule(), False, True),
        (State.INVALID, VerdictRule(invalid=Severity.WARN), False, False),
        (State.INVALID, VerdictRule(invalid=Severity.WARN), True, True),
    ],
)
def test_a_verdict_changes_the_code_only_where_the_user_asked(state, rule, required, unreliable):
    assert is_unreliable(state, rule, required=required) is unreliable


def test_the_documentation_has_the_table_in_the_same_order():
    codes = [row.split("|")[1].strip() for row in DOCS.read_text().splitlines() if re.match(r"\| (\d|yours|0 or)", row)]
    assert codes[:3] == ["2", str(RULE_FAILED), str(NOT_RELIABLE)]
    assert codes[3:6] == ["yours", "0 or 2", "1"]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "error", [SystemExit(0), KeyboardInterrupt(), StopUser(), RescheduleTask(), GreenletExit(), ValueError()], ids=repr
)
def test_each_listener_is_called_whatever_another_one_raises(error, reverse):
    hook, called = EventHook(), []

    def listener(name, raises=None):
        def call(number):
            called.append((name, number))
            if raises is not None:
                raise raises

        return call

    def after(raised, arguments):
        called.append(("after", raised, arguments))
        return raised

    hook.add_listener(listener("a"))
    Guard.add(hook, after)
    hook.add_listener(listener("b", error))
    hook.add_listener(listener("c", SystemExit(5)))
    # Locust logs what is no more than an Exception, and goes on.
    first = SystemExit if reverse or isinstance(error, ValueError) else type(error)
    with pytest.raises(first) as caught:
        hook.fire(reverse=reverse, number=7)
    names = ["c", "b", "a"] if reverse else ["a", "b", "c"]
    assert called == [*((name, 7) for name in names), ("after", caught.value, {"number": 7})]


def test_ctrl_c_in_one_listener_after_the_other_skips_none():
    hook, called = EventHook(), []

    def interrupt():
        called.append("interrupt")
        raise KeyboardInterrupt

    Guard.add(hook, lambda raised, _: called.append("after") or raised)
    for _ in range(3):
        hook.add_listener(interrupt)
    with pytest.raises(KeyboardInterrupt):
        hook.fire()
    assert called == [*["interrupt"] * 3, "after"]


@pytest.mark.parametrize("event", ["quitting", "quit"])
def test_a_listener_that_ctrl_c_has_ended_does_not_keep_locust_from_its_tables(event):
    process, patience = Process(), Patience()
    exit_code = ExitCode(process.environment, LogOnce(), patience)
    exit_code.attach()
    called = []

    def wait(**_):
        called.append(patience.is_in_user_code)
        patience.note_interrupt()
        raise KeyboardInterrupt

    hook = getattr(process.environment.events, event)
    hook.add_listener(wait)
    hook.fire(environment=process.environment, exit_code=0)
    assert called == [True]
    exit_code.detach()


def test_a_guard_that_is_removed_leaves_no_trace_and_two_share_one():
    hook, called = EventHook(), []

    def note(name):
        return lambda raised, _: called.append(name) or raised

    first, second = note("first"), note("second")
    Guard.add(hook, first)
    Guard.add(hook, second)
    hook.fire()
    Guard.remove(hook, first)
    Guard.remove(hook, first)
    hook.fire()
    assert called == ["first", "second", "second"]
    Guard.remove(hook, second)
    hook.fire()
    assert called == ["first", "second", "second"]
    assert vars(hook).keys() == vars(EventHook()).keys()


@pytest.mark.parametrize(
    ("rule_failed", "error", "ends"),
    [
        (True, SystemExit(0), 3),
        (True, SystemExit(), 3),
        (True, SystemExit("the price is wrong"), 3),
        (True, SystemExit(7), 3),
        (True, KeyboardInterrupt(), 3),
        (True, StopUser(), 3),
        (True, SystemExit(3), 3),
        (False, SystemExit(0), 0),
        (False, SystemExit(7), 7),
        (False, SystemExit("the price is wrong"), "the price is wrong"),
        (False, KeyboardInterrupt(), KeyboardInterrupt),
        (False, StopUser(), StopUser),
    ],
)
@pytest.mark.parametrize("event", ["quitting", "quit"])
def test_what_listeners_raise_has_the_place_of_a_users_own_code(event, rule_failed, error, ends):
    process = Process()
    exit_code = ExitCode(process.environment, LogOnce(), Patience())
    ended = []

    def end():
        ended.append(event)
        exit_code.conclusion = Conclusion(rule_failed=rule_failed)

    def listener(**_):
        raise error

    exit_code.attach(end)
    getattr(process.environment.events, event).add_listener(listener)
    with pytest.raises(ends if isinstance(ends, type) else SystemExit) as caught:
        getattr(process.environment.events, event).fire(exit_code=0)
    assert ended == [event]
    if not isinstance(ends, type):
        assert caught.value.code == ends


@pytest.mark.parametrize(("code", "ends"), [(0, 3), (1, 3), (3, None)])
def test_what_is_found_after_the_exit_code_was_set_still_decides(code, ends):
    process = Process()
    exit_code = ExitCode(process.environment, LogOnce(), Patience())
    exit_code.attach()
    exit_code.conclusion = Conclusion(rule_failed=True)
    if ends is None:
        process.environment.events.quit.fire(exit_code=code)
    else:
        with pytest.raises(SystemExit) as caught:
            process.environment.events.quit.fire(exit_code=code)
        assert caught.value.code == ends


class Process:
    """Locust's end of a process: its event, and what it does after it."""

    def __init__(self, *, with_handlers=True):
        self.environment = Environment()
        self.environment.runner = SimpleNamespace(exceptions={})
        if not with_handlers:
            hook = self.environment.events.quitting
            self.environment.events.quitting = SimpleNamespace(add_listener=hook.add_listener, fire=hook.fire)

    def quit(self):
        self.environment.events.quitting.fire(environment=self.environment, reverse=True)
        return self.environment.process_exit_code


def everything_is_fine(environment, **_):
    environment.process_exit_code = 0


def test_the_table_stands_above_listeners_added_at_import_and_at_init():
    process = Process()
    process.environment.events.quitting.add_listener(everything_is_fine)
    exit_code = ExitCode(process.environment, LogOnce(), Patience())
    exit_code.attach()
    process.environment.events.quitting.add_listener(everything_is_fine)
    assert process.quit() == 0
    exit_code.conclusion = Conclusion(unreliable=True)
    assert process.quit() == 4
    exit_code.conclusion = Conclusion(rule_failed=True)
    assert process.quit() == 3
    assert process.quit() == 3


def test_with_a_locust_whose_listeners_have_no_known_order_a_users_listener_may_overwrite_it():
    process = Process(with_handlers=False)
    process.environment.events.quitting.add_listener(everything_is_fine)
    exit_code = ExitCode(process.environment, LogOnce(), Patience())
    exit_code.attach()
    assert exit_code.link.lesser_modes == [
        "a `quitting` listener of your own may replace the exit code of a rule or of an invalid run"
    ]
    exit_code.conclusion = Conclusion(rule_failed=True)
    exit_code.apply_early()
    assert process.environment.process_exit_code == 3
    assert process.quit() == 0


def test_with_this_locust_nothing_is_applied_before_the_users_listeners_have_run():
    process = Process()
    exit_code = ExitCode(process.environment, LogOnce(), Patience())
    exit_code.attach()
    assert exit_code.link.lesser_modes == []
    exit_code.conclusion = Conclusion(rule_failed=True)
    exit_code.apply_early()
    assert process.environment.process_exit_code is None


@pytest.mark.parametrize(
    ("runner", "log"),
    [
        (SimpleNamespace(), SimpleNamespace(unhandled_greenlet_exception=False)),
        (SimpleNamespace(exceptions={}), SimpleNamespace()),
    ],
)
def test_with_a_locust_that_does_not_tell_its_errors_rules_decide_nothing_about_failed_requests(runner, log):
    environment = SimpleNamespace(events=Environment().events, runner=runner)
    link = EndLink(environment, log)
    assert link.lesser_modes == ["rules can't decide about failed requests: Locust's own exit code for them stays"]
    ending = Ending(failures_decided=True, has_exceptions=link.has_exceptions(), has_unhandled=link.has_unhandled())
    assert decide(ending).code is None


@pytest.mark.parametrize(
    ("state", "failed", "failures", "options", "listener", "word"),
    [
        (State.VALID, False, 0, {"exit_code_on_error": 1}, None, (0, "no request failed")),
        (State.VALID, False, 2, {"exit_code_on_error": 1}, None, (1, "2 requests failed")),
        (
            State.VALID,
            False,
            2,
            {"exit_code_on_error": 0},
            None,
            (0, "2 requests failed, and Locust was told to ignore that"),
        ),
        (State.VALID, True, 2, {"exit_code_on_error": 1}, None, (3, "a rule failed: p95 < 3 ms")),
        (State.VALID, True, 2, {"exit_code_on_error": 1}, 0, (3, "a rule failed: p95 < 3 ms")),
        (State.INVALID, False, 0, {"exit_code_on_error": 1}, None, (4, "the run can't be relied on: it is invalid")),
        (State.VALID, False, 0, {"exit_code_on_error": 1}, 7, (7, "a listener of your own set it")),
        (State.VALID, False, 2, {}, None, None),
        (State.VALID, True, 2, {}, None, (3, "a rule failed: p95 < 3 ms")),
    ],
)
def test_a_record_can_have_the_exit_code_before_the_process_ends(state, failed, failures, options, listener, word):
    process = Process()
    process.environment.parsed_options = SimpleNamespace(**options)
    exit_code = ExitCode(process.environment, LogOnce(), Patience(), required=True)
    # Locust's log remembers what other tests raised.
    exit_code.link = SimpleNamespace(has_exceptions=lambda: False, has_unhandled=lambda: False)
    process.environment.process_exit_code = listener
    one = RuleOutcome(
        rule=parse("p95 < 3 ms"), state=RuleState.BROKEN, observed=4.0, requests=1, message="", failed=failed
    )
    # Whatever became of another run of this process.
    exit_code.note(is_judged=True, states=(State.INVALID,))
    for _ in range(2):
        found = exit_code.foresee(state, Outcome(rules=(one,)), failures)
        assert (found and (found.code, found.why())) == word
        # The code that was set here is no listener's.
        exit_code.conclusion = Conclusion(rule_failed=failed)
        exit_code.apply()
