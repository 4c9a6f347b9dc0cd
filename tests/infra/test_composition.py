"""Complete plans of each environment, offline: the parts that dev omits, prod's protection, and the
dashboards.
"""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from atrium.http.request import Request
from tests.infra.aws_metrics import PUBLISHED, Metric
from tests.unit.events import api_event
from tests.unit.service import service
from tools.deploy.terraform.offline_plan import Plan, of_kind, one

BOUNDARY = (
    "arn:aws:iam::000000000000:policy/atrium-deploy-planned"  # the value in offline_plan.tftest.hcl
)
# Keywords of Logs Insights, and names that the queries define.
WORDS = set(
    re.findall(
        r"\w+",
        "fields filter and sort desc asc limit stats count count_distinct latest as by requests people example",
    )
)


def test_dev_omits_resources_with_a_monthly_price(dev: Plan) -> None:
    costly = (
        "aws_nat_gateway",
        "aws_wafv2_web_acl",
        "aws_cloudwatch_metric_alarm",
        "aws_cloudwatch_composite_alarm",
        "aws_sns_topic",
        "aws_api_gateway_domain_name",
    )
    assert {kind: of_kind(dev, kind) for kind in costly} == {kind: [] for kind in costly}
    # One for the database and one for the table, because encryption with our own key is required
    # there.
    assert len(of_kind(dev, "aws_kms_key")) == 2
    assert not [
        endpoint
        for endpoint in of_kind(dev, "aws_vpc_endpoint")
        if endpoint["vpc_endpoint_type"] != "Gateway"
    ]
    database = one(dev, "aws_db_instance")
    assert (database["instance_class"], database["multi_az"]) == ("db.t4g.micro", False)


def test_dev_can_be_destroyed(dev: Plan) -> None:
    assert protections(dev) == {False}
    assert one(dev, "aws_db_instance")["skip_final_snapshot"]


def test_prod_is_protected(prod: Plan) -> None:
    assert protections(prod) == {True}
    database = one(prod, "aws_db_instance")
    assert not database["skip_final_snapshot"]
    assert (database["multi_az"], database["backup_retention_period"]) == (True, 30)
    assert len(of_kind(prod, "aws_wafv2_web_acl_association")) == 1


def protections(plan: Plan) -> set[bool]:
    """Return each setting that makes AWS refuse to delete stored data."""
    return {
        one(plan, "aws_db_instance")["deletion_protection"],
        one(plan, "aws_dynamodb_table")["deletion_protection_enabled"],
        one(plan, "aws_cognito_user_pool")["deletion_protection"] == "ACTIVE",
    }


def test_the_deploy_role_may_create_every_role_of_prod(prod: Plan) -> None:
    """Check names and boundary: envs/bootstrap allows IAM actions only on these names, within its
    own policy.
    """
    named = [*of_kind(prod, "aws_iam_role"), *of_kind(prod, "aws_iam_instance_profile")]
    assert len(named) > 8
    assert [each["name"] for each in named if not each["name"].startswith("atrium-prod-")] == []
    assert {role["permissions_boundary"] for role in of_kind(prod, "aws_iam_role")} == {BOUNDARY}


def test_prod_keeps_its_logs_for_a_year(prod: Plan) -> None:
    groups = of_kind(prod, "aws_cloudwatch_log_group")
    assert len(groups) > 5
    assert {group["retention_in_days"] for group in groups} == {365}


def test_one_setting_encrypts_every_log_group(prod: Plan) -> None:
    """Check the configuration: in the plan `kms_key_id` is unknown, not null, because the ARN is
    known only after an apply.
    """
    assert [
        group["name"]
        for group in of_kind(prod, "aws_cloudwatch_log_group")
        if "kms_key_id" in group
    ] == []


def test_prod_has_one_topic_for_all_alarms(prod: Plan) -> None:
    assert one(prod, "aws_sns_topic")["name"] == "atrium-prod-alarms"
    assert one(prod, "aws_sns_topic_subscription")["endpoint"] == "operations@example.org"
    alarms = {
        address.split(".")[1] for address in prod if ".aws_cloudwatch_metric_alarm." in address
    }
    assert alarms == {"api_lambda", "cognito", "dynamodb", "rds_proxy"}
    assert not of_kind(prod, "aws_cloudwatch_composite_alarm")


def test_the_kms_key_serves_only_the_topic_and_the_logs_of_its_environment(prod: Plan) -> None:
    statements = json.loads(prod['aws_kms_key.telemetry["prod"]']["policy"])["Statement"]
    allowed = {statement["Sid"]: statement for statement in statements}
    assert allowed["AlarmsReachTheTopic"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["AlarmsReachTheTopic"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "000000000000"}
    }
    pattern = allowed["LogGroupsOfTheEnvironment"]["Condition"]["ArnLike"][
        "kms:EncryptionContext:aws:logs:arn"
    ]
    groups = "arn:aws:logs:eu-central-1:000000000000:log-group:"
    assert pattern == groups + "*atrium-prod*"
    for group in of_kind(prod, "aws_cloudwatch_log_group"):
        assert re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), groups + group["name"])


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_dashboard_follows_the_path_of_a_request(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(environment)
    widgets = json.loads(one(plan, "aws_cloudwatch_dashboard")["dashboard_body"])["widgets"]
    widgets.sort(key=lambda widget: (widget["y"], widget["x"]))
    titles = [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text"]
    after = "## After the answer: stream, schedules, dead letters"
    assert titles == [
        "## API Gateway", "## Lambda", "## RDS Proxy", "## Postgres", "## DynamoDB", after, "## Cognito",
    ]  # fmt: skip
    for row in {widget["y"] for widget in widgets}:
        assert sum(widget["width"] for widget in widgets if widget["y"] == row) == 24


def test_the_dashboard_names_existing_resources(prod: Plan) -> None:
    body = json.loads(one(prod, "aws_cloudwatch_dashboard")["dashboard_body"])
    named = {dimension for metric in metrics(body) for dimension in pairs(metric[2:-1])}
    functions = {
        ("FunctionName", function["function_name"])
        for function in of_kind(prod, "aws_lambda_function")
    }
    queues = {("QueueName", queue["name"]) for queue in of_kind(prod, "aws_sqs_queue")}
    assert functions
    assert queues
    assert named == functions | queues | {
        ("ApiName", one(prod, "aws_api_gateway_rest_api")["name"]),
        ("Stage", one(prod, "aws_api_gateway_stage")["stage_name"]),
        ("ProxyName", one(prod, "aws_db_proxy")["name"]),
        ("DBInstanceIdentifier", one(prod, "aws_db_instance")["identifier"]),
        ("TableName", one(prod, "aws_dynamodb_table")["name"]),
        ("UserPool", "eu-central-1_pool"),
        ("UserPoolClient", "app"),
    }


def test_the_dashboard_shows_each_function_in_every_graph_with_its_metric(prod: Plan) -> None:
    shown: dict[str, set[str]] = {}
    for namespace, name, *dimensions, _ in metrics(
        json.loads(one(prod, "aws_cloudwatch_dashboard")["dashboard_body"])
    ):
        if namespace in ("AWS/Lambda", "AWS/SQS"):
            shown.setdefault(name, set()).add(dict(pairs(dimensions)).popitem()[1])
    functions = {function["function_name"] for function in of_kind(prod, "aws_lambda_function")}
    readers = {"atrium-prod-attribute_changes", "atrium-prod-identity_commands"}
    unwaited = {
        queue["name"].removesuffix("-dead-letters") for queue in of_kind(prod, "aws_sqs_queue")
    } - readers
    assert shown == {
        **dict.fromkeys(("Invocations", "Errors", "Throttles", "Duration"), functions),
        "IteratorAge": readers,
        "AsyncEventAge": unwaited,
        "ApproximateNumberOfMessagesVisible": {
            f"{name}-dead-letters" for name in readers | unwaited
        },
    }


def test_each_alarm_measures_what_its_name_says(prod: Plan) -> None:
    of_functions = {
        "-errors": "Errors Sum",
        "-throttles": "Throttles Sum",
        "-duration": "Duration Maximum",
        "-iteratorage": "IteratorAge Maximum",
        "-dead-letters": "ApproximateNumberOfMessagesVisible Maximum",
        "-claims-left-out": "ClaimsLeftOut Sum",
        "-no-administrator": "AdministratorsAbleToSignIn Maximum",
        "-identity-drift": "IdentityDrift Maximum",
    }
    others = {
        "api-5xx": "5XXError Average",
        "api-p99": "Latency p99",
        "cognito-signin-throttles": "SignInThrottles Sum",
        "cognito-signup-throttles": "SignUpThrottles Sum",
        "cognito-tokenrefresh-throttles": "TokenRefreshThrottles Sum",
        "database-cpu": "CPUUtilization Average",
        "database-storage": "FreeStorageSpace Minimum",
        "proxy-borrow-latency": "DatabaseConnectionsBorrowLatency Average",
        "proxy-connections": "DatabaseConnections, MaxDatabaseConnectionsAllowed Sum",
        "proxy-pinned": "DatabaseConnectionsCurrentlySessionPinned Maximum",
        "user-attributes-errors": "SystemErrors Sum",
        "user-attributes-throttles": "ReadThrottleEvents, WriteThrottleEvents Sum",
    }
    asked = {}
    for alarm in of_kind(prod, "aws_cloudwatch_metric_alarm"):
        metrics = [(each["metric_name"], each["stat"]) for each in measured(alarm)]
        [statistic] = {stat for _, stat in metrics}
        asked[alarm["alarm_name"].removeprefix("atrium-prod-")] = (
            f"{', '.join(sorted({m for m, _ in metrics}))} {statistic}"
        )
    functions = {
        folder["function_name"].removeprefix("atrium-prod-")
        for folder in of_kind(prod, "aws_lambda_function")
    }
    assert {
        name: what
        for name, what in asked.items()
        if not name.startswith(tuple(f"{each}-" for each in functions))
    } == others
    for name, what in asked.items():
        if name not in others:
            assert what == of_functions["-" + name.split("-", 1)[1]]
    assert {
        f"{function}-{end}" for function in functions for end in ("errors", "throttles", "duration")
    } <= asked.keys()


def test_alarms_and_graphs_use_metrics_that_aws_publishes(prod: Plan) -> None:
    alarms = {
        (each["namespace"], each["metric_name"], frozenset(each["dimensions"]))
        for alarm in of_kind(prod, "aws_cloudwatch_metric_alarm")
        for each in measured(alarm)
    }
    body = json.loads(one(prod, "aws_cloudwatch_dashboard")["dashboard_body"])
    graphs: set[Metric] = {
        (metric[0], metric[1], frozenset(dict(pairs(metric[2:-1])))) for metric in metrics(body)
    }
    assert alarms | graphs == PUBLISHED


def measured(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of an alarm, including those of its expression."""
    if alarm["metric_name"]:
        return [alarm | {"stat": alarm["statistic"] or alarm["extended_statistic"]}]
    return [metric for query in alarm["metric_query"] for metric in query["metric"]]


def metrics(body: dict[str, Any]) -> Iterator[list[Any]]:
    for widget in body["widgets"]:
        yield from widget["properties"].get("metrics", [])


def pairs(flat: list[str]) -> list[tuple[str, str]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def test_the_saved_queries_use_fields_that_the_kernel_writes(
    prod: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(request: Request) -> Any:
        request.claims = SimpleNamespace(uid="somebody")  # type: ignore[assignment]
        raise RuntimeError("as a bug would")

    service({"GET /v1/health": fail})(api_event("GET /v1/health"), None)
    written = json.loads(capsys.readouterr().out)
    queries = {
        query["name"]: query["query_string"]
        for query in of_kind(prod, "aws_cloudwatch_query_definition")
    }
    assert queries.keys() == {
        f"atrium-prod/{name}" for name in ("slow requests", "errors by code", "one request by id")
    }
    for query in queries.values():
        for field in set(re.findall(r"(?<!@)\b[a-z_.]+", re.sub('"[^"]*"', "", query))) - WORDS:
            assert holds(written, field), f"No line of a function has {field}: {query}"
    assert 'message = "request"' in queries["atrium-prod/slow requests"]
    assert written["message"] == "request"


def holds(line: dict[str, Any], field: str) -> bool:
    for name in field.split("."):
        if not isinstance(line, dict) or name not in line:
            return False
        line = line[name]
    return True
