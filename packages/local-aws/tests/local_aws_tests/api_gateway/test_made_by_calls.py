"""APIs made by resources and methods, several APIs and stages, request validators, and what is refused at deployment."""

import http.client
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import (
    POOL,
    Answer,
    Gateway,
    body,
    lambda_proxy,
    mock,
    token,
)
from local_aws_tests.lambda_service.laptop import REGION

MODEL = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}},
}
AUTHORIZER = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT_ID}:userpool/{POOL}"


class MadeApi:
    """An API that is made call by call."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self.gateway, self.client = gateway, gateway.aws.client("apigateway")
        self.id = self.client.create_rest_api(name=name)["id"]
        self.root = self.client.get_resources(restApiId=self.id)["items"][0]["id"]
        gateway.aws.client("lambda").add_permission(
            StatementId=f"api-{self.id}", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{self.id}/*/*", FunctionName="puppet", Qualifier="live",
        )  # fmt: skip

    def resource(self, part: str, parent: str | None = None) -> str:
        made = self.client.create_resource(
            restApiId=self.id, parentId=parent or self.root, pathPart=part
        )
        return str(made["id"])

    def method(
        self,
        resource: str,
        verb: str,
        uri: str | None = None,
        credentials: str | None = None,
        **options: Any,
    ) -> None:
        names = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        self.client.put_method(**names, **({"authorizationType": "NONE"} | options))
        proxy = lambda_proxy("puppet:live")["x-amazon-apigateway-integration"]["uri"]
        role = {"credentials": credentials} if credentials else {}
        self.client.put_integration(
            **names, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri or proxy, **role
        )

    def deploy(self, stage: str, **options: Any) -> None:
        self.client.create_deployment(restApiId=self.id, stageName=stage, **options)

    def call(
        self, stage: str, method: str, path: str, body: object = None, headers: Any = None
    ) -> Answer:
        return self.gateway.call(
            method, f"/restapis/{self.id}/{stage}/_user_request_{path}", body, headers
        )


@pytest.fixture(scope="module")
def made(gateway: Gateway) -> Iterator[MadeApi]:
    api = MadeApi(gateway, "made")
    things = api.resource("things")
    api.method(things, "GET")
    api.method(api.resource("{id}", things), "ANY")
    api.method(api.resource("{proxy+}"), "OPTIONS")
    client = api.client
    authorizer = client.create_authorizer(
        restApiId=api.id, name="pool", type="COGNITO_USER_POOLS", providerARNs=[AUTHORIZER],
        identitySource="method.request.header.Authorization",
    )["id"]  # fmt: skip
    api.method(
        api.resource("me"), "GET",
        authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer, authorizationScopes=["atrium/me"],
    )  # fmt: skip
    client.create_model(
        restApiId=api.id, name="Thing", contentType="application/json", schema=json.dumps(MODEL)
    )
    whole = {"validateRequestBody": True, "validateRequestParameters": True}
    validator = client.create_request_validator(restApiId=api.id, name="all", **whole)["id"]
    api.method(
        api.resource("checked"), "POST", requestValidatorId=validator, requestModels={"application/json": "Thing"},
        requestParameters={"method.request.querystring.page": True, "method.request.header.X-Wanted": True},
    )  # fmt: skip
    api.deploy("one", variables={"color": "red"})
    api.deploy("two", variables={"color": "blue"})
    yield api
    client.delete_rest_api(restApiId=api.id)


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


def test_the_first_api_is_where_it_was_and_its_second_stage_has_a_url(
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


def test_a_resource_without_the_method_leaves_it_to_the_greedy_one(made: MadeApi) -> None:
    event = made.call("one", "OPTIONS", "/things").json
    assert (event["resource"], event["pathParameters"]) == ("/{proxy+}", {"proxy": "things"})
    assert made.call("one", "GET", "/things").json["resource"] == "/things"


def test_the_authorizer_of_a_method_is_asked(made: MadeApi) -> None:
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


def test_a_validator_of_an_imported_body_is_asked(gateway: Gateway) -> None:
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


def test_a_role_of_the_integration_stands_in_for_the_functions_policy(gateway: Gateway) -> None:
    iam = gateway.aws.client("iam")
    api = MadeApi(gateway, "by-role")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    uri = lambda_proxy("puppet")["x-amazon-apigateway-integration"]["uri"]  # no permission
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


def test_a_rest_api_is_told_and_changed_as_on_aws(gateway: Gateway) -> None:
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


@pytest.fixture
def empty(gateway: Gateway) -> Iterator[MadeApi]:
    api = MadeApi(gateway, "empty")
    yield api
    api.client.delete_rest_api(restApiId=api.id)


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


def test_a_resource_that_cannot_be_made(empty: MadeApi) -> None:
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
def test_what_cannot_be_served_is_a_501_at_its_deployment(
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


def test_an_imported_api_is_changed_by_imports_only(gateway: Gateway) -> None:
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
def test_a_stage_refuses_what_would_have_no_effect(
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


def test_a_stage_takes_what_it_understands(gateway: Gateway) -> None:
    client = gateway.aws.client("apigateway")
    for path, value in {
        "/description": "x", "/variables/color": "green", "/tracingEnabled": "true", "/accessLogSettings/format": "$context.requestId",
        "/*/*/logging/loglevel": "INFO", "/~1v1~1things/GET/throttling/burstLimit": "5000",
    }.items():  # fmt: skip
        operation = {"op": "replace", "path": path, "value": value}
        client.update_stage(restApiId=gateway.api_id, stageName="dev", patchOperations=[operation])
    assert gateway.call("GET", "/v1/things").status == 200
