"""Autoscalers, disruption budgets, and where pods may run."""

from __future__ import annotations

import json

import pytest

from support.deployment import manifests

HELM = "helm-4.3.1"


class TestScaling:
    @pytest.mark.parametrize("helm", manifests.deploy_tools.HELMS)
    @pytest.mark.parametrize(("values", "kind"), [("web-hpa", "HorizontalPodAutoscaler"), ("web-keda", "ScaledObject")])
    def test_an_autoscaler_alone_says_how_many_workers_there_are(self, helm, values, kind):
        objects = manifests.chart(helm, values)
        (scaler,) = objects.of(kind)
        worker = objects.workload("worker")
        assert "replicas" not in worker["spec"]
        assert scaler["spec"]["scaleTargetRef"] == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": worker["metadata"]["name"],
        }
        assert objects.workload("master")["spec"]["replicas"] == 1

    def test_without_one_the_values_do(self):
        objects = manifests.chart(HELM, "web-configmap")
        assert objects.workload("worker")["spec"]["replicas"] == 7
        assert not [one for one in objects if one["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}]

    def test_hpa(self):
        (scaler,) = manifests.chart(HELM, "web-hpa").of("HorizontalPodAutoscaler")
        assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 30)
        assert scaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70

    def test_keda(self):
        objects = manifests.chart_with("web-keda")
        (scaler,) = objects.of("ScaledObject")
        assert scaler["apiVersion"] == "keda.sh/v1alpha1"
        (trigger,) = scaler["spec"].pop("triggers")
        assert trigger["type"] == "cron"
        # These are all; no schema of Kubernetes' own would find a wrong name.
        assert scaler["spec"] == {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": objects.workload("worker")["metadata"]["name"],
            },
            "minReplicaCount": 4,
            "maxReplicaCount": 40,
            "pollingInterval": 10,
            "cooldownPeriod": 600,
        }

    @pytest.mark.parametrize(("values", "least"), [("job-full", 18), ("web-hpa", "50%")])
    def test_disruption_budgets(self, values, least):
        objects = manifests.chart(HELM, values)
        for role, expected in (("master", 1), ("worker", least)):
            (budget,) = objects.of("PodDisruptionBudget", role)
            assert budget["spec"]["minAvailable"] == expected
            assert budget["spec"]["selector"]["matchLabels"].items() <= objects.pod_labels(role).items()
        assert not manifests.chart(HELM, "job").of("PodDisruptionBudget")


SAFE = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


class TestEviction:
    def test_the_master_asks_to_stay_and_keeps_off_spot_nodes(self):
        objects = manifests.chart(HELM, "job")
        assert objects.pod_annotations("master").items() >= SAFE.items()
        (term,) = objects.pod("master")["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
            "nodeSelectorTerms"
        ]
        # NotIn is true of nodes without the label.
        assert {(one["key"], one["operator"], *one["values"]) for one in term["matchExpressions"]} == {
            ("karpenter.sh/capacity-type", "NotIn", "spot"),
            ("eks.amazonaws.com/capacityType", "NotIn", "SPOT"),
        }
        assert not SAFE.keys() & objects.pod_annotations("worker").keys()

    def test_both_can_be_changed(self):
        objects = manifests.chart(HELM, "job-volume")
        assert "affinity" not in objects.pod("master")
        assert not SAFE.keys() & objects.pod_annotations("master").keys()
        assert manifests.chart(HELM, "job-full").pod_annotations("worker").items() >= SAFE.items()
        assert "a-master" not in json.dumps(manifests.chart(HELM, "web-keda").pod("master")["affinity"])

    def test_nodes_are_chosen_by_the_values(self):
        pod = manifests.chart(HELM, "job-full").pod("master")
        assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
        assert pod["tolerations"][0]["key"] == "dedicated"
        assert pod["priorityClassName"] == "high"
        assert manifests.chart(HELM, "job-full").pod("worker")["tolerations"] == [{"key": "spot", "operator": "Exists"}]
