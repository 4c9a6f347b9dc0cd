"""Deploy roles in one account: what dev's role may do to prod's resources and to its own.

Each AWS action is evaluated on every resource by our IAM and, for one resource of each type, by an
independent simulator. UNBOUNDED lists what neither a name nor a tag limits, with the limit that
applies instead.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws.iam.decision import decide
from local_aws.iam.policy import Policy, parse
from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from local_aws_tests.iam.simulator import FOLDER, Question, ask
from local_aws_tests.support import node_packages
from tests.infra.test_modules import Message
from tools.deploy.terraform.offline_plan import Plan, offline

ROOT = Path(__file__).resolve().parents[2]
REGION, ACCOUNT = "eu-central-1", "000000000000"
IDS = f"{REGION}:{ACCOUNT}"

# Type → ARN. A resource without a name in its ARN is identified by the tags in the provider's
# default_tags.
NAMED = {
    "aws_cloudwatch_dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{{dashboard_name}}",
    "aws_cloudwatch_event_bus": f"arn:aws:events:{IDS}:event-bus/{{name}}",
    "aws_cloudwatch_event_rule": f"arn:aws:events:{IDS}:rule/{{name}}",
    "aws_cloudwatch_log_group": f"arn:aws:logs:{IDS}:log-group:{{name}}",
    "aws_cloudwatch_metric_alarm": f"arn:aws:cloudwatch:{IDS}:alarm:{{alarm_name}}",
    "aws_db_instance": f"arn:aws:rds:{IDS}:db:{{identifier}}",
    "aws_db_parameter_group": f"arn:aws:rds:{IDS}:pg:{{name}}",
    "aws_db_subnet_group": f"arn:aws:rds:{IDS}:subgrp:{{name}}",
    "aws_dynamodb_table": f"arn:aws:dynamodb:{IDS}:table/{{name}}",
    "aws_iam_instance_profile": f"arn:aws:iam::{ACCOUNT}:instance-profile/{{name}}",
    "aws_iam_role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "aws_key_pair": f"arn:aws:ec2:{IDS}:key-pair/{{key_name}}",
    "aws_kms_alias": f"arn:aws:kms:{IDS}:{{name}}",
    "aws_lambda_alias": f"arn:aws:lambda:{IDS}:function:{{function_name}}:{{name}}",
    "aws_lambda_function": f"arn:aws:lambda:{IDS}:function:{{function_name}}",
    "aws_lambda_layer_version": f"arn:aws:lambda:{IDS}:layer:{{layer_name}}:1",
    "aws_secretsmanager_secret": f"arn:aws:secretsmanager:{IDS}:secret:{{name}}-AbCdEf",
    "aws_sns_topic": f"arn:aws:sns:{IDS}:{{name}}",
    "aws_sqs_queue": f"arn:aws:sqs:{IDS}:{{name}}",
    "aws_ssm_parameter": f"arn:aws:ssm:{IDS}:parameter{{name}}",
    "aws_wafv2_web_acl": f"arn:aws:wafv2:{IDS}:regional/webacl/{{name}}/0a",
}
TAGGED = {
    "aws_api_gateway_domain_name": f"arn:aws:apigateway:{REGION}::/domainnames/api.example.org",
    "aws_api_gateway_rest_api": f"arn:aws:apigateway:{REGION}::/restapis/0a",
    "aws_api_gateway_stage": f"arn:aws:apigateway:{REGION}::/restapis/0a/stages/live",
    "aws_api_gateway_usage_plan": f"arn:aws:apigateway:{REGION}::/usageplans/0a",
    "aws_cognito_user_pool": f"arn:aws:cognito-idp:{IDS}:userpool/{REGION}_0a",
    "aws_db_proxy": f"arn:aws:rds:{IDS}:db-proxy:prx-0a",
    "aws_default_security_group": f"arn:aws:ec2:{IDS}:security-group/sg-0b",
    "aws_eip": f"arn:aws:ec2:{IDS}:elastic-ip/eipalloc-0a",
    "aws_flow_log": f"arn:aws:ec2:{IDS}:vpc-flow-log/fl-0a",
    "aws_instance": f"arn:aws:ec2:{IDS}:instance/i-0a",
    "aws_internet_gateway": f"arn:aws:ec2:{IDS}:internet-gateway/igw-0a",
    "aws_kms_key": f"arn:aws:kms:{IDS}:key/0a",
    "aws_lambda_event_source_mapping": f"arn:aws:lambda:{IDS}:event-source-mapping:0a",
    "aws_nat_gateway": f"arn:aws:ec2:{IDS}:natgateway/nat-0a",
    "aws_route_table": f"arn:aws:ec2:{IDS}:route-table/rtb-0a",
    "aws_security_group": f"arn:aws:ec2:{IDS}:security-group/sg-0a",
    "aws_subnet": f"arn:aws:ec2:{IDS}:subnet/subnet-0a",
    "aws_vpc": f"arn:aws:ec2:{IDS}:vpc/vpc-0a",
    "aws_vpc_endpoint": f"arn:aws:ec2:{IDS}:vpc-endpoint/vpce-0a",
    "aws_vpc_security_group_egress_rule": f"arn:aws:ec2:{IDS}:security-group-rule/sgr-0a",
    "aws_vpc_security_group_ingress_rule": f"arn:aws:ec2:{IDS}:security-group-rule/sgr-0b",
}
# Settings of another resource in the plan: AWS authorises them on that one.
SETTINGS_OF = {
    "aws_api_gateway_base_path_mapping": "aws_api_gateway_domain_name",
    "aws_api_gateway_deployment": "aws_api_gateway_rest_api",
    "aws_api_gateway_method_settings": "aws_api_gateway_stage",
    "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
    "aws_cognito_resource_server": "aws_cognito_user_pool",
    "aws_cognito_user_group": "aws_cognito_user_pool",
    "aws_cognito_user_pool_client": "aws_cognito_user_pool",
    "aws_cognito_user_pool_domain": "aws_cognito_user_pool",
    "aws_db_proxy_default_target_group": "aws_db_proxy",
    "aws_db_proxy_target": "aws_db_proxy",
    "aws_iam_role_policy": "aws_iam_role",
    "aws_lambda_function_event_invoke_config": "aws_lambda_function",
    "aws_lambda_permission": "aws_lambda_function",
    "aws_route": "aws_route_table",
    "aws_route_table_association": "aws_route_table",
    "aws_sns_topic_policy": "aws_sns_topic",
    "aws_sns_topic_subscription": "aws_sns_topic",
    "aws_wafv2_web_acl_association": "aws_wafv2_web_acl",
    "aws_wafv2_web_acl_logging_configuration": "aws_wafv2_web_acl",
}
# docs/threat-model.md names the consequence of each.
UNBOUNDED = {
    "aws_cloudwatch_query_definition": "a saved query has an id and no tags; it holds the text of a query and no data",
    "terraform_data": "a value in Terraform's state",
    "random_id": "a value in Terraform's state",
    "time_sleep": "a value in Terraform's state",
}


@dataclass(frozen=True)
class Resource:
    """A resource of an environment as IAM identifies it."""

    kind: str
    arn: str
    tags: Mapping[str, str]

    @property
    def context(self) -> dict[str, str]:
        return {f"aws:ResourceTag/{key}": value for key, value in self.tags.items()}


def resources(plan: Plan, stage: str) -> list[Resource]:
    found = {}
    for address, known in plan.items():
        kind = re.sub(r"\[.*", "", address).split(".")[-2]
        if template := NAMED.get(kind) or TAGGED.get(kind):
            arn = template.format_map(known)
            tags = {"Environment": stage, "Project": "atrium"} if kind in TAGGED else {}
            found[arn] = Resource(kind, arn, tags)
    return list(found.values())


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Return environment → policy documents of its deploy role."""
    folder = tmp_path_factory.mktemp("bootstrap") / "bootstrap"
    shutil.copytree(
        ROOT / "envs/bootstrap",
        folder,
        ignore=shutil.ignore_patterns(".terraform", "refusals.tftest.hcl"),
    )
    environ = offline(os.environ) | providers.environment(folder.parent)
    command = terraform(ROOT / ".local")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [command, *arguments], cwd=folder, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        return done.stdout

    run("init", "-backend=false", "-input=false", "-lockfile=readonly", "-no-color")
    messages = map(Message.read, run("test", "-json", "-verbose").splitlines())
    plan = next(message.test_plan for message in messages if message.test_plan)
    found: dict[str, list[Any]] = {"dev": [], "prod": []}
    for change in plan.resource_changes:
        if deploy := re.fullmatch(
            r'aws_iam_(role_)?policy\.deploy\w*\["(\w+)"\]', change["address"]
        ):
            found[deploy[2]].append(json.loads(change["change"]["after"]["policy"]))
    return found


def actions(arns: list[str]) -> list[list[tuple[str, bool]]]:
    """Return, for each ARN, its AWS actions, and whether they check its tags."""
    node_packages.install(FOLDER)
    done = subprocess.run(
        ["node", FOLDER / "actions.mjs"], input=json.dumps(arns), capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return [[(action, tagged) for action, tagged in found] for found in json.loads(done.stdout)]


@dataclass(frozen=True)
class Call:
    action: str
    resource: Resource
    context: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.action} on {self.resource.arn}"


def calls(found: list[Resource]) -> Iterator[Call]:
    for resource, known in zip(found, actions([resource.arn for resource in found]), strict=True):
        for action, tagged in known:
            yield Call(action, resource, resource.context if tagged else {})


def allowed(documents: list[Any], call: Call) -> bool:
    return decide(_parsed(documents), call.action, call.resource.arn, call.context).allowed


def _parsed(documents: list[Any]) -> list[Policy]:
    return [parse(json.dumps(document)) for document in documents]


@pytest.mark.parametrize(("mine", "other"), [("dev", "prod"), ("prod", "dev")])
def test_a_deploy_role_changes_no_resource_of_another_environment(
    mine: str, other: str, roles: dict[str, list[Any]], request: pytest.FixtureRequest
) -> None:
    asked = list(calls(resources(request.getfixturevalue(other), other)))
    assert len(asked) > 2_000
    assert [str(call) for call in asked if allowed(roles[mine], call)] == []
    # One resource of each type, because the simulator is slower.
    kinds = {call.resource.kind: call.resource for call in asked}
    some = [call for call in asked if call.resource == kinds[call.resource.kind]]
    verdicts = ask(
        [Question(call.action, call.resource.arn, call.context, roles[mine]) for call in some]
    )
    wrong = [str(call) for call, verdict in zip(some, verdicts, strict=True) if verdict.allowed]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("mine", ["dev", "prod"])
def test_a_deploy_role_may_do_everything_but_iam_to_its_own_resources(
    mine: str, roles: dict[str, list[Any]], request: pytest.FixtureRequest
) -> None:
    asked = [
        call
        for call in calls(resources(request.getfixturevalue(mine), mine))
        if not call.action.startswith("iam:")
    ]
    assert len(asked) > 1_000
    assert [str(call) for call in asked if not allowed(roles[mine], call)] == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_resource_type_is_bounded_or_listed(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(environment)
    kinds = {
        re.sub(r"\[.*", "", address).split(".")[-2]
        for address in plan
        if not address.startswith("data.")
    }
    assert kinds - NAMED.keys() - TAGGED.keys() - SETTINGS_OF.keys() - UNBOUNDED.keys() == set()
    assert {kind for kind in SETTINGS_OF.values() if kind not in NAMED | TAGGED} == set()
    for address, known in plan.items():
        kind = re.sub(r"\[.*", "", address).split(".")[-2]
        assert kind not in TAGGED or "tags" in known, (
            f"{address} takes no tags, so default_tags do not bound it."
        )


CREATE = {"aws:RequestTag/Environment": "dev", "aws:RequestTag/Project": "atrium"}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (CREATE, True),
        ({}, True),
        (CREATE | {"aws:RequestTag/Environment": "prod"}, False),
        (CREATE | {"aws:RequestTag/Project": "other"}, False),
    ],
)
def test_nothing_can_be_created_under_another_environments_name(
    context: dict[str, str], expected: bool, roles: dict[str, list[Any]]
) -> None:
    vpc = f"arn:aws:ec2:{IDS}:vpc/*"
    assert decide(_parsed(roles["dev"]), "ec2:CreateVpc", vpc, context).allowed is expected


BOUNDED = {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/atrium-deploy-dev"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "expected"),
    [
        ("iam:CreateRole", "role/atrium-dev-x", BOUNDED, True),
        ("iam:PutRolePolicy", "role/atrium-dev-x", BOUNDED, True),
        ("iam:CreateRole", "role/atrium-dev-x", {}, False),
        ("iam:CreateRole", "role/atrium-dev-x", {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess"}, False),
        ("iam:PutRolePolicy", "role/atrium-prod-x", BOUNDED, False),
        ("iam:PassRole", "role/atrium-prod-x", {}, False),
        ("iam:CreatePolicyVersion", "policy/atrium-deploy-dev", {}, False),
        ("iam:DeleteRolePermissionsBoundary", "role/atrium-dev-x", BOUNDED, False),
        ("iam:UpdateAssumeRolePolicy", "role/atrium-deploy-prod", {}, False),
    ],
)  # fmt: skip
def test_a_deploy_role_creates_only_roles_within_its_own_policy(
    action: str, resource: str, context: dict[str, str], expected: bool, roles: dict[str, list[Any]]
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{resource}"
    assert decide(_parsed(roles["dev"]), action, arn, context).allowed is expected
    [verdict] = ask([Question(action, arn, context, roles["dev"])])
    assert verdict.allowed is expected


def test_a_deploy_role_reads_only_its_own_state(roles: dict[str, list[Any]]) -> None:
    policies = _parsed(roles["dev"])
    states = {
        name: f"arn:aws:s3:::example-states/{name}/terraform.tfstate"
        for name in ("bootstrap", "dev", "prod")
    }
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert [
            name for name, arn in states.items() if decide(policies, action, arn, {}).allowed
        ] == ["dev"]
    assert not decide(policies, "s3:PutBucketPolicy", "arn:aws:s3:::example-states", {}).allowed


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("apigateway:PATCH", f"arn:aws:apigateway:{REGION}::/account"),
        ("rds-db:connect", f"arn:aws:rds-db:{IDS}:dbuser:prx-0a/app"),
        (
            "rds:RestoreDBInstanceFromDBSnapshot",
            f"arn:aws:rds:{IDS}:snapshot:rds:atrium-prod-database-2026-01-01",
        ),
        (
            "dynamodb:RestoreTableFromBackup",
            f"arn:aws:dynamodb:{IDS}:table/atrium-prod-UserAttributes/backup/0a",
        ),
        ("xray:GetTraceSummaries", "*"),
    ],
)
def test_actions_that_no_plan_needs_are_denied(
    action: str, resource: str, roles: dict[str, list[Any]]
) -> None:
    assert not decide(_parsed(roles["dev"]), action, resource, {}).allowed
