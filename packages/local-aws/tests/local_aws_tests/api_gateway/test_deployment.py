"""Deployments: an import changes only a draft, and the stage serves the deployment that it points
to.
"""

import copy
import json
import pickle
import re
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.api_gateway import RestApis
from local_aws.api_gateway.body import METHODS
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import Gateway, body, token
from local_aws_tests.lambda_service.laptop import REGION
from local_aws_tests.support.waiting import settle


def test_import_alone_changes_nothing_and_the_stage_moves_both_ways(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    before = client.get_stage(restApiId=gateway.api_id, stageName="dev")["deploymentId"]
    changed = body()
    changed["paths"]["/v1/new"] = changed["paths"]["/v1/things/special"]
    client.put_rest_api(restApiId=gateway.api_id, mode="overwrite", body=json.dumps(changed))
    assert gateway.call("GET", "/v1/new").status == 404
    gateway.deploy(changed)
    assert gateway.call("GET", "/v1/new").status == 200
    back = [{"op": "replace", "path": "/deploymentId", "value": before}]
    client.update_stage(restApiId=gateway.api_id, stageName="dev", patchOperations=back)
    assert gateway.call("GET", "/v1/new").status == 404


def test_moto_has_every_path_and_method(gateway: Gateway) -> None:
    gateway.deploy(body())
    resources = gateway.aws.client("apigateway").get_resources(restApiId=gateway.api_id, limit=100)[
        "items"
    ]
    seen = {item["path"]: set(item.get("resourceMethods", {})) for item in resources}
    assert seen["/v1/things"] == {"GET", "POST", "PUT", "OPTIONS", "ANY"}
    assert seen["/v1/files/{path+}"] == {"ANY"}
    for path, item in body()["paths"].items():
        assert {method.upper() for method in item if method in METHODS} <= seen[path]


def test_gateway_response_resource_changes_the_draft(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    client.put_rest_api(restApiId=gateway.api_id, mode="overwrite", body=json.dumps(body()))
    client.put_gateway_response(
        restApiId=gateway.api_id, responseType="UNAUTHORIZED", statusCode="418"
    )
    assert gateway.call("GET", "/v1/me").status == 401
    client.create_deployment(restApiId=gateway.api_id, stageName="dev")
    assert gateway.call("GET", "/v1/me").status == 418
    gateway.deploy(body())
    assert gateway.call("GET", "/v1/me").status == 401


def test_every_gateway_response_is_described_as_the_apis_own_or_the_default(
    gateway: Gateway,
) -> None:
    client, api = gateway.aws.client("apigateway"), {"restApiId": gateway.api_id}
    gateway.deploy(body())
    default = client.get_gateway_response(**api, responseType="THROTTLED")
    assert (default["statusCode"], default["defaultResponse"]) == ("429", True)
    assert default["responseTemplates"] == {
        "application/json": '{"message":$context.error.messageString}'
    }
    assert (
        client.get_gateway_response(**api, responseType="MISSING_AUTHENTICATION_TOKEN")[
            "statusCode"
        ]
        == "404"
    )
    client.put_gateway_response(**api, responseType="THROTTLED", statusCode="503")
    shown = {each["responseType"]: each for each in client.get_gateway_responses(**api)["items"]}
    assert len(shown) == 21
    assert (shown["THROTTLED"]["statusCode"], shown["THROTTLED"]["defaultResponse"]) == (
        "503",
        False,
    )
    client.delete_gateway_response(**api, responseType="THROTTLED")
    assert client.get_gateway_response(**api, responseType="THROTTLED")["defaultResponse"] is True
    with pytest.raises(ClientError, match="Invalid gateway response type"):
        client.put_gateway_response(**api, responseType="NOWHERE", statusCode="400")


def test_state_survives_pickling(gateway: Gateway) -> None:
    copied = RestApis(pickle.loads(pickle.dumps(gateway.apis.bodies)))  # noqa: S301 - our own bytes
    assert copied.deployed() == gateway.apis.deployed()


def stages_format() -> dict[str, str]:
    """Return the format of modules/api_lambda: a name and a variable on each line."""
    terraform = (Path(__file__).resolve().parents[5] / "modules/api_lambda/api.tf").read_text()
    found = dict(re.findall(r'(\w+) += "(\$context\.[\w.]+)"', terraform))
    assert len(found) == 14
    return found


def test_access_log_is_written_in_the_stages_format(gateway: Gateway) -> None:
    logs = gateway.aws.client("logs")
    logs.create_log_group(logGroupName="/api/access")
    wanted = stages_format()
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/api/access"
    settings = {"destinationArn": arn, "format": json.dumps(wanted)}
    patch = [
        {"op": "replace", "path": f"/accessLogSettings/{key}", "value": text}
        for key, text in settings.items()
    ]
    gateway.aws.client("apigateway").update_stage(
        restApiId=gateway.api_id, stageName="dev", patchOperations=patch
    )
    answers = {
        "fine": gateway.call("GET", "/v1/me", headers=[("Authorization", token(uid="u-1"))]),
        "refused": gateway.call("GET", "/dev/v1/me"),
        "malformed": gateway.told({"statusCode": "abc"}),
        "failed": gateway.told("raise"),
        "late": gateway.call("POST", "/v1/slow", "sleep"),
    }

    def written() -> list[Any]:
        events = logs.filter_log_events(logGroupName="/api/access")["events"]
        return [json.loads(event["message"]) for event in events]

    # log lines are written ten times a second
    assert settle(lambda: len(written()) == len(answers), 60)
    assert len(logs.describe_log_streams(logGroupName="/api/access")["logStreams"]) == 1
    lines = dict(zip(answers, written(), strict=True))
    for name, answer in answers.items():
        line = lines[name]
        assert (line["request_id"], line["status"]) == (
            answer.headers["x-amzn-RequestId"],
            str(answer.status),
        )
        assert f"Root={line['trace_id']}" == answer.headers["X-Amzn-Trace-Id"]
        assert (line["ip"], int(line["length"])) == ("127.0.0.1", len(answer.body))
    fine, refused, malformed, failed, late = lines.values()
    assert (fine["method"], fine["route"], fine["uid"], fine["error"]) == (
        "GET",
        "/v1/me",
        "u-1",
        "-",
    )
    assert 0 <= int(fine["integration_latency"]) <= int(fine["latency"])
    assert (refused["uid"], refused["authorizer_error"], refused["integration_latency"]) == (
        "-",
        "Unauthorized",
        "-",
    )
    assert "Malformed Lambda proxy response" in malformed["integration_error"]
    assert malformed["error"] == "Internal server error"
    assert '"errorMessage": "as told"' in failed["integration_error"]
    # The integration's limit is 500 ms, measured by another clock than the one that enforces it.
    assert 490 <= int(late["integration_latency"]) <= int(late["latency"])


def test_deleted_api_is_no_longer_served(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    kept = copy.deepcopy(gateway.apis.bodies)
    for attempt in range(3):  # moto limits the deletions of stages before it looks for the stage
        try:
            client.delete_rest_api(restApiId=gateway.api_id)
            break
        except ClientError:
            time.sleep(0.1 * attempt)
    answer = gateway.call("GET", "/v1/things")
    assert (answer.status, "Apply a Terraform root" in answer.json["message"]) == (503, True)
    assert gateway.apis.bodies.deployments == {}
    assert kept.deployments
