"""`local-aws coverage`: each called operation, and how faithful its answer is."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import botocore.session
import pytest
import yaml
from aiohttp import web
from botocore.exceptions import ClientError

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.commands.coverage import table
from local_aws.control_plane import endpoint
from local_aws.control_plane.coverage import DATA, Coverage
from local_aws.control_plane.moto_app import SERVICES, Moto
from local_aws.request_model import RequestModelGate
from local_aws.settings import LOOPBACK, Settings
from local_aws_tests.control_plane.test_endpoint import client
from local_aws_tests.lambda_service.laptop import Loop

DECLARED: dict[str, list[dict[str, str]]] = yaml.safe_load(DATA.read_text())
CLOUDWATCH = {"monitoring": "cloudwatch"}


async def answers_itself(call: AwsCall, forward: Forward) -> AwsResponse:
    if call.action == "Query":
        return AwsResponse(200, b"{}", {"content-type": "application/x-amz-json-1.0"})
    return await forward(call)


@pytest.fixture
def called(tmp_path: Any) -> Any:
    """Return a function that makes calls of an endpoint, and returns the rows about them."""
    loop, moto, coverage = Loop(), Moto(Settings(tmp_path)), Coverage()

    counted = coverage.interceptors({"dynamodb": answers_itself})["dynamodb"]

    async def listen() -> web.AppRunner:
        app = endpoint.create_app(
            {"dynamodb": lambda call, _: counted(call, moto)},  # as the supervisor does
            coverage.forward(moto),
            coverage.gate(RequestModelGate().check),
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner

    runner = loop.run(listen())

    def rows(*calls: tuple[str, str, dict[str, Any]]) -> list[tuple[str, str, str, int]]:
        for service, method, arguments in calls:
            made = client(service, f"http://{LOOPBACK}:{runner.addresses[0][1]}")
            with suppress(ClientError):  # a refused call also gives a row
                getattr(made, method)(**arguments)
        return [tuple(row.values()) for row in coverage.rows()]

    yield rows
    loop.run(runner.cleanup())
    moto.close()
    loop.close()


ALARM = {
    "AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1,
    "MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum", "Threshold": 1,
}  # fmt: skip


def test_the_outcome_of_each_operation_is_reported(called: Any) -> None:
    queried = {"TableName": "people", "KeyConditionExpression": "a = :a"}
    assert called(
        ("dynamodb", "query", queried),
        ("dynamodb", "list_tables", {}),
        ("dynamodb", "list_backups", {}),
        ("apigateway", "create_rest_api", {"name": "people"}),
        ("sqs", "list_queues", {}),
        ("sqs", "list_queues", {}),
        ("cloudwatch", "put_metric_alarm", ALARM),
        ("ssm", "list_nodes", {}),
        ("glue", "get_databases", {}),
        ("s3", "list_buckets", {}),
    ) == [
        ("apigateway", "CreateRestApi", "emulated", 1),
        ("dynamodb", "ListBackups", "recorded only", 1),
        ("dynamodb", "ListTables", "emulated", 1),
        ("dynamodb", "Query", "emulated", 1),
        ("glue", "GetDatabases", "refused", 1),
        ("monitoring", "PutMetricAlarm", "recorded only", 1),
        ("s3", "GET bucket", "emulated", 1),
        ("sqs", "ListQueues", "emulated", 2),
        ("ssm", "ListNodes", "refused", 1),
    ]


def test_a_value_that_aws_rejects_does_not_count_for_the_operation(called: Any) -> None:
    assert called(("sqs", "create_queue", {"QueueName": "!"})) == []


def test_of_a_gates_answers_only_facts_and_501_count() -> None:
    coverage, statuses = Coverage(), iter([200, 403, 501])

    async def answers(call: AwsCall) -> AwsResponse | None:
        return AwsResponse(next(statuses), b"")

    gate = coverage.gate(answers)
    for action in ("GetAccountSettings", "Query", "ExecuteStatement"):
        call = AwsCall("dynamodb", "POST", "/", "", {}, b"{}", "eu-central-1", action)
        asyncio.run(gate(call))  # type: ignore[arg-type]
    found = [(row["operation"], row["outcome"]) for row in coverage.rows()]
    assert found == [("ExecuteStatement", "refused"), ("GetAccountSettings", "emulated")]


def test_the_table_ends_with_a_count_of_each_outcome() -> None:
    rows = [
        {"service": "sqs", "operation": "ListQueues", "outcome": "emulated", "calls": 2},
        {"service": "glue", "operation": "GetDatabases", "outcome": "refused", "calls": 1},
    ]
    assert table(rows).splitlines() == [
        "emulated       sqs              ListQueues                                2",
        "refused        glue             GetDatabases                              1",
        "2 operations: 1 emulated, 1 refused",
    ]
    assert table([]) == "0 operations: none was called"


@pytest.mark.parametrize("service", DECLARED)
def test_an_entry_names_existing_operations(service: str) -> None:
    assert service in SERVICES
    if service == "s3":  # S3 is distinguished by method and kind
        return
    model = botocore.session.Session().get_service_model(CLOUDWATCH.get(service, service))
    for entry in DECLARED[service]:
        assert entry.keys() == {"operations", "because"}
        assert any(re.fullmatch(entry["operations"], name) for name in model.operation_names)
        for part in entry["operations"].split("|"):
            word = re.sub(r"\W.*", "", part.lstrip("("))
            assert any(word in name for name in model.operation_names), f"{service}: {part}"
