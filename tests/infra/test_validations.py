"""Validations of modules, which may be stricter than AWS's own model but never looser.

Each text that a validation's pattern accepts is put into the request that Terraform sends, and
AWS's model must accept it. The patterns are read from the modules.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hcl2
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from local_aws.request_model import RequestModelGate
from local_aws_tests.request_model.sent import answered, call
from tools import ROOT

ROLE = "arn:aws:iam::000000000000:role/own"
TRUST = {"Path": "/", "AssumeRolePolicyDocument": "{}"}
INSTANCE = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres"}
CLASSES = {"[:space:]": r"\s"}


@dataclass(frozen=True)
class Use:
    """The use of a variable's value in a request to a service."""

    file: str
    variable: str
    service: str
    operation: str
    parameters: Callable[[str], dict[str, Any]]
    number: int = 0  # of the pattern, where a variable has several

    def __str__(self) -> str:
        return f"{self.file}:{self.variable} {self.service}:{self.operation}"

    def pattern(self) -> str:
        with (ROOT / self.file / "variables.tf").open() as file:
            declared = hcl2.load(file)["variable"]
        [variable] = [
            each[f'"{self.variable}"'] for each in declared if f'"{self.variable}"' in each
        ]
        text = "".join(str(each["condition"]) for each in variable["validation"])
        found = re.findall(r'regex\("((?:[^"\\]|\\.)*)"', text)[self.number]
        for posix, python in CLASSES.items():
            found = found.replace(posix, python)
        return str(found)

    def most(self) -> int | None:
        """Return the maximum length that the validation states beside the pattern."""
        text = (ROOT / self.file / "variables.tf").read_text()
        found = re.search(rf"length\(var\.{self.variable}\) <= (\d+)", text)
        return int(found[1]) if found else None


def function(name: str) -> dict[str, Any]:
    return {"FunctionName": f"{name}-pre_token_generation", "Role": ROLE, "Code": {"S3Bucket": "own", "S3Key": "f"}}  # fmt: skip


USES = (
    Use("modules/api_lambda", "name", "lambda", "CreateFunction", function),
    Use("modules/api_lambda", "name", "iam", "CreateRole", lambda name: TRUST | {"RoleName": f"{name}-pre_token_generation"}),
    Use("modules/api_lambda", "name", "sqs", "CreateQueue", lambda name: {"QueueName": f"{name}-pre_token_generation-dead-letters"}),
    Use("modules/api_lambda", "name", "logs", "CreateLogGroup", lambda name: {"logGroupName": f"/aws/lambda/{name}-pre_token_generation"}),
    Use("modules/api_lambda", "name", "events", "PutRule", lambda name: {"Name": f"{name}-pre_token_generation", "ScheduleExpression": "rate(1 minute)"}),
    Use("modules/api_lambda", "stage", "apigateway", "CreateStage", lambda stage: {"restApiId": "abcdefghij", "stageName": stage, "deploymentId": "abcdef"}),
    Use("modules/api_lambda", "environment", "lambda", "CreateFunction", lambda key: function("own-dev") | {"Environment": {"Variables": {key: "x"}}}),
    Use("modules/bastion", "name", "ec2", "CreateSecurityGroup", lambda name: {"GroupName": f"{name}-bastion", "Description": "Bastion", "VpcId": "vpc-0a"}),
    Use("modules/bastion", "name", "iam", "CreateInstanceProfile", lambda name: {"InstanceProfileName": f"{name}-bastion"}),
    Use("modules/cognito", "name", "cognito-idp", "CreateUserPool", lambda name: {"PoolName": name}),
    Use("modules/cognito", "resource_server", "cognito-idp", "CreateResourceServer", lambda identifier: {"UserPoolId": "eu-central-1_a", "Identifier": identifier, "Name": "own-dev"}),
    Use("modules/cognito", "scopes", "cognito-idp", "CreateResourceServer", lambda scope: {"UserPoolId": "eu-central-1_a", "Identifier": "own", "Name": "own-dev", "Scopes": [{"ScopeName": scope, "ScopeDescription": "x"}]}),
    Use("modules/cognito", "hosted_page", "cognito-idp", "CreateUserPoolDomain", lambda prefix: {"UserPoolId": "eu-central-1_a", "Domain": prefix}),
    Use("modules/cognito", "groups", "cognito-idp", "CreateGroup", lambda group: {"UserPoolId": "eu-central-1_a", "GroupName": group}),
    Use("modules/dynamodb", "name", "dynamodb", "CreateTable", lambda name: {"TableName": f"{name}-UserAttributes", "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}),
    Use("modules/network", "name", "logs", "CreateLogGroup", lambda name: {"logGroupName": f"/aws/vpc/{name}-flow-logs"}),
    Use("modules/rds_proxy", "name", "rds", "CreateDBInstance", lambda name: INSTANCE | {"DBInstanceIdentifier": f"{name}-database"}),
    Use("modules/rds_proxy", "name", "rds", "CreateDBProxy", lambda name: {"DBProxyName": f"{name}-proxy", "EngineFamily": "POSTGRESQL", "RoleArn": ROLE, "VpcSubnetIds": ["subnet-0a"], "Auth": []}),
    Use("modules/rds_proxy", "name", "rds", "CreateDBParameterGroup", lambda name: {"DBParameterGroupName": f"{name}-postgres17", "DBParameterGroupFamily": "postgres17", "Description": "own"}),
    Use("modules/rds_proxy", "database_name", "rds", "CreateDBInstance", lambda name: INSTANCE | {"DBInstanceIdentifier": "own-database", "DBName": name}),
    Use("modules/rds_proxy", "users", "secretsmanager", "CreateSecret", lambda user: {"Name": f"own-dev-database/{user}", "ClientRequestToken": "0" * 32}),
    Use("envs/bootstrap", "state_bucket", "s3", "CreateBucket", lambda bucket: {"Bucket": bucket}),
)  # fmt: skip


@pytest.mark.parametrize("use", USES, ids=str)
def test_every_text_that_a_validation_accepts_is_valid_in_awss_model(use: Use) -> None:
    assert refused(use, use.pattern(), use.most()) == []


def refused(use: Use, pattern: str, most: int | None) -> list[str]:
    """Return the accepted texts that AWS's model refuses."""
    gate, found = RequestModelGate(), []

    @settings(
        max_examples=20,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        strategies.from_regex(re.compile(pattern, re.ASCII), fullmatch=True).filter(
            _fits(use, most)
        )
    )
    def check(text: str) -> None:
        answer = answered(gate, call(use.service, use.operation, use.parameters(text)))
        if answer is not None:
            found.append(f"{text!r}: {answer.body.decode()}")

    check()
    return found


def _fits(use: Use, most: int | None) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        # Terraform's `$` matches only at the end of the text, Python's also before a final line
        # feed.
        return text == text.rstrip("\n") and (most is None or len(text) <= most)

    return fits


@pytest.mark.parametrize(
    ("number", "pattern"),
    [
        (0, "^[a-z][a-z0-9 ]*$"),  # a space in a function's name
        (6, "^[A-Z][A-Z0-9_-]+$"),  # a hyphen in an environment variable
        (10, "^[A-Za-z ]{1,200}\t$"),
        (17, "^[a-z][a-z0-9]*(-[a-z0-9]*)+$"),  # two hyphens in a row, or one at the end
        (13, "^[^ ]{1,128}$"),  # control characters in a group's name
        (19, "^[a-z]-[a-z0-9_]{0,60}$"),
        (21, "^[a-z0-9._]{3,63}$"),
    ],
)
def test_a_looser_pattern_is_reported(number: int, pattern: str) -> None:
    use = USES[number]
    assert refused(use, pattern, use.most())


def test_the_resource_servers_name_is_no_url() -> None:
    """Check this, because AWS refuses a URL as ResourceServerName (issue 13, row 13)."""
    use = next(each for each in USES if each.variable == "resource_server")
    as_name = use.parameters("own") | {"Name": "https://api.example.org"}
    assert answered(RequestModelGate(), call(use.service, use.operation, as_name)) is not None
    module = (ROOT / "modules/cognito/main.tf").read_text()
    [server] = re.findall(
        r'resource "aws_cognito_resource_server" "this" {(.*?)\n}', module, re.DOTALL
    )
    assert re.search(r"^  name +=\s+var\.name\b", server, re.MULTILINE)
