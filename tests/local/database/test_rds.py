"""The control plane's side, over the query protocol: what Terraform reads, and what the stand-in reads of what it made."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from moto import mock_aws
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import Client

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.database.rds import interceptor
from local_aws.database.registered import RegisteredProxy, registered_proxies
from local_aws.settings import ACCOUNT_ID
from tests.local.database.conftest import REGION, allow, make_role

Ask = Callable[..., str]


@pytest.fixture
def rds() -> Iterator[Ask]:
    with mock_aws():
        server = Client(create_backend_app("rds"))

        async def forward(call: AwsCall) -> AwsResponse:
            answer = server.post("/", data=call.body, headers=dict(call.headers))
            return AwsResponse(answer.status_code, answer.data, dict(answer.headers))

        def ask(action: str, **parameters: str) -> str:
            credential = f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/rds/aws4_request, Signature=x"
            headers = {"authorization": credential, "content-type": "application/x-www-form-urlencoded"}
            body = urlencode({"Action": action, "Version": "2014-10-31", **parameters}).encode()
            call = AwsCall("rds", "POST", "/", "", headers, body, REGION, action, "test")
            answer = asyncio.run(answered(call, forward))
            assert answer.status == 200, answer.body
            return answer.body.decode()

        yield ask


async def answered(call: AwsCall, forward: Forward) -> AwsResponse:
    return await interceptor(16543)(call, forward)


def element(xml: str, name: str) -> str | None:
    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    return found[1] if found else None


def create_database(rds: Ask, name: str = "database") -> str:
    return rds(
        "CreateDBInstance",
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage="20",
        MasterUsername="postgres",
        ManageMasterUserPassword="true",
        EnablePerformanceInsights="true",
        PerformanceInsightsRetentionPeriod="7",
        PerformanceInsightsKMSKeyId="a-key",
    )


def create_proxy(rds: Ask, secret_arn: str, role_arn: str) -> str:
    ec2 = boto3.client("ec2", region_name=REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    return rds(
        "CreateDBProxy",
        **{
            "DBProxyName": "proxy",
            "EngineFamily": "POSTGRESQL",
            "RoleArn": role_arn,
            "VpcSubnetIds.member.1": subnet,
            "Auth.member.1.AuthScheme": "SECRETS",
            "Auth.member.1.IAMAuth": "REQUIRED",
            "Auth.member.1.SecretArn": secret_arn,
        },
    )


def test_performance_insights_are_read_back(rds: Ask) -> None:
    create_database(rds)
    read = rds("DescribeDBInstances", DBInstanceIdentifier="database")
    assert element(read, "PerformanceInsightsEnabled") == "true"
    assert element(read, "PerformanceInsightsRetentionPeriod") == "7"
    assert element(read, "PerformanceInsightsKMSKeyId") == "a-key"
    rds("ModifyDBInstance", DBInstanceIdentifier="database", EnablePerformanceInsights="false")
    read = rds("DescribeDBInstances", DBInstanceIdentifier="database")
    assert element(read, "PerformanceInsightsEnabled") == "false"
    assert element(read, "PerformanceInsightsKMSKeyId") is None


def test_each_database_has_its_own_resource_id(rds: Ask) -> None:
    ids = [element(create_database(rds, name), "DbiResourceId") for name in ("one", "two")]
    assert ids[0] != ids[1]
    found = rds(
        "DescribeDBInstances",
        **{"Filters.Filter.1.Name": "dbi-resource-id", "Filters.Filter.1.Values.Value.1": str(ids[1])},
    )
    assert element(found, "DBInstanceIdentifier") == "two"
    assert element(found, "DbiResourceId") == ids[1]


def test_a_parameter_that_was_set_is_the_users(rds: Ask) -> None:
    rds("CreateDBParameterGroup", DBParameterGroupName="g", DBParameterGroupFamily="postgres17", Description="d")
    setting = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
    rds(
        "ModifyDBParameterGroup",
        DBParameterGroupName="g",
        **{f"Parameters.Parameter.1.{n}": v for n, v in setting.items()},
    )
    read = rds("DescribeDBParameters", DBParameterGroupName="g")
    assert (element(read, "ParameterName"), element(read, "Source")) == ("rds.force_ssl", "user")


def managed_secret(database: str) -> str:
    arn = element(database, "SecretArn")
    assert arn
    return arn


def test_the_managed_secret_names_the_master(rds: Ask) -> None:
    arn = managed_secret(create_database(rds))
    value = boto3.client("secretsmanager", region_name=REGION).get_secret_value(SecretId=arn)["SecretString"]
    assert json.loads(value)["username"] == "postgres"


def test_terraform_reads_the_stand_ins_address(rds: Ask) -> None:
    secret = managed_secret(create_database(rds))
    made = create_proxy(rds, secret, make_role("proxy", allow("secretsmanager:GetSecretValue", secret)))
    assert element(made, "Endpoint") == "127.0.0.1"
    assert element(rds("DescribeDBProxies", DBProxyName="proxy"), "Endpoint") == "127.0.0.1"
    target = {"DBProxyName": "proxy", "TargetGroupName": "default"}
    registered = rds("RegisterDBProxyTargets", **target, **{"DBInstanceIdentifiers.member.1": "database"})
    assert element(registered, "Port") == "16543"
    assert element(rds("DescribeDBProxyTargets", **target), "Port") == "16543"


def test_the_stand_in_sees_what_was_registered(rds: Ask) -> None:
    secret = managed_secret(create_database(rds))
    role = make_role("proxy", allow("secretsmanager:GetSecretValue", secret))
    create_proxy(rds, secret, role)
    [found] = registered_proxies()
    assert (found.secret_arns, found.role_arn, found.has_target) == ((secret,), role, False)
    assert re.fullmatch(rf"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:prx-[0-9a-z]+/app", found.user_arn("app"))
    rds("RegisterDBProxyTargets", **{"DBProxyName": "proxy", "DBInstanceIdentifiers.member.1": "database"})
    assert registered_proxies()[0].has_target
    assert found.problem_with("postgres") is None
    assert "No secret" in str(found.problem_with("app"))


@pytest.mark.parametrize(
    "value", [None, " ", "not json", "[]", {"username": "app"}, {"username": "app", "password": ""}]
)
def test_a_secret_must_have_a_user_and_a_password(rds: Ask, value: Any) -> None:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    arn = secrets.create_secret(Name="app")["ARN"]
    role = make_role("proxy", allow("secretsmanager:GetSecretValue", arn))
    proxy = RegisteredProxy("prx-1", REGION, (arn,), role, has_target=True)
    if value is not None:
        secrets.put_secret_value(SecretId=arn, SecretString=value if isinstance(value, str) else json.dumps(value))
    assert proxy.problem_with("app") is not None
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"username": "app", "password": "x"}))
    assert proxy.problem_with("app") is None
