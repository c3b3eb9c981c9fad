"""Run records in S3: of real processes, against a real server of moto's."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sys
import time
from collections import Counter

import pytest

from locust_cw_dist.live.records.record_file import read_bytes, read_file
from support.cluster.processes import wait_until

SUMMARY = ".cwsummary"
LOCUST_CW = (sys.executable, "-m", "locust_cw_dist.tools.cli.main")

_numbers = itertools.count(1)


@pytest.fixture
def bucket(moto):
    """The name of a bucket that is there."""
    name = f"records-{os.getpid()}-{next(_numbers)}"
    moto.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


@pytest.fixture
def keys(moto, bucket):
    """What lists the keys in it, but for the summaries beside records."""
    return lambda: [key for key in all_keys(moto, bucket) if not key.endswith(SUMMARY)]


def all_keys(moto, bucket):
    contents = moto.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())
    return sorted(each["Key"] for each in contents)


def publisher_env(moto, cloudwatch, **more):
    """The AWS variables of a process that publishes to the local CloudWatch and to moto's S3."""
    return cloudwatch.env() | {"AWS_ENDPOINT_URL_S3": moto.url, "AWS_ENDPOINT_URL_STS": moto.url} | more


def record_in(moto, bucket, key):
    return read_bytes(moto.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(), key)


def assert_holds(record, requests):
    held = {key: summary.count for key, summary in record.endpoints().items()}
    assert held == Counter((r.name, r.method) for r in requests)


def left_on_disk(cluster):
    return sorted(cluster.folder.rglob("*.cwrecord"))


@pytest.mark.parametrize("end", ["run time", "sigterm"])
def test_a_distributed_run_leaves_its_whole_record_in_s3_and_nothing_on_disk(
    cluster, cloudwatch, moto, bucket, keys, end
):
    run_time_s = 4 if end == "run time" else 60
    record_to = f"s3://{bucket}/checkout/main"
    env = publisher_env(moto, cloudwatch)
    master = cluster.distributed("--cw-record", record_to, workers=2, run_time_s=run_time_s, env=env)
    if end == "sigterm":
        wait_until(keys, "a first form of the record is in S3 while the test goes on")
        assert not record_in(moto, bucket, keys()[0]).has_ended
        master.signal(signal.SIGTERM)
    cluster.wait()
    cluster.assert_exact()
    (key,) = keys()
    assert all_keys(moto, bucket) == [key, key.replace(".cwrecord", SUMMARY)]
    record = record_in(moto, bucket, key)
    assert key == f"checkout/main/{cluster.summary()['run_id']}.cwrecord"
    assert_holds(record, cluster.truth().requests)
    assert record.has_ended
    assert record.ledger["published"] == cluster.summary()["published"]
    assert f"its record is {record_to}/{record.run_id}.cwrecord" in master.log
    assert left_on_disk(cluster) == []
    assert list((cluster.folder / "master.tmp").glob("locust-cw-*")) == []


def test_the_record_needs_no_cloudwatch(cluster, moto, bucket, keys):
    single = cluster.single("--cw-record", f"s3://{bucket}", publishing=(), env=moto.env())
    cluster.wait()
    (key,) = keys()
    assert_holds(record_in(moto, bucket, key), cluster.truth().requests)
    assert f"its record is s3://{bucket}/{key}" in single.log
    cluster.assert_clean()


def test_a_bucket_that_is_not_there_is_one_line_early_and_one_at_the_end(cluster, cloudwatch, moto):
    single = cluster.single(
        *("--cw-record", "s3://nobody-has-this/x", "--exit-code-on-error", "0"),
        env=publisher_env(moto, cloudwatch),
        run_time_s=12,
    )
    assert single.wait() == 0
    (path,) = left_on_disk(cluster)
    assert read_file(path).has_ended
    log = single.log
    reason = f"s3://nobody-has-this/x/{path.name}: there is no bucket nobody-has-this"
    assert log.count(f"the record can't be put to S3 yet ({reason}); it is kept here and retried") == 1
    last = f"could not be put to S3 ({reason}); it stays here: aws s3 cp {path} s3://nobody-has-this/x/{path.name}"
    assert log.count(last) == 1
    assert log.index("can't be put to S3 yet") < log.index("could not be put to S3")
    cluster.assert_clean()


def test_with_required_a_record_that_is_not_in_s3_fails_the_run(cluster, cloudwatch, moto):
    single = cluster.single(
        *("--cw-record", "s3://nobody-has-this", "--cw-required", "--exit-code-on-error", "0"),
        env=publisher_env(moto, cloudwatch),
    )
    assert single.wait() == 4
    assert "could not be put to S3" in single.log


def test_an_s3_that_never_answers_holds_the_end_no_longer_than_the_flush_timeout(cluster, cloudwatch, moto):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        single = cluster.single(
            *("--cw-record", "s3://silent", "--cw-flush-timeout", "6"),
            env=publisher_env(moto, cloudwatch, AWS_ENDPOINT_URL_S3=url),
        )
        single.wait()
        ended_s = time.time()
    (spawned_s,) = single.log_times_s("All users spawned")
    # Several tries of 10 s would follow each other.
    assert ended_s - spawned_s < 3 + 6 + 20
    (path,) = left_on_disk(cluster)
    assert "could not be put to S3 (no answer within" in single.log
    assert read_file(path).has_ended


def test_no_credentials_are_one_line_and_the_load_test_runs(cluster, bucket, moto):
    single = cluster.single("--cw-record", f"s3://{bucket}", publishing=(), env={"AWS_ENDPOINT_URL_S3": moto.url})
    cluster.wait()
    assert single.log.count("no AWS credentials found") == 2
    assert len(cluster.truth().requests) > 0
    assert len(left_on_disk(cluster)) == 1


def test_the_next_master_with_the_spool_puts_what_a_killed_one_left(cluster, cloudwatch, moto, bucket, keys):
    env = publisher_env(moto, cloudwatch)
    options = ("--cw-record", f"s3://{bucket}/x", "--cw-spool-dir", "spool")
    killed = cluster.single(*options, name="killed", env=env, run_time_s=60)
    wait_until(keys, "a first form of the record is in S3")
    wait_until(lambda: len(read_file(left_on_disk(cluster)[0]).points) >= 4, "a few windows are in the record")
    killed.signal(signal.SIGKILL)
    killed.wait()
    (key,) = keys()
    (path,) = left_on_disk(cluster)
    left = path.read_bytes()
    second = cluster.single(*options, name="next", env=env, run_time_s=10)
    second.wait()
    assert f"the record of run {path.stem}, which an earlier process left, is now s3://{bucket}/{key}" in second.log
    assert moto.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == left
    assert len(keys()) == 2
    assert left_on_disk(cluster) == []


def test_a_dry_run_puts_nothing(cluster, cloudwatch, moto, bucket, keys):
    single = cluster.single("--cw-record", f"s3://{bucket}", "--cw-dry-run", env=publisher_env(moto, cloudwatch))
    single.wait()
    (path,) = left_on_disk(cluster)
    assert f"dry run: the record of run {path.stem} is {path}, and not put to s3://{bucket}/{path.name}" in single.log
    assert keys() == []


def test_the_role_of_the_options_is_assumed_for_s3_too(cluster, cloudwatch, moto, bucket, keys):
    role = "arn:aws:iam::123456789012:role/perf"
    single = cluster.single("--cw-record", f"s3://{bucket}", "--cw-role-arn", role, publishing=(), env=moto.env())
    single.wait()
    assert len(keys()) == 1
    without_sts = moto.env() | {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}
    other = cluster.single(
        "--cw-record", f"s3://{bucket}", "--cw-role-arn", role, publishing=(), env=without_sts, name="other"
    )
    other.wait()
    assert len(keys()) == 1
    assert "could not be put to S3" in other.log


@pytest.mark.parametrize(
    "text", ["s3://", "s3:/bucket", "s3://Bucket/x", "s3://a/x", "s3://bucket//x", "s3://bucket/x.cwrecord", "gs://b/x"]
)
def test_a_wrong_url_is_one_line_and_exit_code_2_before_any_load(cluster, text):
    single = cluster.single("--cw-record", text, env={})
    assert single.wait() == 2
    assert cluster.truth().requests == []
    (line,) = [line for line in single.log.splitlines() if "got" in line]
    assert f"--cw-record: got '{text}', must be " in line


@pytest.fixture(scope="module")
def records(moto, tmp_path_factory):
    """Three records in S3, of simulated runs: its folder's URL, and the run ids, oldest first."""
    from support.records.records import SHOP, Simulation

    client, name = moto.client("s3"), "simulated-records"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    folder = tmp_path_factory.mktemp("records")
    ids = []
    for number, hour in enumerate(("08", "09", "10")):
        run_id = f"20270115T{hour}0000Z-0000000{number}"
        path = Simulation(SHOP, windows=40, seed=number, run_id=run_id).write(folder)
        client.upload_file(str(path), name, f"shop/main/{path.name}")
        ids.append(path.stem)
    client.put_object(Bucket=name, Key="shop/main/zzz.txt", Body=b"no record")
    client.put_object(Bucket=name, Key="shop/main/deeper/99990101T000000Z-00000000.cwrecord", Body=b"of elsewhere")
    return f"s3://{name}/shop/main", ids


def locust_cw(cluster, moto, name, *args):
    process = cluster.start(name, [*LOCUST_CW, *args], moto.env())
    process.wait()
    return process


def test_compare_reads_records_and_newest_records_from_s3(cluster, moto, records):
    folder, ids = records
    compared = locust_cw(cluster, moto, "one", "compare", f"{folder}/{ids[0]}.cwrecord", f"{folder}/", "--json")
    assert compared.exit_code == 0, compared.log
    document = json.loads(compared.out)
    assert (document["bases"], document["candidate"]) == ([ids[0]], ids[2])
    assert document["changes"]
    bare = locust_cw(cluster, moto, "two", "compare", folder, folder, "--json")
    assert json.loads(bare.out)["bases"] == [ids[2]]


def test_a_run_is_compared_with_one_on_disk(cluster, moto, bucket, keys, records, tmp_path):
    folder, ids = records
    local = tmp_path / "local.cwrecord"
    name = folder.removeprefix("s3://").partition("/")[0]
    moto.client("s3").download_file(name, f"shop/main/{ids[1]}.cwrecord", str(local))
    compared = locust_cw(cluster, moto, "compare", "compare", str(local), folder, "--fail-on", "any", "--json")
    assert compared.exit_code in {0, 3}, compared.log
    assert json.loads(compared.out)["bases"] == [ids[1]]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://simulated-records/none/", "s3://simulated-records/none: no record (*.cwrecord) in it"),
        ("s3://simulated-records/a.cwrecord", "s3://simulated-records/a.cwrecord: there is no such object"),
        ("s3://nobody-has-this/x", "s3://nobody-has-this/x: there is no bucket nobody-has-this"),
        (
            "s3://simulated-records/shop/main/deeper",
            "s3://simulated-records/shop/main/deeper: no record (*.cwrecord) in it that can be read, of the newest 1; ",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(cluster, moto, records, place, said):
    compared = locust_cw(cluster, moto, "compare", "compare", place, place, "--json")
    assert compared.exit_code == 1
    (line,) = compared.log.splitlines()
    assert line.startswith(f"locust-cw compare: {said}")


def test_a_wrong_url_of_a_record_is_one_line_and_exit_code_2(cluster, moto):
    compared = locust_cw(cluster, moto, "compare", "compare", "s3:/records", "s3://Wrong/x")
    assert compared.exit_code == 2
    (line,) = compared.log.splitlines()
    assert "got 's3:/records', must be a path, or s3://BUCKET" in line


def test_doctor_tries_the_bucket_only_when_it_may_send(cluster, cloudwatch, moto, bucket, keys):
    def doctor(name, *args):
        process = cluster.start(name, [*LOCUST_CW, "doctor", "--json", *args], publisher_env(moto, cloudwatch))
        process.wait()
        return next((each for each in json.loads(process.out)["checks"] if each["name"] == "record"), None)

    place = f"s3://{bucket}/x"
    assert doctor("without") is None
    looked = doctor("looked", "--cw-record", place)
    assert (looked["status"], looked["found"]) == ("skipped", f"{place}: not tried")
    assert keys() == []
    tried = doctor("tried", "--cw-record", place, "--cw-service", "checkout", "--send")
    assert tried["status"] == "ok"
    assert keys() == ["x/locust-cw-doctor.txt"]
    failed = doctor("failed", "--cw-record", "s3://nobody-has-this/x", "--cw-service", "checkout", "--send")
    assert failed["status"] == "failed"
    assert "there is no bucket nobody-has-this" in failed["found"]
    assert '"Resource": "arn:aws:s3:::nobody-has-this/x/*"' in failed["advice"]


def test_plan_shows_the_policy_for_the_record(cluster, moto):
    plan = locust_cw(cluster, moto, "plan", "plan", "--cw-service", "checkout", "--cw-record", "s3://perf/x", "--json")
    (statement,) = json.loads(plan.out)["record_policy"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("s3:PutObject", "arn:aws:s3:::perf/x/*")
