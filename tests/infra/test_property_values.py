"""Values of both plans, compared with CloudFormation's registry in each region that Atrium
supports.

cfn-lint's wheel has the schemas (types, enums, patterns, ranges) and, by region, resource types,
instance classes and engine versions. `make lock` updates it.
"""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.infra.cloudformation import TYPES, Schemas, Template, template
from tools.deploy.terraform.offline_plan import Plan, of_kind

# The regions where both environments can be deployed without a change. af-south-1, ap-east-1,
# ca-west-1 and eu-south-1 lack prod's db.m7g.large, ap-east-2 lacks RDS Proxy, and China lacks
# Cognito's user pools.
REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
    *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-central-1", "eu-central-1", "eu-central-2"),
    *("eu-north-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1"),
    *("me-central-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1"),
    "us-west-2",
)
WITHOUT_PROXY = "ap-east-2"


@dataclass(frozen=True)
class Finding:
    address: str
    value_of: str  # the path of a property
    rule: str
    message: str

    @property
    def is_about_a_major_version(self) -> bool:
        """Return True for a major version, which RDS accepts, although the list has all as
        deprecated.
        """
        return self.rule == "W3691" and re.search(r"version '\d+' for", self.message) is not None


def cfn_lint() -> Path:
    """Return the cfn-lint command; the variable `CFN_LINT` can name one outside the environment."""
    found = os.environ.get("CFN_LINT")
    return Path(found) if found else Path(sys.executable).parents[1] / "cfn-lint/bin/cfn-lint"


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    [folder] = cfn_lint().parents[1].glob("lib/python3*/site-packages/cfnlint/data/schemas")
    return Schemas(folder)


def findings(made: Template, folder: Path, *regions: str) -> list[Finding]:
    file = folder / "template.json"
    file.write_text(made.text)
    ran = subprocess.run(
        # E3010 limits the resources of one template, but this one has those of two environments.
        [cfn_lint(), file, "--format", "json", "--ignore-checks", "E3010", "--regions", *regions],
        capture_output=True,
        text=True,
    )
    assert not ran.stderr, ran.stderr
    found = []
    for each in json.loads(ran.stdout):
        _, name, *below = each["Location"]["Path"]
        path = ".".join(map(str, below[1:]))
        finding = Finding(made.addresses[name], path, each["Rule"]["Id"], each["Message"])
        found += [] if finding.is_about_a_major_version else [finding]
    return found


def test_all_values_are_valid_in_awss_schemas(
    dev: Plan, prod: Plan, schemas: Schemas, tmp_path: Path
) -> None:
    made = template({"dev": dev, "prod": prod}, schemas)
    assert findings(made, tmp_path, *REGIONS) == []
    assert len({each["Type"] for each in made.resources.values()}) == len(TYPES)
    assert made.values > 2000
    print(f"{made.values} values of {len(made.resources)} resources in {len(REGIONS)} regions")


@dataclass(frozen=True)
class Wrong:
    """A wrong value for the first resource of a type, and the property that cfn-lint reports."""

    kind: str
    path: tuple[str | int, ...]
    value: Any
    property: str

    def plan(self, plan: Plan) -> Plan:
        """Return a plan of this resource alone, with the wrong value."""
        address = next(each for each in plan if f".{self.kind}." in f".{each}")
        made = {address: copy.deepcopy(plan[address])}
        holder: Any = made[address]
        for part in self.path[:-1]:
            holder = holder[part]
        holder[self.path[-1]] = self.value
        return made


WRONG: Mapping[str, Wrong] = {
    "an instance class that AWS does not have": Wrong("aws_db_instance", ("instance_class",), "db.t9.micro", "DBInstanceClass"),
    "an engine version that AWS does not have": Wrong("aws_db_instance", ("engine_version",), "17.99", "EngineVersion"),
    "a backup kept too long": Wrong("aws_db_instance", ("backup_retention_period",), 36, "BackupRetentionPeriod"),
    "a pool above a hundred per cent": Wrong("aws_db_proxy_default_target_group", ("connection_pool_config", 0, "max_connections_percent",), 101, "ConnectionPoolConfigurationInfo.MaxConnectionsPercent"),
    "a proxy's engine family": Wrong("aws_db_proxy", ("engine_family",), "POSTGRES", "EngineFamily"),
    "a runtime that is no more": Wrong("aws_lambda_function", ("runtime",), "python2.7", "Runtime"),
    "too little memory": Wrong("aws_lambda_function", ("memory_size",), 64, "MemorySize"),
    "a function of more than 15 minutes": Wrong("aws_lambda_function", ("timeout",), 901, "Timeout"),
    "a processor": Wrong("aws_lambda_function", ("architectures",), ["arm"], "Architectures.0"),
    "too many retries": Wrong("aws_lambda_function_event_invoke_config", ("maximum_retry_attempts",), 3, "MaximumRetryAttempts"),
    "a log retention that AWS does not have": Wrong("aws_cloudwatch_log_group", ("retention_in_days",), 13, "RetentionInDays"),
    "a queue's retention": Wrong("aws_sqs_queue", ("message_retention_seconds",), 1209601, "MessageRetentionPeriod"),
    "a key's waiting time": Wrong("aws_kms_key", ("deletion_window_in_days",), 6, "PendingWindowInDays"),
    "a billing mode": Wrong("aws_dynamodb_table", ("billing_mode",), "ON_DEMAND", "BillingMode"),
    "a stream view": Wrong("aws_dynamodb_table", ("stream_view_type",), "NEW", "StreamSpecification.StreamViewType"),
    "an auth flow": Wrong("aws_cognito_user_pool_client", ("explicit_auth_flows",), ["ALLOW_SRP"], "ExplicitAuthFlows.0"),
    "a password of five letters": Wrong("aws_cognito_user_pool", ("password_policy", 0, "minimum_length",), 5, "Policies.PasswordPolicy.MinimumLength"),
    "an instance type": Wrong("aws_instance", ("instance_type",), "t4g.pico", "InstanceType"),
    "what a flow log holds": Wrong("aws_flow_log", ("traffic_type",), "SOME", "TrafficType"),
    "a range of a subnet": Wrong("aws_subnet", ("cidr_block",), "10.30.0.0/33", "CidrBlock"),
    "a kind of endpoint": Wrong("aws_vpc_endpoint", ("vpc_endpoint_type",), "Gate", "VpcEndpointType"),
}  # fmt: skip


def test_each_wrong_value_and_region_is_reported(
    dev: Plan, schemas: Schemas, tmp_path: Path
) -> None:
    plans = {name: wrong.plan(dev) for name, wrong in WRONG.items()}
    found = findings(template(plans, schemas), tmp_path, "eu-central-1", WITHOUT_PROXY)
    told = {(each.address.partition(": ")[0], each.value_of) for each in found}
    missed = {name for name, wrong in WRONG.items() if (name, wrong.property) not in told}
    assert missed == set(), sorted(told)
    missing = f"Resource type 'AWS::RDS::DBProxy' does not exist in '{WITHOUT_PROXY}'"
    assert missing in {each.message for each in found}


def test_a_resource_type_that_no_table_names_is_an_error(schemas: Schemas) -> None:
    with pytest.raises(KeyError, match="aws_new_thing"):
        template({"dev": {"module.x.aws_new_thing.this": {}}}, schemas)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_endpoints_are_of_services_in_the_region(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(environment)
    assert unknown_services(plan) == []
    endpoint = copy.deepcopy(of_kind(plan, "aws_vpc_endpoint")[0])
    for wrong in (
        "com.amazonaws.eu-central-1.dynamo",
        "com.amazonaws.eu-middle-1.dynamodb",
        "dynamodb",
    ):
        broken = {"module.network.aws_vpc_endpoint.this": endpoint | {"service_name": wrong}}
        assert unknown_services(broken) == [wrong]


def unknown_services(plan: Plan) -> list[str]:
    """Return the names of endpoints that are not `com.amazonaws.<region>.<service>` of that region."""
    session = botocore.session.get_session()
    wrong = []
    for endpoint in of_kind(plan, "aws_vpc_endpoint"):
        prefix, _, service = endpoint["service_name"].rpartition(".")
        region = prefix.removeprefix("com.amazonaws.")
        if prefix == region or region not in session.get_available_regions(service):
            wrong.append(endpoint["service_name"])
    return wrong
