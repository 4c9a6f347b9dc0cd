"""Costs of a cold start: within 3 % of the committed baseline, and below the limits."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.startup import __main__ as startup
from bench.startup import artefacts, baseline, routes, worker
from bench.startup.routes import BARE, Route
from bench.startup.worker import Start, StartError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> artefacts.Artefacts:
    return artefacts.build(tmp_path_factory.mktemp("startup"))


def test_each_route_costs_as_much_as_its_baseline(
    built: artefacts.Artefacts, tmp_path: Path
) -> None:
    with routes.serving(tmp_path) as measured:
        assert list(baseline.complaints(measured, startup.counts(built, measured))) == []


def test_the_shipped_sdk_supports_every_action_that_a_role_can_allow(
    built: artefacts.Artefacts,
) -> None:
    rights = (artefacts.ROOT / "modules/api_lambda/table_access.tf").read_text()
    actions = set(re.findall('"dynamodb:([A-Za-z]+Items?|Query)"', rights))
    allowed = actions - {"ConditionCheckItem"}  # not an operation: it is part of a transaction
    folder = built.layer / "python/botocore/data/dynamodb/2012-08-10"
    model = json.loads((folder / "service-2.json").read_bytes())
    assert allowed | {"TransactGetItems", "TransactWriteItems", "DescribeEndpoints"} == set(
        model["operations"]
    )
    assert {"GetItem", "PutItem", "Query"} <= allowed


OTHER_CLIENTS = """
import botocore.session, json, os, socket, sys
daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
daemon.bind(("127.0.0.1", 0))
daemon.settimeout(10)
os.environ["AWS_XRAY_DAEMON_ADDRESS"] = f"127.0.0.1:{daemon.getsockname()[1]}"
from atrium.runtime import tracing
from atrium.stores import dynamodb
with tracing.subsegment("operation"):
    pass
print(json.loads(daemon.recv(65536).split(b"\\n", 1)[1])["name"])
for service, operation, given in json.loads(sys.argv[1]):
    client = botocore.session.get_session().create_client(service)
    try:
        getattr(client, operation)(**given)
    except dynamodb.BotoCoreError as error:
        print(service, type(error).__name__)
"""
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("cognito-idp", "list_users", {"UserPoolId": "eu-central-1_a"}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}),
    ("lambda", "invoke", {"FunctionName": "f", "Payload": "{}"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
    ("sesv2", "send_email", {"Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {}}}}),
    ("ssm", "get_parameter", {"Name": "p"}),
]


def test_other_clients_and_xray_work_in_a_process_with_the_lean_sdk(
    built: artefacts.Artefacts, tmp_path: Path
) -> None:
    """Each call reaches the network, where nothing listens."""
    environment = {
        "PYTHONPATH": str(built.layer / "python"),
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "_X_AMZN_TRACE_ID": "Root=1-58406520-a006649127e371903a2de979;Parent=53995c3f42cd8ad8;Sampled=1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    interpreter: str = sys._base_executable  # type: ignore[attr-defined]
    command = [interpreter, "-S", "-c", OTHER_CLIENTS, json.dumps(CALLS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "operation",
        *(f"{service} EndpointConnectionError" for service, _, _ in CALLS),
    ], done.stderr


def test_a_failing_start_reports_the_reason(built: artefacts.Artefacts) -> None:
    with pytest.raises(StartError, match=r"one_query answered .*500.*\n.*DB_HOST is not set"):
        worker.seconds(built, Start("one_query", routes.event("GET /v1/query"), {}))


def test_a_missing_valgrind_is_reported_with_its_package(
    built: artefacts.Artefacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError, match="apt-get install valgrind"):
        worker.instructions(built, Start("bare", {}, {}, 204))


def test_a_change_of_four_percent_and_an_exceeded_limit_are_reported() -> None:
    before = baseline.read().instructions
    measured = [_route(name, 100.0) for name in before]
    assert list(baseline.complaints(measured, before)) == []
    for factor in (0.96, 1.04):
        [complaint] = baseline.complaints(measured, before | {"sql": round(before["sql"] * factor)})
        assert complaint.startswith("sql takes")
        assert "--write" in complaint
    [complaint] = baseline.complaints([_route("sql", 1.5)], before)
    assert "1.5 is the limit" in complaint


def _route(name: str, limit: float) -> Route:
    return Route(name, "", 1.0 if name == BARE else limit, Start(name, {}, {}))
