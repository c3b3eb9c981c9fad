"""The first lines."""

from __future__ import annotations

from locust_cw_dist.core.progress.start_block import StartBlock

FULL = StartBlock(
    resolution_s=10,
    namespace="perf/shop/loadtests",
    region="eu-west-1",
    endpoint_url="http://localhost:4566",
    credentials="profile perf",
    rules=["p95 < 300 ms", "max < 1 s"],
    record="records/run.cwrecord",
    page="http://localhost:8089/cloudwatch",
)


def test_all_that_there_is_takes_eight_lines():
    assert FULL.lines() == [
        "locust-cw: results go to CloudWatch every 10 s",
        "    namespace    perf/shop/loadtests",
        "    Region       eu-west-1",
        "    endpoint     http://localhost:4566",
        "    credentials  profile perf",
        "    rules        p95 < 300 ms and 1 more",
        "    record       records/run.cwrecord",
        "    live page    http://localhost:8089/cloudwatch",
    ]


def test_what_there_is_not_takes_no_line():
    assert StartBlock(resolution_s=10, rules=["p95 < 300 ms"]).lines() == [
        "locust-cw: nothing is published to CloudWatch without --cw-service or --cw-namespace",
        "    rules        p95 < 300 ms",
    ]


def test_a_dry_run_says_so_and_a_hostile_name_stays_on_its_line():
    head, record = StartBlock(resolution_s=10, namespace="n", is_dry_run=True, record="a\n\x1b[2J" + "b" * 999).lines()[
        ::2
    ]
    assert head == "locust-cw: dry run: nothing is sent to CloudWatch"
    assert record.isprintable()
    assert len(record) < 300
