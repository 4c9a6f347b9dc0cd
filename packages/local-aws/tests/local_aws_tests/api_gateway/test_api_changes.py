"""Reads, changes and refusals of an API's parts, as on AWS."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import (
    Gateway,
    body,
    lambda_proxy,
    mock,
)
from local_aws_tests.api_gateway.made_api import AUTHORIZER, MadeApi


def test_a_rest_api_is_described_and_changed_as_on_aws(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    made = client.create_rest_api(name="told", tags={"a": "b"})
    assert made.pop("tags") == {"a": "b"}
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert not {"version", "description", "binaryMediaTypes", "tags"} & made.keys()
    assert made["endpointConfiguration"]["ipAddressType"] == "ipv4"

    def change(op: str, path: str, value: str | None = None) -> Any:
        operation = {"op": op, "path": path} | ({"value": value} if value is not None else {})
        return client.update_rest_api(restApiId=made["id"], patchOperations=[operation])

    binary = client.create_rest_api(name="binary", binaryMediaTypes=["image/png"])
    kept = client.get_rest_api(restApiId=binary["id"])
    assert binary["binaryMediaTypes"] == kept["binaryMediaTypes"] == ["image/png"]
    client.delete_rest_api(restApiId=binary["id"])
    change("add", "/binaryMediaTypes/image~1png")
    assert change("add", "/binaryMediaTypes/image~1gif")["binaryMediaTypes"] == [
        "image/png",
        "image/gif",
    ]
    left = change("remove", "/binaryMediaTypes/image~1png")
    assert left["binaryMediaTypes"] == ["image/gif"]
    assert change("replace", "/minimumCompressionSize", "10")["minimumCompressionSize"] == 10
    assert "minimumCompressionSize" not in change("replace", "/minimumCompressionSize", "")
    assert not change("replace", "/disableExecuteApiEndpoint", "false")["disableExecuteApiEndpoint"]
    for op, path, value, message in (
        ("replace", "/wrong", "x", "Invalid patch path /wrong"),
        ("add", "/name", "x", "Invalid patch operation specified. Must be one of: [replace]"),
        (
            "replace",
            "/minimumCompressionSize",
            "-1",
            "Invalid minimum compression size, must be between 0 and 10485760",
        ),
    ):
        with pytest.raises(ClientError, match="BadRequestException") as caught:
            change(op, path, value)
        assert caught.value.response["Error"]["Message"] == message
    deleted = client.delete_rest_api(restApiId=made["id"])
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    with pytest.raises(client.exceptions.NotFoundException) as gone:
        client.get_rest_api(restApiId="abcde12345")
    message = gone.value.response["Error"]["Message"]
    assert message == f"Invalid API identifier specified {ACCOUNT_ID}:abcde12345"


def rejected(work: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        work()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_resource_is_moved_and_renamed(empty: MadeApi) -> None:
    pets = empty.resource("pets")
    dogs = empty.resource("dogs", pets)

    def change(resource: str, path: str, value: str, op: str = "replace") -> Any:
        operations = [{"op": op, "path": path, "value": value}]
        return empty.client.update_resource(
            restApiId=empty.id, resourceId=resource, patchOperations=operations
        )

    assert change(dogs, "/pathPart", "cats")["path"] == "/pets/cats"
    assert change(dogs, "/parentId", empty.root)["path"] == "/cats"
    change(dogs, "/parentId", pets)
    bad = "BadRequestException"
    for resource, path, value, op, expected in (
        (pets, "/parentId", dogs, "replace", (bad, "Resources cannot be cyclical.")),
        (
            empty.root,
            "/pathPart",
            "x",
            "replace",
            (bad, "Root resource cannot update its pathPart."),
        ),
        (
            pets,
            "/wrong",
            "x",
            "replace",
            (
                bad,
                "Invalid patch path  '/wrong' specified for op 'replace'. "
                "Must be one of: [/parentId, /pathPart]",
            ),
        ),
        (
            pets,
            "/pathPart",
            "x",
            "add",
            (
                bad,
                "Invalid patch path  '/pathPart' specified for op 'add'. "
                "Please choose supported operations",
            ),
        ),
        (
            pets,
            "/parentId",
            "none",
            "replace",
            ("NotFoundException", "Invalid Resource identifier specified"),
        ),
    ):
        assert rejected(partial(change, resource, path, value, op)) == expected
    empty.client.delete_resource(restApiId=empty.id, resourceId=pets)
    left = empty.client.get_resources(restApiId=empty.id)["items"]
    assert [each["path"] for each in left] == ["/"]


def test_an_invalid_resource_is_refused(empty: MadeApi) -> None:
    proxy = empty.resource("{proxy+}")
    assert rejected(lambda: empty.resource("x", proxy)) == (
        "BadRequestException",
        "Cannot create a child of a resource with a greedy path variable: {proxy+}",
    )
    assert rejected(lambda: empty.resource("{id}")) == (
        "BadRequestException",
        "A sibling ({proxy+}) of this resource already has a variable path part "
        "-- only one is allowed",
    )
    assert rejected(lambda: empty.resource("{proxy+}"))[0] == "ConflictException"


def test_a_method_is_changed(empty: MadeApi) -> None:
    things = empty.resource("things")
    empty.method(things, "GET")
    names = {"restApiId": empty.id, "resourceId": things, "httpMethod": "GET"}

    def change(op: str, path: str, value: str = "") -> Any:
        operations = [{"op": op, "path": path, "value": value}]
        return empty.client.update_method(**names, patchOperations=operations)

    change("add", "/requestParameters/method.request.querystring.q", "true")
    changed = change("replace", "/apiKeyRequired", "true")
    assert changed["apiKeyRequired"] is True
    assert changed["requestParameters"] == {"method.request.querystring.q": True}
    change("replace", "/requestParameters/method.request.querystring.q", "false")
    left = change("remove", "/requestParameters/method.request.querystring.q")
    assert "requestParameters" not in left
    invalid = (
        "BadRequestException",
        "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
        "COGNITO_USER_POOLS requires a valid authorizer.",
    )
    assert rejected(lambda: change("replace", "/authorizationType", "CUSTOM")) == invalid
    assert (
        rejected(lambda: change("add", "/httpMethod", "PUT"))[1] == "Invalid patch path /httpMethod"
    )
    put = partial(empty.client.put_method, restApiId=empty.id, resourceId=things)
    assert rejected(lambda: put(httpMethod="POST", authorizationType="CUSTOM")) == invalid
    assert rejected(lambda: put(httpMethod="WRONG", authorizationType="NONE"))[1] == (
        "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"
    )
    same = {"method.request.querystring.q": True, "method.request.header.q": True}
    assert rejected(
        lambda: put(httpMethod="POST", authorizationType="NONE", requestParameters=same)
    ) == (
        "BadRequestException",
        "Parameter names must be unique across querystring, header and path",
    )
    authorizer = empty.client.create_authorizer(
        restApiId=empty.id, name="pool", type="COGNITO_USER_POOLS", providerARNs=[AUTHORIZER],
        identitySource="method.request.header.Authorization",
    )["id"]  # fmt: skip
    both = [
        {"op": "replace", "path": "/authorizerId", "value": authorizer},
        {"op": "replace", "path": "/authorizationType", "value": "COGNITO_USER_POOLS"},
    ]
    changed = empty.client.update_method(**names, patchOperations=both)
    assert changed["authorizerId"] == authorizer
    missing = {**names, "httpMethod": "PUT"}
    assert rejected(lambda: empty.client.get_method(**missing)) == (
        "NotFoundException",
        "Invalid Method identifier specified",
    )


def test_a_request_validator_is_described_and_changed(empty: MadeApi) -> None:
    client, api = empty.client, {"restApiId": empty.id}
    made = client.create_request_validator(**api, name="v")
    assert (made["validateRequestBody"], made["validateRequestParameters"]) == (False, False)
    operation = {"op": "replace", "path": "/validateRequestBody", "value": "true"}
    changed = client.update_request_validator(
        **api, requestValidatorId=made["id"], patchOperations=[operation]
    )
    assert (changed["validateRequestBody"], changed["validateRequestParameters"]) == (True, False)
    client.delete_request_validator(**api, requestValidatorId=made["id"])
    assert rejected(lambda: client.get_request_validator(**api, requestValidatorId=made["id"])) == (
        "NotFoundException",
        "Invalid Request Validator identifier specified",
    )


def integration(**fields: Any) -> dict[str, Any]:
    return {"get": {"x-amazon-apigateway-integration": fields}}


PROXY = lambda_proxy("puppet:live")["x-amazon-apigateway-integration"]


REFUSED: dict[str, dict[str, Any]] = {
    "'http_proxy' of GET /refused": integration(type="http_proxy", uri="http://x"),
    "'aws' of GET /refused": integration(**PROXY | {"type": "aws"}),
    "'#set' in a mapping template": {"get": mock(200, {}, "#set($x = 1)")},
    "response parameter 'integration.response.header.X'": {"get": mock(200, {"X": "integration.response.header.X"}, "")},
    "request validator 'nowhere'": {"get": {"x-amazon-apigateway-request-validator": "nowhere", **lambda_proxy("puppet")}},
    "security scheme 'sigv4'": {"get": lambda_proxy("puppet") | {"security": [{"sigv4": []}]}},
}  # fmt: skip


@pytest.mark.parametrize(("what", "path_item"), REFUSED.items())
def test_an_unsupported_part_is_501_at_its_deployment(
    gateway: Gateway, what: str, path_item: dict[str, Any]
) -> None:
    client = gateway.aws.client("apigateway")
    document = body()
    document["paths"]["/refused"] = path_item
    client.put_rest_api(restApiId=gateway.api_id, mode="overwrite", body=json.dumps(document))
    before = client.get_stage(restApiId=gateway.api_id, stageName="dev")["deploymentId"]
    with pytest.raises(ClientError) as error:
        client.create_deployment(restApiId=gateway.api_id, stageName="dev")
    answer = error.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (
        501,
        "NotEmulated",
    )
    assert what in answer["Error"]["Message"]
    assert client.get_stage(restApiId=gateway.api_id, stageName="dev")["deploymentId"] == before
    gateway.deploy(body())


def test_an_imported_api_is_changed_only_by_imports(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    root = next(
        each["id"]
        for each in client.get_resources(restApiId=gateway.api_id, limit=100)["items"]
        if each["path"] == "/"
    )
    with pytest.raises(ClientError, match="an imported API"):
        client.create_resource(restApiId=gateway.api_id, parentId=root, pathPart="more")


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "replace", "path": "/canarySettings/percentTraffic", "value": "10"}, "NotEmulated"),
        ({"op": "replace", "path": "/cacheClusterEnabled", "value": "true"}, "NotEmulated"),
        ({"op": "replace", "path": "/*/*/caching/enabled", "value": "true"}, "NotEmulated"),
        ({"op": "replace", "path": "/nonsense", "value": "x"}, "BadRequestException"),
        ({"op": "replace", "path": "/deploymentIdentity", "value": "x"}, "BadRequestException"),
    ],
)
def test_a_stage_refuses_settings_without_effect(
    gateway: Gateway, operation: dict[str, str], code: str
) -> None:
    client = gateway.aws.client("apigateway")
    before = client.get_stage(restApiId=gateway.api_id, stageName="dev")
    with pytest.raises(ClientError) as error:
        client.update_stage(restApiId=gateway.api_id, stageName="dev", patchOperations=[operation])
    assert error.value.response["Error"]["Code"] == code
    assert (
        client.get_stage(restApiId=gateway.api_id, stageName="dev")["deploymentId"]
        == before["deploymentId"]
    )


def test_a_canary_is_refused_when_it_is_deployed(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    with pytest.raises(ClientError, match="canary settings"):
        client.create_deployment(
            restApiId=gateway.api_id, stageName="dev", canarySettings={"percentTraffic": 10.0}
        )


def test_a_stage_accepts_supported_settings(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    for path, value in {
        "/description": "x", "/variables/color": "green", "/tracingEnabled": "true", "/accessLogSettings/format": "$context.requestId",
        "/*/*/logging/loglevel": "INFO", "/~1v1~1things/GET/throttling/burstLimit": "5000",
    }.items():  # fmt: skip
        operation = {"op": "replace", "path": path, "value": value}
        client.update_stage(restApiId=gateway.api_id, stageName="dev", patchOperations=[operation])
    assert gateway.call("GET", "/v1/things").status == 200
