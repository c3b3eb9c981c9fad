"""docs/kubernetes.md: its example, the names that it says, its figures, and the tests that it points to."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from support.deployment import manifests
from support.pages.performance import NUMBER, measured, told
from support.pages.readme import ROOT

TESTS = Path(__file__).parent
PAGE = (ROOT / "docs" / "kubernetes.md").read_text()


def section(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def indented(first_line):
    """The text of the indented block that begins with a line."""
    lines = PAGE[PAGE.index(first_line) :].splitlines()
    end = next(at for at, line in enumerate(lines) if at and line and not line.startswith("        "))
    return "\n".join(line.removeprefix("        ") for line in lines[:end])


@pytest.fixture(scope="module")
def example():
    """The objects of the values on the page, as `helm install checkout -n load` makes them."""
    values = yaml.safe_load(indented("# checkout.yaml"))
    return manifests.chart_of(values | {"locustfile": {"content": "from locust import HttpUser\n"}})


def test_the_example_is_taken_and_has_the_names_of_the_page(example):
    assert (manifests.RELEASE, manifests.NAMESPACE) == ("checkout", "load")
    job = example.workload("master")["metadata"]["name"]
    assert set(re.findall(r"job/([\w-]+)|job-name=([\w-]+)", PAGE)) == {(job, ""), ("", job)}
    account = example.pod("master")["serviceAccountName"]
    assert f"account: `{account}` in the namespace `{manifests.NAMESPACE}`" in PAGE
    web = manifests.chart_with("web").named("Service", "checkout-locust-cw-web")
    assert f"port-forward service/{web['metadata']['name']} 8089:{web['spec']['ports'][0]['port']}\n" in PAGE
    assert "all four workers" in PAGE
    assert example.workload("worker")["spec"]["parallelism"] == 4


def test_the_sample_of_the_page_is_taken():
    (command,) = re.findall(r"^ {8}(helm install sample (?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
    _, _, release, _, *options = command.replace("\\\n", " ").split()
    options.remove("--create-namespace")
    objects = manifests.read(manifests.template(manifests.deploy_tools.HELMS[0], *options, release=release))
    assert objects.options()["LOCUST_CW_DRY_RUN"] == "true"
    image = yaml.safe_load(indented("# checkout.yaml"))["image"]["repository"]
    assert objects.container("worker")["image"].partition(":")[0] == image
    assert f"deploy/image/push.sh {image}\n" in PAGE


def test_the_role_of_the_page_may_do_what_its_example_does(example):
    commands = re.findall(r"^ {8}aws cloudformation deploy ((?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
    given = {}
    for command in commands:
        words = command.replace("\\\n", " ").split()
        path = ROOT / words[words.index("--template-file") + 1]
        given[path.stem] = dict(word.split("=") for word in words[words.index("--parameter-overrides") + 1 :])
        parameters = path.read_text().partition("\nParameters:\n")[2].partition("\nConditions:\n")[0]
        assert set(given[path.stem]) <= set(re.findall(r"^  (\w+):$", parameters, re.MULTILINE))
    role, options = given["role-pod-identity"], example.options()
    assert (role["KubernetesNamespace"], role["ServiceAccount"]) == (
        manifests.NAMESPACE,
        example.pod("master")["serviceAccountName"],
    )
    assert role["MetricsNamespace"] == f"perf/{options['LOCUST_CW_SERVICE']}/loadtests"
    record = options["LOCUST_CW_RECORD"]
    assert record == f"s3://{role['RecordsBucket']}/{role['RecordsPrefix']}"
    assert given["records-bucket"] == {"BucketName": role["RecordsBucket"]}
    assert f"locust-cw compare {record}/RUN_ID.cwrecord {record}/\n" in PAGE


def test_each_value_that_the_page_names_is_there():
    defaults = manifests.default_values()
    named = {one for one in re.findall(r"`([a-z]\w*(?:\.\w+)+)", PAGE) if one.partition(".")[0] in defaults}
    named -= {"master.args"}  # of another chart
    assert len(named) > 20
    for path in named:
        node = defaults
        for key in path.split("."):
            assert key in node, path
            node = node[key]


def test_the_default_sizes_are_those_of_the_page():
    objects = manifests.chart_with("job")
    requests = {role: objects.container(role)["resources"]["requests"] for role in ("master", "worker")}
    assert requests == {"master": {"cpu": "1", "memory": "512Mi"}, "worker": {"cpu": "1", "memory": "256Mi"}}
    assert "(one CPU requested by each, 256 MiB for a worker, 512 MiB for the master)" in PAGE


SWARM = r"1,000 simulated workers of 50 endpoints, a report each 3 s, (?:watched )?for \d+ s: "
OF_FEWER = r"(?:, (?:in proportion from|of) \d+ workers)?"
"""Where the master's core is full with 1,000 workers."""
SHARE = f"{SWARM}our share of one core{OF_FEWER}"
LISTENER = "CPU of a listener per request, of Locust's own statistics: ours.*"
MEMORY = "memory on a worker for each endpoint and open window, 1,000 values from 1 ms to 1 s: 32 windows.*"
GROWTH = "growth of our CPU on the master, of linear growth: 100, 300, 1000 workers of 10 endpoints.*"


@pytest.mark.parametrize(
    ("said", "figure"),
    [
        (rf"takes {NUMBER} of the CPU that Locust's own statistics take", lambda: measured(LISTENER)),
        (rf"{NUMBER} KiB for each endpoint and open window", lambda: measured(MEMORY)),
        (
            rf"1,000 workers with 50 endpoints: {NUMBER} % of one core",
            lambda: measured(SHARE) + measured(f"{SWARM}Locust's own{OF_FEWER}"),
        ),
        (rf"of which {NUMBER} % are ours", lambda: measured(SHARE)),
        (rf"100 workers take {NUMBER} % of ours", lambda: told(GROWTH, rf"\({NUMBER} %")),
        (rf"{NUMBER} MiB over Locust's own", lambda: measured(f"{SWARM}memory over Locust's own{OF_FEWER}")),
    ],
)
def test_figures_are_those_that_were_measured(said, figure):
    assert float(re.search(said, section("Sizes"))[1]) == pytest.approx(figure(), rel=0.1)


COMPLAINTS = {
    *("#868", "#1913", "#2302", "#1158", "#1707", "#1843", "#3065"),  # Locust
    *("#320", "#108", "#634"),  # deliveryhero
    *("#72", "#61", "#75", "#435"),  # other operators
}


def test_what_people_asked_of_other_charts_is_answered():
    answers = section("What people asked of other charts")
    assert set(re.findall(r"#\d+", answers)) == COMPLAINTS
    rows = [row for row in answers.splitlines()[3:] if row]
    assert len(rows) > 10
    for row in rows:
        assert re.fullmatch(r"\| .+ \| .{20,} \|", row), row


def names_of(file):
    """The tests and the classes of tests of a file."""
    return {
        node.name for node in ast.walk(ast.parse((TESTS / file).read_text())) if hasattr(node, "name") and node.name
    }


def test_each_test_that_the_page_points_to_is_there():
    rows = section("What it has, and which test shows it").splitlines()[3:]
    assert len([row for row in rows if row]) > 15
    for row in filter(None, rows):
        files = re.findall(r"`(test_\w+\.py)`", row)
        assert files, row
        for name in re.findall(r"`(test_\w+|Test\w+)`", row):
            assert any(name in names_of(file) for file in files), name
