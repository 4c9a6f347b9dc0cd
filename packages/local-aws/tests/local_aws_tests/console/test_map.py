"""The console's map: parts, edges by the configuration, and counted calls."""

import json
from io import BytesIO
from zipfile import ZipFile

import boto3
from moto import mock_aws

from local_aws.api_gateway import RestApis
from local_aws.api_gateway.app import Answered
from local_aws.console.applied import drawn
from local_aws.console.entries import Seen
from local_aws.console.traffic import Traffic
from local_aws.lambda_service import Invoked
from local_aws.spans import Span

REGION = "eu-central-1"


def test_calls_are_counted_by_caller_and_callee() -> None:
    traffic = Traffic()
    spans = [
        Span("sql", "connect", "app", 0, 1),
        Span("sql", "SELECT 1", "app", 0, 1),
        Span("dynamodb", "PutItem", "T", 0, 1, 1, "ConditionalCheckFailedException: no"),
        Span("dynamodb", "PutItem", "T", 0, 1, 0, "AccessDeniedException: no"),
        Span("lambda", "Invoke", "arn:aws:lambda:eu:1:function:other:live", 0, 1),
        Span("ssm", "GetParameter", "", 0, 1),
    ]
    invoked = Invoked("f", "id", "apigateway.amazonaws.com", False, 1.0, "error", [], spans=spans)
    traffic.note(Seen(1, 0.0, Answered("GET", "/", 502, 1.0, "id", "", "id"), invoked))
    traffic.note(Seen(2, 0.0, Answered("GET", "/", 404, 1.0, "id", "", None)))
    traffic.note(
        Seen(3, 0.0, None, Invoked("g", "id", "cognito-idp.amazonaws.com", True, 1.0, None, []))
    )
    traffic.note(Seen(4, 0.0, None, Invoked("g", "id", None, True, 1.0, None, [])))
    counts = {pair: (count.calls, count.failed) for pair, count in traffic.counts.items()}
    assert counts == {
        ("", "api"): (2, 1),
        ("api", "function:f"): (1, 1),
        ("function:f", "database"): (1, 0),
        ("function:f", "table:T"): (2, 1),
        ("function:f", "function:other"): (1, 0),
        ("function:f", "service:ssm"): (1, 0),
        ("cognito-idp", "function:g"): (1, 0),
        ("invoke", "function:g"): (1, 0),
    }


def test_an_invocation_by_a_function_counts_once() -> None:
    traffic = Traffic()
    call = Span("lambda", "Invoke", "arn:aws:lambda:eu:1:function:g", 0, 1)
    caller = Invoked("f", "id", None, False, 1.0, None, [], spans=[call])
    called = Invoked("g", "id", None, False, 1.0, None, [])
    for seen in (called, caller):
        traffic.note(Seen(1, 0.0, None, seen))
    assert traffic.rows() == [
        ("invoke", "function:f", 1, 0),
        ("function:f", "function:g", 1, 0),
    ]
    traffic.note(Seen(2, 0.0, None, called))
    assert ("invoke", "function:g", 1, 0) in traffic.rows()


@mock_aws
def test_parts_and_edges_follow_from_the_configuration() -> None:
    table = boto3.client("dynamodb", REGION).create_table(
        TableName="Users",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    function = _function("users", {"dynamodb:GetItem": table, "sqs:SendMessage": "*"})
    events = boto3.client("events", REGION)
    events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="hourly", Targets=[{"Id": "1", "Arn": f"{function}:live"}])
    boto3.client("cognito-idp", REGION).create_user_pool(
        PoolName="people", LambdaConfig={"PreSignUp": function}
    )
    found = drawn(RestApis())
    assert [(part.kind, part.name, part.column) for part in found.parts] == [
        ("user pool", "people", 0),
        ("EventBridge", "rules", 0),
        ("function", "users", 1),
        ("table", "Users", 2),
        ("service", "sqs", 2),
    ]
    assert found.edges == [
        ("cognito-idp", "function:users"),
        ("events", "function:users"),
        ("function:users", "service:sqs"),
        ("function:users", "table:Users"),
    ]


def _function(name: str, allowed: dict[str, str]) -> str:
    iam = boto3.client("iam", REGION)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in allowed.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    code = BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    arn: str = boto3.client("lambda", REGION).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    return arn
