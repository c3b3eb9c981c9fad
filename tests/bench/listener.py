"""The request listener on a worker, against Locust's own statistics, an empty listener and the seed."""

from __future__ import annotations

from typing import Any

import gevent
from locust.env import Environment
from locust.event import EventHook, Events

from bench.figures import Figure, interleave, ratios
from bench.pair import Nobody, Pair, cpu_s
from bench.traffic import events
from locust_cw_dist.core.wire.messages import REPORT_KEY

REQUESTS = 12_000
"""Between two reports: 4,000 a second, about what Locust's fastest client makes where it has a core for itself."""

ENDPOINTS = 20


def figures(*, full: bool) -> list[Figure]:
    """Measure CPU per request."""
    fired = events(REQUESTS, ENDPOINTS)
    with Pair() as pair:
        variants = {
            "nothing": lambda: _fire(EventHook(), fired),
            "stats": lambda: _fire(pair.worker_locusts.request, fired),
            "ours": lambda: _fire_ours(pair, fired),
            "empty": lambda: _fire(_hook(_listen_to_nothing), fired),
            "seed": lambda: _fire(_seeds_hook(), fired),
        }
        samples = interleave(51 if full else 21, variants)
    net = {
        name: [value - nothing for value, nothing in zip(values, samples["nothing"], strict=True)]
        for name, values in samples.items()
    }
    us = {name: sorted(values)[len(values) // 2] / REQUESTS * 1e6 for name, values in net.items()}
    what = "CPU of a listener per request, of Locust's own statistics"
    return [
        Figure("listener", f"{what}: ours, frames included", ratios(net["ours"], net["stats"]), "", 0.30, details=us),
        Figure("listener_empty", f"{what}: an empty listener", ratios(net["empty"], net["stats"])),
        Figure("listener_seed", f"{what}: the seed, CloudWatch stubbed out", ratios(net["seed"], net["stats"])),
    ]


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


def _fire_ours(pair: Pair, fired: list[dict[str, Any]]) -> float:
    """As `_fire`, and then cut the frame of a report, send it, and let the master acknowledge it."""
    data: dict[str, Any] = {}

    def cut() -> None:
        pair.worker_ours.report_to_master.fire(client_id=pair.worker.runner.client_id, data=data)

    spent_s = _fire(pair.worker_ours.request, fired) + cpu_s(cut)
    assert data[REPORT_KEY], "the frame before was not acknowledged"
    pair.master_ours.worker_report.fire(client_id=pair.worker.runner.client_id, data=data)
    gevent.sleep(0.05)
    return spent_s
