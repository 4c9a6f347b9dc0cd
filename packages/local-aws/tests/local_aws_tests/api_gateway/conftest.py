import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import (
    Gateway,
)
from local_aws_tests.api_gateway.made_api import AUTHORIZER, MODEL, MadeApi
from local_aws_tests.api_gateway.usage_plan import Plan
from local_aws_tests.lambda_service.laptop import Loop, install_runtime, laptop


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def gateway(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Deploy an API as Terraform does, with two functions."""
    loop = Loop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ACCOUNT_ID", ACCOUNT_ID)
        with laptop(loop, tmp_path_factory.mktemp("checkout"), runtime) as aws:
            made = Gateway(aws)
            yield made
            made.close()
    loop.close()


@pytest.fixture
def plan(gateway: Gateway) -> Iterator[Plan]:
    client = gateway.aws.client("apigateway")
    stages = [
        {
            "apiId": gateway.api_id,
            "stage": "dev",
            "throttle": {"/v1/keyed/PUT": {"rateLimit": 1, "burstLimit": 1}},
        }
    ]
    made = Plan(gateway, client, client.create_usage_plan(name="clients", apiStages=stages)["id"])
    yield made
    for key in made.keys:
        client.delete_api_key(apiKey=key)
    client.delete_usage_plan(usagePlanId=made.id)


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


@pytest.fixture
def empty(gateway: Gateway) -> Iterator[MadeApi]:
    api = MadeApi(gateway, "empty")
    yield api
    api.client.delete_rest_api(restApiId=api.id)
