"""The request listener on a worker, against Locust's own statistics, an empty listener and the seed."""

from __future__ import annotations

from typing import Any

import gevent
from locust.env import Environment
from locust.event import EventHook, Events

from bench.figures import Figure, ratios
from bench.pair import Nobody, Pair, cpu_s
from bench.traffic import events
from locust_cw_dist.core.wire.messages import REPORT_KEY

REQUESTS = 12_000
"""Between two reports: 4,000 a second, about what Locust's fastest client makes where it has a core for itself."""

ENDPOINTS = 20


SLICE = 500
"""Requests of one kind of listener before it is the next one's turn: a busy machine is as fast for all of them then."""


def figures(*, full: bool) -> list[Figure]:
    """Measure CPU per request."""
    fired = events(REQUESTS, ENDPOINTS)
    with Pair() as pair:
        hooks = {
            "nothing": EventHook(),
            "stats": pair.worker_locusts.request,
            "ours": pair.worker_ours.request,
            "empty": _hook(_listen_to_nothing),
            "seed": _seeds_hook(),
        }
        rounds = [_round(pair, hooks, fired, at_first=number) for number in range(51 if full else 21)]
    net = {name: [spent_s[name] - spent_s["nothing"] for spent_s in rounds] for name in hooks}
    us = {name: sorted(values)[len(values) // 2] / REQUESTS * 1e6 for name, values in net.items()}
    what = "CPU of a listener per request, of Locust's own statistics"
    return [
        Figure("listener", f"{what}: ours, frames included", ratios(net["ours"], net["stats"]), "", 0.35, details=us),
        Figure("listener_empty", f"{what}: an empty listener", ratios(net["empty"], net["stats"])),
        Figure("listener_seed", f"{what}: the seed, CloudWatch stubbed out", ratios(net["seed"], net["stats"])),
    ]


def _round(pair: Pair, hooks: dict[str, EventHook], fired: list[dict[str, Any]], at_first: int) -> dict[str, float]:
    """Fire all events at each hook, slice by slice in turns (A B B A), and cut a frame; return the CPU time by hook."""
    spent_s = dict.fromkeys(hooks, 0.0)
    for number, begin in enumerate(range(0, len(fired), SLICE), at_first):
        for name in reversed(hooks) if number % 2 else hooks:
            spent_s[name] += _fire(hooks[name], fired[begin : begin + SLICE])
    spent_s["ours"] += _cut_frame(pair)
    return spent_s


def _listen_to_nothing(**_: Any) -> None:
    pass


def _hook(listener: Any) -> EventHook:
    hook = EventHook()
    hook.add_listener(listener)
    return hook


def _seeds_hook() -> EventHook:
    from locust_plugins.listeners.cloudwatch import CloudwatchAdapter

    environment = Environment(events=Events(), host="http://shop.test")
    CloudwatchAdapter(environment, "shop", cloudwatch=Nobody())
    return environment.events.request


def _fire(hook: EventHook, fired: list[dict[str, Any]]) -> float:
    def work() -> None:
        fire = hook.fire
        for event in fired:
            fire(**event)

    return cpu_s(work)


def _cut_frame(pair: Pair) -> float:
    """Cut the frame of a report, send it, and let the master acknowledge it; return the CPU time of the cutting."""
    data: dict[str, Any] = {}

    def cut() -> None:
        pair.worker_ours.report_to_master.fire(client_id=pair.worker.runner.client_id, data=data)

    spent_s = cpu_s(cut)
    assert data[REPORT_KEY], "the frame before was not acknowledged"
    pair.master_ours.worker_report.fire(client_id=pair.worker.runner.client_id, data=data)
    gevent.sleep(0.05)
    return spent_s
