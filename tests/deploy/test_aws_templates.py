"""What deploy/aws holds: linted, deployed on moto, and the same as what the program itself says that it needs."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from locust_cw_dist.core.costs.iam_policies import iam_policy, record_policy
from locust_cw_dist.core.records.location import S3Location
from locust_cw_dist.settings.settings import Settings
from support.cluster.commands import locust_cw
from support.pages.readme import ROOT

AWS = ROOT / "deploy" / "aws"
TEMPLATES = sorted(path.name for path in AWS.glob("*.yaml"))
POLICIES = sorted(path.name for path in (AWS / "policies").glob("*.json"))
ROLES = ["role-irsa.yaml", "role-pod-identity.yaml"]

REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]
"""At least one of each partition that cfn-lint knows."""

NOT_FINDINGS = {
    ("trust-irsa.json", "MALFORMED"): "a trust policy has no Resource: it is that of its role",
    ("trust-irsa.json", "UNKNOWN_FEDERATION_SOURCE"): "parliament knows SAML and public providers, none of a cluster",
    ("trust-pod-identity.json", "MALFORMED"): "a trust policy has no Resource: it is that of its role",
}
"""What parliament finds and is right as it is, with the reason. Of cfn-lint's see the last test."""

OIDC_PROVIDER = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
PARAMETERS = {"MetricsNamespace": "perf/checkout/loadtests"}
RECORDS = {"RecordsBucket": "perf-records", "RecordsPrefix": "checkout"}
OF_ROLE = {"role-irsa.yaml": {"OidcProvider": OIDC_PROVIDER}, "role-pod-identity.yaml": {"ClusterName": "perf"}}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def long_form(loader, suffix, node):
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", long_form)


def template(name):
    return yaml.load((AWS / name).read_text(), Loader)


def policy(name):
    return json.loads((AWS / "policies" / name).read_text())


def cfn_lint(*paths, regions=REGIONS):
    # One process for all of them: it takes seconds to start.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "-r", *regions, "-t", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_cfn_lint_finds_what_is_wrong(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text((AWS / ROLES[1]).read_text().replace("ServiceAccount: !Ref", "ServiceAccounts: !Ref"))
    done = cfn_lint(broken)
    assert done.returncode != 0
    assert "ServiceAccounts" in done.stdout


def findings(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources
        from parliament import analyze_policy_string

        return {found.issue for found in analyze_policy_string(text).findings}


@pytest.mark.parametrize("name", POLICIES)
def test_parliament_finds_nothing_but_what_is_listed(name):
    found = findings((AWS / "policies" / name).read_text())
    assert found == {issue for file, issue in NOT_FINDINGS if file == name}


def test_parliament_finds_what_is_wrong():
    text = (AWS / "policies" / "publish-metrics.json").read_text()
    assert findings(text.replace("PutMetricData", "PutMetrics")) == {"UNKNOWN_ACTION"}
    assert "UNKNOWN_CONDITION_FOR_ACTION" in findings(text.replace("cloudwatch:namespace", "s3:prefix"))


def test_the_policies_are_those_that_plan_shows(tmp_path):
    options = ["--cw-service", "checkout", "--cw-record", "s3://perf-records/checkout", "--json"]
    plan = json.loads(locust_cw("plan", *options, folder=tmp_path, env=dict(os.environ)).stdout)
    assert plan["iam_policy"] == policy("publish-metrics.json")
    assert plan["record_policy"] == policy("put-records.json")


@pytest.fixture(scope="module")
def deploy(moto):
    """What makes a stack of a template and returns its outputs."""
    client = moto.client("cloudformation")

    def make(name, **parameters):
        stack = f"{Path(name).stem}-{len(client.describe_stacks()['Stacks'])}"
        client.create_stack(
            StackName=stack,
            TemplateBody=(AWS / name).read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
        assert found["StackStatus"] == "CREATE_COMPLETE"
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    return make


@pytest.fixture(scope="module")
def role_of(moto, deploy):
    """What makes a role and returns its trust and its policies by name, as IAM holds them."""
    iam = moto.client("iam")

    def make(name, **parameters):
        outputs = deploy(name, **(PARAMETERS | OF_ROLE[name] | parameters))
        role = outputs["RoleArn"].rpartition("/")[2]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = {each: iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"] for each in names}
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        return iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"], documents

    return make


@pytest.mark.parametrize("name", ROLES)
def test_the_role_may_publish_and_nothing_else(role_of, name):
    _, policies = role_of(name)
    assert policies == {"publish-metrics": policy("publish-metrics.json")}
    assert policies["publish-metrics"] == iam_policy("perf/checkout/loadtests")


@pytest.mark.parametrize("name", ROLES)
def test_with_a_bucket_it_may_put_records_there_too(role_of, name):
    _, policies = role_of(name, **RECORDS)
    assert policies == {
        "publish-metrics": policy("publish-metrics.json"),
        "put-records": policy("put-records.json"),
    }
    _, policies = role_of(name, RecordsBucket="perf-records")
    assert policies["put-records"] == record_policy(S3Location("perf-records", ""), "eu-central-1")


@pytest.mark.parametrize("name", ROLES)
def test_with_a_key_it_may_encrypt_by_way_of_s3(role_of, name):
    _, policies = role_of(name, **RECORDS, RecordsKmsKeyArn=KEY)
    (statement,) = policies["encrypt-records"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("kms:GenerateDataKey", KEY)
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
    _, policies = role_of(name, RecordsKmsKeyArn=KEY)
    assert set(policies) == {"publish-metrics"}, "a key without a bucket is of no use"


@pytest.mark.parametrize(("name", "file"), zip(ROLES, ["trust-irsa.json", "trust-pod-identity.json"], strict=True))
def test_the_masters_service_account_may_assume_it_and_no_other(role_of, name, file):
    trust, _ = role_of(name)
    # moto's account.
    assert trust == json.loads((AWS / "policies" / file).read_text().replace("111122223333", "123456789012"))


def test_the_association_ties_the_role_to_the_service_account():
    """moto leaves out AWS::EKS::PodIdentityAssociation, so this is read from the template."""
    resources = template("role-pod-identity.yaml")["Resources"]
    assert resources["Association"] == {
        "Type": "AWS::EKS::PodIdentityAssociation",
        "Properties": {
            "ClusterName": {"Ref": "ClusterName"},
            "Namespace": {"Ref": "KubernetesNamespace"},
            "ServiceAccount": {"Ref": "ServiceAccount"},
            "RoleArn": {"Fn::GetAtt": "Role.Arn"},
        },
    }


def test_both_roles_have_the_same_policies():
    of = [copy.deepcopy(template(name)["Resources"]) for name in ROLES]
    for name in ("PublishMetrics", "PutRecords", "EncryptRecords"):
        assert of[0][name] == of[1][name]


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_partition_is_taken_for_granted(name):
    """moto knows one partition only, so this is read from the template."""
    text = "\n".join(line for line in (AWS / name).read_text().splitlines() if "AllowedPattern" not in line)
    arns = re.findall(r"(?<![\w-])arn:\S+?:{1,2}\w+", text)
    assert all(arn.startswith("arn:${AWS::Partition") for arn in arns), arns
    # Principals and audiences are the same in all partitions; an endpoint's name ends with the partition's own suffix.
    known = ("pods.eks.amazonaws.com", "sts.amazonaws.com", "eks.amazonaws.com/role-arn", OIDC_PROVIDER)
    for each in known:
        text = text.replace(each, "")
    assert "amazonaws" not in text


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        ("MetricsNamespace", ["perf/checkout/loadtests", "a:b", "x"], ["", ":x", "a b", "ä", "a*", "a\nb"]),
        ("KubernetesNamespace", ["load-tests", "a"], ["", "-a", "a-", "A", "a.b", "a_b"]),
        ("ServiceAccount", ["locust-master", "a.b"], ["", "-a", "*", "A"]),
        ("RecordsBucket", ["", "perf-records", "a.b"], ["ab", "Perf", "s3://perf-records", "a/b", "*"]),
        ("RecordsPrefix", ["", "checkout", "a/b=c"], ["/a", "a/", "a//b", "*", "a b", "${x}"]),
        ("RecordsKmsKeyArn", ["", KEY, KEY.replace("arn:aws:", "arn:aws-cn:")], ["*", "alias/x", KEY[:-40] + "/*"]),
        (
            "PermissionsBoundary",
            ["", "arn:aws:iam::111122223333:policy/x", "arn:aws-us-gov:iam::aws:policy/x"],
            ["x", "arn:aws:iam::1:policy/x", "arn:aws:iam::111122223333:role/x"],
        ),
        ("ClusterName", ["perf", "a_b-1"], ["", "-a", "a/b", "*"]),
        ("OidcProvider", [OIDC_PROVIDER], ["", f"https://{OIDC_PROVIDER}", f"{OIDC_PROVIDER}/", '"', "*"]),
        ("Audience", ["sts.amazonaws.com"], ["", '"', "a b"]),
        ("BucketName", ["", "perf-records"], ["ab", "Perf"]),
        ("KmsKeyArn", ["", KEY], ["*", "alias/x"]),
    ],
)
def test_parameters_take_what_is_right_only(parameter, right, wrong):
    """CloudFormation matches a pattern with the whole value; moto ignores it."""
    declared = [template(name)["Parameters"].get(parameter) for name in TEMPLATES]
    patterns = {each["AllowedPattern"] for each in declared if each}
    (pattern,) = patterns
    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_every_parameter_says_what_it_is_and_what_is_right():
    for name in TEMPLATES:
        for parameter, declared in template(name)["Parameters"].items():
            assert declared["Description"], (name, parameter)
            is_bounded = {"AllowedPattern", "ConstraintDescription"} <= set(declared) or "MinValue" in declared
            assert is_bounded, (name, parameter)


def test_the_bucket_is_private_encrypted_and_forgets(moto, deploy):
    outputs = deploy("records-bucket.yaml", BucketName="stack-of-records", KeepDays="90")
    assert outputs["Bucket"] == "stack-of-records"
    assert "stack-of-records" in [each["Name"] for each in moto.client("s3").list_buckets()["Buckets"]]
    # Of a bucket's properties moto makes few; the rest is read from the template.
    properties = template("records-bucket.yaml")["Resources"]["Bucket"]["Properties"]
    assert list(properties["PublicAccessBlockConfiguration"].values()) == [True] * 4
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", {"Ref": "KeepDays"})
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == {"Fn::If": ["HasKey", "aws:kms", "AES256"]}
    resource = template("records-bucket.yaml")["Resources"]["Bucket"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    iam = moto.client("iam")
    version = iam.get_policy(PolicyArn=outputs["ReadPolicyArn"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=outputs["ReadPolicyArn"], VersionId=version)["PolicyVersion"][
        "Document"
    ]
    assert [each["Action"] for each in document["Statement"]] == ["s3:GetObject", "s3:ListBucket"]
    # The bucket's own statement needs a principal and a condition, and none of it may allow.
    statements = template("records-bucket.yaml")["Resources"]["OnlyByTls"]["Properties"]["PolicyDocument"]["Statement"]
    assert [each["Effect"] for each in statements] == ["Deny"]


def test_a_bucket_pattern_takes_no_bucket_that_the_option_refuses():
    pattern = template("role-irsa.yaml")["Parameters"]["RecordsPrefix"]["AllowedPattern"]
    for prefix in ("checkout", "a/b=c", "team@x/y,z"):
        assert re.fullmatch(pattern, prefix)
        assert Settings(record=f"s3://perf-records/{prefix}").record == f"s3://perf-records/{prefix}"


def test_the_stack_of_all_passes_on_what_its_parts_take():
    """Nested stacks come from S3, where 'package' puts them; this is read from the templates."""
    whole = template("stack.yaml")
    for resource in whole["Resources"].values():
        assert resource["Type"] == "AWS::CloudFormation::Stack"
    nested = {
        name: (each["Properties"]["TemplateURL"].removeprefix("./"), each["Properties"].get("Parameters", {}))
        for name, each in whole["Resources"].items()
    }
    assert {file for file, _ in nested.values()} == {
        *("records-bucket.yaml", "role-pod-identity.yaml"),
        *("alarms.json", "dashboard.json"),  # made by `locust-cw alarms` and `locust-cw dashboard`
    }
    for name in ("Records", "Role"):
        file, parameters = nested[name]
        declared = template(file)["Parameters"]
        required = {key for key, each in declared.items() if "Default" not in each}
        assert required <= set(parameters) <= set(declared), name
    for key, declared in whole["Parameters"].items():
        assert declared == template("role-pod-identity.yaml")["Parameters"][key]
    references = re.findall(r"!GetAtt (\w+)\.Outputs\.(\w+)", (AWS / "stack.yaml").read_text())
    assert references
    for name, output in references:
        assert output in template(nested[name][0])["Outputs"]


def test_what_cfn_lint_is_told_to_leave_out_is_what_is_known():
    left_out = {name: template(name).get("Metadata", {}).get("cfn-lint") for name in TEMPLATES}
    assert {name for name, config in left_out.items() if config} == {"stack.yaml"}
    # TemplateURL is a file until 'aws cloudformation package' has been there.
    assert left_out["stack.yaml"] == {"config": {"ignore_checks": ["W3002"]}}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """A folder with all templates, those that the commands make included."""
    folder = tmp_path_factory.mktemp("templates")
    for name in TEMPLATES:
        (folder / name).write_text((AWS / name).read_text())
    options = ["--format", "cloudformation", "--cw-service", "checkout", "-H", "https://shop.test"]
    options += ["--cw-rule", "p95 < 300 ms", "--cw-rule", "p99(POST /checkout) < 1 s, window_s=300"]
    for command in ("alarms", "dashboard"):
        done = locust_cw(command, *options, folder=tmp_path_factory.mktemp("command"), env=dict(os.environ))
        (folder / f"{command}.json").write_text(done.stdout)
    return folder


def test_cfn_lint_finds_nothing_in_any_partition(packaged):
    """In the templates, in what the commands make, and in the stack that joins them."""
    done = cfn_lint(*sorted(packaged.iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_stack_is_linted_together_with_its_parts(packaged, tmp_path):
    for path in packaged.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    stack = tmp_path / "stack.yaml"
    stack.write_text(stack.read_text().replace("MetricsNamespace: !Ref", "MetricNamespace: !Ref"))
    done = cfn_lint(stack, regions=["us-east-1"])
    assert done.returncode != 0
    assert "MetricNamespace" in done.stdout
