"""RDS's control plane over the query protocol: Terraform's reads, and the stand-in's reads of the
records.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from moto import mock_aws
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import Client

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.database import leftover_logs, proxy_zones, settling
from local_aws.database.contents import Change, Contents
from local_aws.database.leftover_logs import LeftoverLogs
from local_aws.database.rds import interceptor
from local_aws.database.registered import RegisteredProxy, registered_proxies
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.database.conftest import REGION, allow, make_role

Ask = Callable[..., str]
LEFTOVER = LeftoverLogs()


@pytest.fixture
def rds() -> Iterator[Ask]:
    async def rebuild(_: Change) -> None:
        """Do nothing: these tests need no server."""

    with mock_aws():
        boto3.client("iam", region_name=REGION).create_service_linked_role(
            AWSServiceName="rds.amazonaws.com"
        )
        yield asking(Contents(Path("/nowhere"), rebuild))


def asking(contents: Contents) -> Ask:
    """Return a function that calls RDS as Terraform does, and fails unless the status is 200."""
    server = Client(create_backend_app("rds"))
    intercept = interceptor(16543, LEFTOVER, contents)

    async def forward(call: AwsCall) -> AwsResponse:
        answer = server.post("/", data=call.body, headers=dict(call.headers))
        return AwsResponse(answer.status_code, answer.data, dict(answer.headers))

    async def answered(call: AwsCall) -> AwsResponse:
        return await intercept(call, forward)

    def ask(action: str, **parameters: str) -> str:
        credential = (
            f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/rds/aws4_request, Signature=x"
        )
        headers = {
            "authorization": credential,
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"Action": action, "Version": "2014-10-31", **parameters}).encode()
        call = AwsCall("rds", "POST", "/", "", headers, body, REGION, action, "test")
        answer = asyncio.run(answered(call))
        assert answer.status == 200, answer.body
        return answer.body.decode()

    return ask


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
        **{
            "Filters.Filter.1.Name": "dbi-resource-id",
            "Filters.Filter.1.Values.Value.1": str(ids[1]),
        },
    )
    assert element(found, "DBInstanceIdentifier") == "two"
    assert element(found, "DbiResourceId") == ids[1]


def parameter(rds: Ask, family: str, value: str) -> tuple[str | None, str | None]:
    """Return `Source` and `ApplyMethod` of rds.force_ssl after it is set to this value immediately."""
    rds(
        "CreateDBParameterGroup",
        DBParameterGroupName="g",
        DBParameterGroupFamily=family,
        Description="d",
    )
    setting = {
        "ParameterName": "rds.force_ssl",
        "ParameterValue": value,
        "ApplyMethod": "immediate",
    }
    rds(
        "ModifyDBParameterGroup",
        DBParameterGroupName="g",
        **{f"Parameters.Parameter.1.{n}": v for n, v in setting.items()},
    )
    read = rds("DescribeDBParameters", DBParameterGroupName="g")
    assert element(read, "ParameterName") == "rds.force_ssl"
    return element(read, "Source"), element(read, "ApplyMethod")


@pytest.mark.parametrize(
    ("family", "value", "expected"),
    [
        ("postgres17", "0", ("user", "immediate")),
        ("postgres17", "1", ("system", "pending-reboot")),
        ("postgres15", "1", ("system", "pending-reboot")),
        ("postgres14", "1", ("user", "immediate")),
    ],
)
def test_a_value_equal_to_the_familys_default_has_the_source_system(
    rds: Ask, family: str, value: str, expected: tuple[str, str]
) -> None:
    assert parameter(rds, family, value) == expected


Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Return a function that sets the proxy's clock to this many seconds from now."""

    def move(seconds: float) -> None:
        moment = time.time() + seconds
        monkeypatch.setattr(settling, "now", lambda: moment)

    return move


def managed_secret(database: str) -> str:
    arn = element(database, "SecretArn")
    assert arn
    return arn


def test_the_managed_secret_contains_the_master(rds: Ask) -> None:
    arn = managed_secret(create_database(rds))
    value = boto3.client("secretsmanager", region_name=REGION).get_secret_value(SecretId=arn)[
        "SecretString"
    ]
    assert json.loads(value)["username"] == "postgres"


def test_terraform_reads_the_address_of_the_stand_in(rds: Ask) -> None:
    secret = managed_secret(create_database(rds))
    made = create_proxy(
        rds, secret, make_role("proxy", allow("secretsmanager:GetSecretValue", secret))
    )
    assert element(made, "Endpoint") == "127.0.0.1"
    assert element(rds("DescribeDBProxies", DBProxyName="proxy"), "Endpoint") == "127.0.0.1"
    target = {"DBProxyName": "proxy", "TargetGroupName": "default"}
    registered = rds(
        "RegisterDBProxyTargets", **target, **{"DBInstanceIdentifiers.member.1": "database"}
    )
    assert element(registered, "Port") == "16543"
    assert element(rds("DescribeDBProxyTargets", **target), "Port") == "16543"


def test_the_stand_in_reads_the_registered_secrets_and_target(rds: Ask, later: Later) -> None:
    secret = managed_secret(create_database(rds))
    role = make_role("proxy", allow("secretsmanager:GetSecretValue", secret))
    create_proxy(rds, secret, role)
    [found] = registered_proxies()
    assert (found.secret_arns, found.role_arn, found.has_target) == ((secret,), role, False)
    assert re.fullmatch(
        rf"arn:aws:rds-db:{REGION}:{ACCOUNT_ID}:dbuser:prx-[0-9a-z]+/app", found.user_arn("app")
    )
    rds(
        "RegisterDBProxyTargets",
        **{"DBProxyName": "proxy", "DBInstanceIdentifiers.member.1": "database"},
    )
    assert not registered_proxies()[0].has_target
    later(settling.TARGET_SECONDS)
    assert registered_proxies()[0].has_target
    assert found.problem_with("postgres") is None
    assert "No secret" in str(found.problem_with("app"))


@pytest.mark.parametrize(
    "value", [None, " ", "not json", "[]", {"username": "app"}, {"username": "app", "password": ""}]
)
def test_a_secret_must_have_a_user_and_a_password(rds: Ask, later: Later, value: Any) -> None:
    later(3600)
    secrets = boto3.client("secretsmanager", region_name=REGION)
    arn = secrets.create_secret(Name="app")["ARN"]
    role = make_role("proxy", allow("secretsmanager:GetSecretValue", arn))
    proxy = RegisteredProxy("prx-1", REGION, (arn,), role, has_target=True)
    if value is not None:
        secrets.put_secret_value(
            SecretId=arn, SecretString=value if isinstance(value, str) else json.dumps(value)
        )
    assert proxy.problem_with("app") is not None
    secrets.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"username": "app", "password": "x"})
    )
    assert proxy.problem_with("app") is None


def target_health(rds: Ask) -> tuple[str | None, str | None]:
    read = rds("DescribeDBProxyTargets", DBProxyName="proxy", TargetGroupName="default")
    return element(read, "State"), element(read, "Reason")


def test_a_new_target_is_unavailable_until_the_proxy_has_capacity(rds: Ask, later: Later) -> None:
    secret = managed_secret(create_database(rds))
    create_proxy(rds, secret, make_role("proxy", allow("secretsmanager:GetSecretValue", secret)))
    rds(
        "RegisterDBProxyTargets",
        **{"DBProxyName": "proxy", "DBInstanceIdentifiers.member.1": "database"},
    )
    assert target_health(rds) == ("UNAVAILABLE", "PENDING_PROXY_CAPACITY")
    later(settling.TARGET_SECONDS)
    assert target_health(rds) == ("AVAILABLE", None)


def test_a_new_secret_is_unknown_for_a_while_but_a_rotated_one_is_not(
    rds: Ask, later: Later
) -> None:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    arn = secrets.create_secret(Name="app")["ARN"]
    proxy = RegisteredProxy(
        "prx-1",
        REGION,
        (arn,),
        make_role("proxy", allow("secretsmanager:GetSecretValue", arn)),
        True,
    )
    secrets.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"username": "app", "password": "x"})
    )
    assert "No secret" in str(proxy.problem_with("app"))
    later(settling.SECRET_SECONDS + 1)  # moto keeps whole seconds
    assert proxy.problem_with("app") is None
    secrets.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"username": "app", "password": "y"})
    )
    assert proxy.problem_with("app") is None


@pytest.mark.parametrize(
    ("trust", "problem"),
    [
        ({}, None),
        (
            {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}},
            "sends no condition keys",
        ),
        ({"trusted": "lambda.amazonaws.com"}, "does not allow rds.amazonaws.com to assume it"),
    ],
)
def test_the_proxy_must_be_able_to_assume_its_role(
    rds: Ask, later: Later, trust: dict[str, Any], problem: str | None
) -> None:
    arn = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="app", SecretString=json.dumps({"username": "app", "password": "x"})
    )["ARN"]
    later(60)
    role = make_role("proxy", allow("secretsmanager:GetSecretValue", arn), **trust)
    said = RegisteredProxy("prx-1", REGION, (arn,), role, True).problem_with("app")
    assert said is None if problem is None else problem in str(said)


def test_the_proxy_ignores_subnets_in_unsupported_zones(
    rds: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    subnets = boto3.client("ec2", region_name=REGION).describe_subnets()["Subnets"]
    monkeypatch.setattr(proxy_zones, "UNSUPPORTED", {subnets[0]["AvailabilityZoneId"]})
    chosen = {
        "Auth.member.1.AuthScheme": "SECRETS",
        "Auth.member.1.IAMAuth": "REQUIRED",
        "Auth.member.1.SecretArn": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:app",
    }
    chosen |= {
        f"VpcSubnetIds.member.{n}": subnet["SubnetId"] for n, subnet in enumerate(subnets[:2], 1)
    }
    rds(
        "CreateDBProxy",
        DBProxyName="proxy",
        EngineFamily="POSTGRESQL",
        RoleArn=make_role("proxy", allow("kms:Decrypt", "*")),
        **chosen,
    )
    read = rds("DescribeDBProxies", DBProxyName="proxy")
    assert subnets[0]["SubnetId"] not in read
    assert subnets[1]["SubnetId"] in read


def test_an_empty_account_refuses_its_first_database_once(rds: Ask) -> None:
    boto3.client("iam", region_name=REGION).delete_role(RoleName="AWSServiceRoleForRDS")
    with pytest.raises(AssertionError, match="permission to create service linked role"):
        create_database(rds)
    create_database(rds)


def test_the_log_group_of_a_deleted_database_is_recreated_once(
    rds: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = time.time()
    monkeypatch.setattr(leftover_logs, "now", lambda: moment)
    rds(
        "CreateDBInstance",
        **{
            "DBInstanceIdentifier": "database",
            "DBInstanceClass": "db.t4g.micro",
            "Engine": "postgres",
            "AllocatedStorage": "20",
            "MasterUsername": "postgres",
            "MasterUserPassword": "not-a-secret",
            "EnableCloudwatchLogsExports.member.1": "postgresql",
        },
    )
    rds("DeleteDBInstance", DBInstanceIdentifier="database", SkipFinalSnapshot="true")
    logs = boto3.client("logs", region_name=REGION)
    name = "/aws/rds/instance/database/postgresql"
    logs.create_log_group(logGroupName=name)

    async def forward(call: AwsCall) -> AwsResponse:
        if call.action == "DeleteLogGroup":
            logs.delete_log_group(logGroupName=name)
        return AwsResponse(200, b"{}")

    def ask(action: str) -> list[str]:
        call = AwsCall(
            "logs",
            "POST",
            "/",
            "",
            {},
            json.dumps({"logGroupName": name}).encode(),
            REGION,
            action,
            "test",
        )
        asyncio.run(intercepted(call, forward))
        return [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]

    async def intercepted(call: AwsCall, forward: Forward) -> AwsResponse:
        return await LEFTOVER.intercept(call, forward)

    assert ask("DeleteLogGroup") == []
    moment += leftover_logs.FLUSH_SECONDS
    assert ask("DescribeLogGroups") == [name]
    assert ask("DeleteLogGroup") == []
    moment += leftover_logs.FLUSH_SECONDS
    assert ask("DescribeLogGroups") == []
