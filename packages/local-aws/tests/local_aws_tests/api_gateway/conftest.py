from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import Gateway
from local_aws_tests.api_gateway.usage_plan import Plan
from local_aws_tests.lambda_service.laptop import Loop, install_runtime, laptop


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def gateway(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One API, deployed the way Terraform does, with two functions behind it."""
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
