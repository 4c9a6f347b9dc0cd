"""APIs created by single calls, which are served like imported ones."""

import http.client
import json
from typing import Any

import pytest

from local_aws_tests.api_gateway.gateway import (
    Gateway,
    body,
    lambda_proxy,
    token,
)
from local_aws_tests.api_gateway.made_api import MODEL, MadeApi
from local_aws_tests.lambda_service.laptop import REGION


def test_an_api_made_by_calls_is_served_at_each_stages_url(made: MadeApi) -> None:
    for stage, color in (("one", "red"), ("two", "blue")):
        event = made.call(stage, "GET", "/things/7?a=b").json
        assert (event["resource"], event["path"], event["pathParameters"]) == (
            "/things/{id}",
            "/things/7",
            {"id": "7"},
        )
        assert (event["stageVariables"], event["requestContext"]["stage"]) == (
            {"color": color},
            stage,
        )
        assert event["requestContext"]["apiId"] == made.id
    assert made.call("one", "POST", "/things").status == 403
    assert made.call("three", "GET", "/things").status == 403


def test_the_host_names_an_api_as_on_aws(made: MadeApi) -> None:
    def status(host: str, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", made.gateway.port, timeout=30)
        connection.request("GET", path, headers={"Host": f"{host}.execute-api.{REGION}.localhost"})
        status = connection.getresponse().status
        connection.close()
        return status

    assert status(made.id, "/one/things") == 200
    assert status(made.id, "/things") == 403, "a stage has to be named"
    assert status("absent", "/one/things") == 403


def test_the_first_api_keeps_its_url_and_its_second_stage_gets_one(
    gateway: Gateway, made: MadeApi
) -> None:
    gateway.deploy(body(), stage="second")
    for path in ("/v1/things", "/dev/v1/things"):
        assert gateway.call("GET", path).json["requestContext"]["stage"] == "dev"
    event = gateway.call("GET", "/second/v1/things").json
    assert (event["requestContext"]["stage"], event["path"]) == ("second", "/v1/things")
    gateway.aws.client("apigateway").delete_stage(restApiId=gateway.api_id, stageName="second")
    assert gateway.call("GET", "/second/v1/things").status == 404


def test_a_change_is_served_after_its_deployment(made: MadeApi) -> None:
    made.method(made.resource("late"), "GET")
    assert made.call("one", "GET", "/late").status == 403
    made.deploy("one")
    assert made.call("one", "GET", "/late").status == 200
    assert made.call("two", "GET", "/late").status == 403


def test_a_method_missing_on_a_resource_is_served_by_the_greedy_one(made: MadeApi) -> None:
    event = made.call("one", "OPTIONS", "/things").json
    assert (event["resource"], event["pathParameters"]) == ("/{proxy+}", {"proxy": "things"})
    assert made.call("one", "GET", "/things").json["resource"] == "/things"


def test_the_authorizer_of_a_method_is_evaluated(made: MadeApi) -> None:
    assert made.call("one", "GET", "/me").status == 401
    event = made.call("one", "GET", "/me", headers=[("Authorization", f"Bearer {token()}")]).json
    assert event["requestContext"]["authorizer"]["claims"]["sub"] == "f00d"
    assert (
        made.call("one", "GET", "/me", headers=[("Authorization", token(scope="openid"))]).status
        == 401
    )


GOOD = [("X-Wanted", "1"), ("Content-Type", "application/json")]


@pytest.mark.parametrize(
    ("query", "headers", "content", "message"),
    [
        ("", GOOD, {"name": "x"}, "Missing required request parameters: [page]"),
        ("?page=", GOOD, {"name": "x"}, "Missing required request parameters: [page]"),
        ("", GOOD[1:], {"name": "x"}, "Missing required request parameters: [page, X-Wanted]"),
        ("?page=1", GOOD, {"name": ""}, "Invalid request body"),
        ("?page=1", GOOD, {}, "Invalid request body"),
        ("?page=1", GOOD[:1], [], "Invalid request body"),
        ("?page=1", GOOD, b"{", "Invalid request body"),
        ("?page=1", GOOD, None, "Invalid request body"),
    ],
)
def test_a_validator_refuses_before_the_function_runs(
    made: MadeApi, query: str, headers: Any, content: object, message: str
) -> None:
    answer = made.call("one", "POST", f"/checked{query}", content, headers)
    assert (answer.status, answer.json) == (400, {"message": message})
    assert answer.headers["x-amzn-ErrorType"] == "BadRequestException"


def test_a_valid_request_and_a_body_of_another_type_pass(made: MadeApi) -> None:
    accepted = {"statusCode": 201, "name": "x"}
    assert made.call("one", "POST", "/checked?page=1&echo", accepted, GOOD).status == 200
    text = [("X-Wanted", "1"), ("Content-Type", "text/plain")]
    assert made.call("one", "POST", "/checked?page=1&echo", b"anything", text).status == 200


def test_a_validator_of_an_imported_body_is_applied(gateway: Gateway) -> None:
    document = body()
    document["components"]["schemas"] = {"Thing": MODEL}
    document["x-amazon-apigateway-request-validators"] = {"body": {"validateRequestBody": True}}
    document["paths"]["/v1/checked"] = {
        "post": lambda_proxy("puppet:live") | {
            "x-amazon-apigateway-request-validator": "body",
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        }
    }  # fmt: skip
    gateway.deploy(document)
    assert gateway.call("POST", "/v1/checked?echo", {"name": 1}).status == 400
    assert gateway.call("POST", "/v1/checked?echo", {"name": "x"}).status == 200
    gateway.deploy(body())


def test_a_stage_variable_names_the_function(gateway: Gateway) -> None:
    api = MadeApi(gateway, "by-variable")
    uri = lambda_proxy("${stageVariables.function}")["x-amazon-apigateway-integration"]["uri"]
    api.method(api.resource("x"), "GET", uri=uri)
    api.deploy("good", variables={"function": "puppet:live"})
    api.deploy("bad", variables={"function": "nowhere"})
    assert api.call("good", "GET", "/x").status == 200
    assert api.call("bad", "GET", "/x").status == 500
    api.client.delete_rest_api(restApiId=api.id)


def test_a_role_of_the_integration_replaces_the_functions_policy(gateway: Gateway) -> None:
    iam = gateway.aws.client("iam")
    api = MadeApi(gateway, "by-role")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    # the function's policy does not permit the API
    uri = lambda_proxy("puppet")["x-amazon-apigateway-integration"]["uri"]
    expected = {"untrusting": 500, "powerless": 500, "invoking": 200}
    for name in expected:
        service = {"Service": "ec2.amazonaws.com"} if name == "untrusting" else trust["Principal"]
        role = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=policy(trust | {"Principal": service})
        )["Role"]["Arn"]
        if name != "powerless":
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(invoke))
        api.method(api.resource(name), "GET", uri=uri, credentials=role)
    api.method(api.resource("none"), "GET", uri=uri)
    api.deploy("dev")
    for name, status in (expected | {"none": 500}).items():
        assert (name, api.call("dev", "GET", f"/{name}").status) == (name, status)
    api.client.delete_rest_api(restApiId=api.id)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
