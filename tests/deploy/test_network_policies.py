"""Who may speak with whom."""

from __future__ import annotations

import json

import pytest

from support.deployment import manifests

AGENT = "169.254.170.23/32"
METADATA = "169.254.169.254/32"


def policy(objects, role):
    return next(one for one in objects.of("NetworkPolicy") if one["metadata"]["name"].endswith(role))["spec"]


def selects(selector, labels):
    matched = selector.get("matchLabels", {}).items() <= labels.items()
    return matched and all(
        labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
        if one["operator"] == "In"
    )


def rules_for(rules, port):
    return [one for one in rules if port in [each["port"] for each in one.get("ports", [])]]


@pytest.fixture(params=[name for name in manifests.RENDERINGS if not name.endswith("web-keda")])
def guarded(request):
    """What is rendered with network policies."""
    return manifests.rendering(request.param)


def test_policies_can_be_left_out():
    assert not manifests.chart("helm-4.3.1", "web-keda").of("NetworkPolicy")


def test_each_policy_is_about_its_own_pods(guarded):
    for role, other in (("master", "worker"), ("worker", "master")):
        selector = policy(guarded, role)["podSelector"]
        assert selects(selector, guarded.pod_labels(role))
        assert not selects(selector, guarded.pod_labels(other))
        assert policy(guarded, role)["policyTypes"] == ["Ingress", "Egress"]
    for pod in guarded.of("Pod"):
        assert selects(policy(guarded, "master")["podSelector"], pod["metadata"]["labels"])


def test_only_workers_reach_the_workers_port_and_nobody_reaches_workers(guarded):
    (rule,) = rules_for(policy(guarded, "master")["ingress"], 5557)
    (peer,) = rule["from"]
    assert peer.keys() == {"podSelector"}
    assert selects(peer["podSelector"], guarded.pod_labels("worker"))
    assert not selects(peer["podSelector"], guarded.pod_labels("master"))
    assert "ingress" not in policy(guarded, "worker")


def test_workers_reach_the_master_and_name_servers(guarded):
    egress = policy(guarded, "worker")["egress"]
    (rule,) = rules_for(egress, 5557)
    assert selects(rule["to"][0]["podSelector"], guarded.pod_labels("master"))
    for role in ("master", "worker"):
        (dns,) = rules_for(policy(guarded, role)["egress"], 53)
        assert {one["protocol"] for one in dns["ports"]} == {"UDP", "TCP"}


def test_the_master_reaches_cloudwatch(guarded):
    assert rules_for(policy(guarded, "master")["egress"], 443)


def test_workers_do_not_reach_metadata_and_identity_unless_asked_for(guarded):
    asked_for = guarded.pod("worker")["automountServiceAccountToken"]
    egress = policy(guarded, "worker")["egress"]
    assert (AGENT in json.dumps(rules_for(egress, 80))) is asked_for
    wide = [
        peer["ipBlock"]
        for rule in egress
        if "ports" not in rule
        for peer in rule["to"]
        if "ipBlock" in peer and peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    ]
    for block in wide:
        assert "169.254.0.0/16" in block["except"]


@pytest.mark.parametrize(("identity", "reached"), [("none", set()), ("podIdentity", {AGENT}), ("node", {METADATA})])
def test_the_master_reaches_what_its_identity_comes_from(identity, reached):
    egress = policy(manifests.chart_with("job", aws={"identity": identity}), "master")["egress"]
    blocks = {peer["ipBlock"]["cidr"] for rule in rules_for(egress, 80) for peer in rule["to"]}
    assert {one for one in blocks if not one.startswith("fd00")} == reached


def test_the_overlay_for_pod_identity_opens_the_agent_and_the_others_do_not():
    kubectl = manifests.deploy_tools.KUBECTLS[0]
    for name in manifests.KUSTOMIZATIONS:
        egress = policy(manifests.kustomized(kubectl, name), "master")["egress"]
        assert (AGENT in json.dumps(egress)) is (name == "pod-identity")


def test_a_proxy_is_reached_and_the_agent_and_the_cluster_without_it():
    objects = manifests.chart("helm-4.3.1", "job-full")
    (rule,) = rules_for(policy(objects, "master")["egress"], 3128)
    assert rule["to"] == [{"ipBlock": {"cidr": "10.1.0.9/32"}}]
    environment = objects.environment("master")
    assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == "http://proxy.example.com:3128"
    assert {"169.254.170.23", "[fd00:ec2::23]", ".svc", ".example.com"} <= set(environment["NO_PROXY"].split(","))
    assert "HTTPS_PROXY" not in objects.environment("worker")


def test_a_proxy_with_a_password_comes_from_a_secret():
    environment = manifests.chart("helm-4.3.1", "job-volume").environment("master")
    assert environment["HTTPS_PROXY"] == {"secretKeyRef": {"name": "proxy", "key": "HTTPS_PROXY"}}
    assert "169.254.170.23" in environment["NO_PROXY"]


@pytest.mark.parametrize(
    ("proxy", "given", "port"),
    [
        ({"url": "http://proxy.example.com:8080"}, None, 8080),
        ({"url": "http://[fd00::1]:8080/"}, None, 8080),
        ({"url": "http://[fd00::1]"}, None, 3128),
        ({"url": "http://proxy.example.com"}, None, 3128),
        ({"url": "http://proxy.example.com:8080"}, 8081, 8081),
        ({"existingSecret": "proxy"}, None, 3128),
        ({"existingSecret": "proxy"}, 8081, 8081),
    ],
)
def test_the_proxys_port_is_that_of_its_url_or_the_values_own(proxy, given, port):
    peer = {"ipBlock": {"cidr": "10.1.0.9/32"}}
    objects = manifests.chart_with("job", proxy=proxy, networkPolicy={"proxyPort": given, "proxyTo": [peer]})
    (rule,) = (one for one in policy(objects, "master")["egress"] if one.get("to") == [peer])
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]


def test_the_web_ui_is_reached_by_those_that_are_named():
    ingress = policy(manifests.chart("helm-4.3.1", "web-hpa"), "master")["ingress"]
    (rule,) = rules_for(ingress, 8089)
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]
    assert not rules_for(policy(manifests.chart("helm-4.3.1", "web"), "master")["ingress"], 8089)


def test_peers_of_the_values_are_those_of_the_rules():
    objects = manifests.chart("helm-4.3.1", "job-full")
    master, worker = (policy(objects, role)["egress"] for role in ("master", "worker"))
    assert rules_for(master, 443)[0]["to"] == [{"ipBlock": {"cidr": "10.0.0.0/16"}}]
    assert rules_for(master, 4582)
    assert rules_for(worker, 443)[0]["to"] == [{"ipBlock": {"cidr": "10.2.0.0/16"}}]
    assert rules_for(worker, 53)[0]["to"] == rules_for(master, 53)[0]["to"] != []
