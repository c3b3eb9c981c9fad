"""Runs and their names, Locust's options, and where the locustfile comes from."""

from __future__ import annotations

import pytest

from support.deployment import manifests

HELM = "helm-4.3.1"


def args(objects, role="master"):
    return objects.container(role)["args"]


class TestRuns:
    def test_each_run_has_jobs_of_its_own(self):
        first, second = (manifests.chart_with("job", job={"runId": run}) for run in ("a", "b"))
        names = [{one["metadata"]["name"] for one in objects.of("Job")} for objects in (first, second)]
        assert names[0].isdisjoint(names[1])
        assert len(names[0] | names[1]) == 4

    def test_a_run_is_named_by_the_number_of_a_build_too(self):
        names = [one["metadata"]["name"] for one in manifests.chart_with("job", job={"runId": 12345678}).of("Job")]
        assert sorted(names) == ["checkout-locust-cw-master-12345678", "checkout-locust-cw-worker-12345678"]

    def test_workers_of_a_new_run_do_not_meet_the_old_master(self):
        old, new = (manifests.chart_with("job", job={"runId": run}) for run in ("a", "b"))
        (service,) = new.of("Service")
        assert not service["spec"]["selector"].items() <= old.pod_labels("master").items()

    @pytest.mark.parametrize(
        ("run_time", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h3m4s", 7384)]
    )
    def test_the_deadline_follows_the_run_time(self, run_time, seconds):
        objects = manifests.chart_with("job", locust={"runTime": run_time, "expectWorkersMaxWaitSeconds": 100})
        for role in ("master", "worker"):
            assert objects.workload(role)["spec"]["activeDeadlineSeconds"] == seconds + 100 + 75 + 600

    def test_a_deadline_of_the_users_own(self):
        assert manifests.chart(HELM, "job-volume").workload("master")["spec"]["activeDeadlineSeconds"] == 7200

    @pytest.mark.parametrize(
        ("stop_s", "flush_s", "master_s", "worker_s"),
        [(0, 30, 75, 30), (10, 30, 75, 40), (60, 30, 115, 90), (5, 120.5, 257, 35)],
    )
    def test_grace_periods_follow_stop_and_flush_timeout(self, stop_s, flush_s, master_s, worker_s):
        objects = manifests.chart_with(
            "job", locust={"runTime": "1m", "stopTimeoutSeconds": stop_s}, cloudwatch={"flushTimeout": flush_s}
        )
        assert objects.pod("master")["terminationGracePeriodSeconds"] == master_s
        assert objects.pod("worker")["terminationGracePeriodSeconds"] == worker_s

    def test_the_jobs_have_labels_and_annotations_for_queues(self):
        for job in manifests.chart(HELM, "job-full").of("Job"):
            assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "tests"
            assert job["metadata"]["annotations"]["example.com/team"] == "checkout"

    def test_no_web_ui_is_served(self):
        objects = manifests.chart(HELM, "job-full")
        assert [one["metadata"]["name"] for one in objects.of("Service")] == ["checkout-locust-cw-master"]
        assert not objects.of("Ingress")


class TestLocustsOptions:
    def test_all_of_them(self):
        assert args(manifests.chart(HELM, "job-full")) == [
            "--master",
            *("--exclude-tags", "broken", "--tags", "fast", "slow"),
            "--locustfile=/mnt/locust/locustfile.py",
            "--headless",
            *("--expect-workers=20", "--expect-workers-max-wait=600"),
            *("--host=https://checkout.example.com", "--run-time=1h30m", "--spawn-rate=2.5", "--users=1000"),
            *("--stop-timeout=90", "--exit-code-on-error=0", "--loglevel=INFO"),
            *("--enable-rebalancing", "--only-summary"),
            *("Buyer", "Seller"),
            "--reset-stats",
        ]

    def test_locust_takes_them(self):
        from locust.argument_parser import parse_options

        parsed = parse_options(args(manifests.chart(HELM, "job-full"))[:-1])
        assert parsed.user_classes == ["Buyer", "Seller"]
        assert (parsed.tags, parsed.exclude_tags) == (["fast", "slow"], ["broken"])
        assert (parsed.num_users, parsed.run_time, parsed.expect_workers) == (1000, 5400, 20)
        worker = parse_options(args(manifests.chart(HELM, "job"), "worker"))
        assert (worker.worker, worker.master_host, worker.master_port) == (True, "checkout-locust-cw-master", 5557)

    def test_none_of_them_is_taken_as_a_further_one(self):
        """Or grace periods and the like would not follow."""
        from locust.argument_parser import get_parser

        rendered = {
            arg.partition("=")[0]
            for values in manifests.VALUES
            for role in ("master", "worker")
            for arg in args(manifests.chart(HELM, values), role)
            if arg.startswith("-")
        }
        aliases = [set(action.option_strings) for action in get_parser()._actions]
        own = set().union(*(names for names in aliases if names & rendered)) - {"--reset-stats", "--config"}
        assert {"-t", "--run-time", "--stop-timeout", "--tls-key", "--master-host"} <= own
        for option in sorted(own):
            with pytest.raises(manifests.RenderError, match=f"{option} is the chart's own"):
                manifests.chart_with("job", locust={"runTime": "1m", "extraArgs": [option]})

    @pytest.mark.parametrize("users", [1_000_000, 12_345_678])
    def test_large_numbers_stay_whole(self, users):
        assert f"--users={users}" in args(manifests.chart_with("job", locust__users=users))

    def test_expect_workers_follows_the_replicas_or_is_less(self):
        assert "--expect-workers=9" in args(manifests.chart_with("job", worker__replicas=9))
        assert "--expect-workers=8" in args(manifests.chart_with("job", worker__replicas=9, locust__expectWorkers=8))

    def test_a_web_ui_waits_for_nobody_unless_it_starts_by_itself(self):
        assert not [one for one in args(manifests.chart(HELM, "web")) if one.startswith(("--expect", "--autostart"))]
        assert {"--autostart", "--expect-workers=3"} <= set(args(manifests.chart(HELM, "web-hpa")))
        assert {"--autostart", "--expect-workers=4"} <= set(args(manifests.chart(HELM, "web-keda")))


class TestLocustfiles:
    def test_from_a_config_map_with_files_beside_it_and_a_lib_folder(self):
        objects = manifests.chart(HELM, "job-full")
        assert set(objects.named("ConfigMap", "checkout-locust-cw-locustfile")["data"]) == {"locustfile.py", "data.csv"}
        assert set(objects.named("ConfigMap", "checkout-locust-cw-lib")["data"]) == {"common.py", "__init__.py"}
        for role in ("master", "worker"):
            mounts = {one["name"]: one["mountPath"] for one in objects.container(role)["volumeMounts"]}
            assert mounts["locustfile"] == "/mnt/locust"
            assert mounts["lib"] == "/mnt/locust-lib/lib"
            assert "/mnt/locust-lib" in objects.environment(role)["PYTHONPATH"].split(":")

    def test_from_the_image(self):
        objects = manifests.chart(HELM, "web-keda")
        for role in ("master", "worker"):
            assert "--locustfile=/locust/locustfile.py" in args(objects, role)
            assert "/mnt/locust" not in [one["mountPath"] for one in objects.container(role)["volumeMounts"]]

    @pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
    def test_the_sample_runs_with_two_values(self, helm):
        objects = manifests.chart_of({"image": {"repository": "a"}, "locustfile": {"sample": True}}, helm)
        mounted = objects.named("ConfigMap", "checkout-locust-cw-locustfile")["data"]
        assert mounted == {"locustfile.py": (manifests.CHART / "files" / "sample.py").read_text()}
        assert {"--users=10", "--run-time=1m"} <= set(args(objects, "master"))
        options = objects.options()
        assert (options["LOCUST_CW_SERVICE"], options["LOCUST_CW_DRY_RUN"]) == ("sample", "true")

    def test_values_of_your_own_go_before_those_of_the_sample(self):
        values = {"locust": {"users": 3, "runTime": "9s", "host": "http://a"}, "cloudwatch": {"service": "mine"}}
        objects = manifests.chart_with("job", locustfile={"sample": True}, **values)
        assert {"--users=3", "--run-time=9s", "--host=http://a"} <= set(args(objects, "master"))
        options = objects.options()
        assert (options["LOCUST_CW_SERVICE"], options.get("LOCUST_CW_DRY_RUN")) == ("mine", None)

    def test_from_a_volume_that_an_init_container_fills(self):
        objects = manifests.chart(HELM, "job-volume")
        for role in ("master", "worker"):
            pod = objects.pod(role)
            assert {"name": "locustfile", "emptyDir": {}} in pod["volumes"]
            assert pod["initContainers"][0]["volumeMounts"] == [{"name": "locustfile", "mountPath": "/mnt/locust"}]
            assert "--locustfile=/mnt/locust/checkout.py" in args(objects, role)
            assert {"name": "lib", "configMap": {"name": "shared-lib"}} in pod["volumes"]

    def test_from_a_config_map_of_others(self):
        objects = manifests.chart(HELM, "web-configmap")
        assert {"name": "locustfile", "configMap": {"name": "tests"}} in objects.pod("worker")["volumes"]
        assert objects.pod_annotations("worker")["checksum/tests"] == "1"

    @pytest.mark.parametrize(
        "change",
        [
            {"locustfile__content": "import other\n"},
            {"locustfile__lib": {"a.py": ""}},
            {"locustfile__files": {"a": "1"}},
        ],
    )
    def test_a_change_rolls_master_and_workers(self, change):
        before, after = manifests.chart_with("web"), manifests.chart_with("web", **change)
        for role in ("master", "worker"):
            assert before.pod_annotations(role) != after.pod_annotations(role)

    def test_a_change_of_options_or_rules_rolls_the_master_alone(self):
        before = manifests.chart_with("web")
        for change in ({"cloudwatch__service": "other"}, {"cloudwatch__rules": "[[rule]]\n"}):
            after = manifests.chart_with("web", **change)
            assert before.pod_annotations("master") != after.pod_annotations("master")
            assert before.pod_annotations("worker") == after.pod_annotations("worker")
