import os
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    Server,
    UserPoolHarness,
    new_harness,
    quick_server,
)
from local_aws_tests.cognito_clients.apps import App
from local_aws_tests.cognito_clients.identity_js import FOLDER, IdentityJs, Node, install
from local_aws_tests.cognito_clients.python_client import Pycognito

# The settings of modules/cognito: only SRP and refreshes, an optional authenticator app,
# confirmation of a new address.
POOL: dict[str, Any] = {
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
}
CLIENT: dict[str, Any] = {
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "ReadAttributes": ["email", "email_verified", "family_name", "given_name", "locale"],
    "WriteAttributes": ["email", "family_name", "given_name", "locale"],
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def harness(server: Server) -> UserPoolHarness:
    harness = new_harness(server)
    harness.create_pool(**POOL)
    harness.client_id = harness.create_client(**CLIENT)["ClientId"]
    harness.require_mfa("OPTIONAL")
    return harness


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    install()
    running = Node()
    yield running
    running.close()


@pytest.fixture
def javascript(harness: UserPoolHarness, node: Node) -> IdentityJs:
    return IdentityJs(
        node, harness.server.settings.aws_endpoint_url, harness.pool_id, harness.client_id
    )


@pytest.fixture(scope="session")
def amplify_node() -> Iterator[Node]:
    install(FOLDER / "aws_amplify")
    running = Node("aws_amplify/amplify.mjs")
    yield running
    running.close()


@pytest.fixture
def amplify(harness: UserPoolHarness, amplify_node: Node) -> IdentityJs:
    """aws-amplify v6, whose driver accepts the same calls."""
    endpoint = harness.server.settings.aws_endpoint_url
    return IdentityJs(amplify_node, endpoint, harness.pool_id, harness.client_id)


@pytest.fixture
def python(harness: UserPoolHarness) -> Iterator[Pycognito]:
    app = Pycognito(harness.server.settings.aws_endpoint_url, harness.pool_id, harness.client_id)
    yield app
    app.cognito.client.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave aws-amplify, which is 97 MB, to `make proof-cognito-clients`."""
    if os.environ.get("COGNITO_CLIENTS") == "all":
        return
    long = [item for item in items if "aws-amplify" in item.name]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


FIXTURES = {
    "pycognito": "python",
    "amazon-cognito-identity-js": "javascript",
    "aws-amplify": "amplify",
}


@pytest.fixture(params=FIXTURES)
def app(request: pytest.FixtureRequest) -> App:
    chosen: App = request.getfixturevalue(FIXTURES[request.param])
    return chosen
