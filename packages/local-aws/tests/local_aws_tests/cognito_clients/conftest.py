from collections.abc import Iterator
from typing import Any

import pytest

from local_aws_tests.cognito.world import Server, World, new_world, quick_server
from local_aws_tests.cognito_clients.apps import App
from local_aws_tests.cognito_clients.identity_js import IdentityJs, Node, install
from local_aws_tests.cognito_clients.python_client import Pycognito

# As modules/cognito makes them: SRP and refreshing only, an optional authenticator app, a new address must be confirmed.
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
def world(server: Server) -> World:
    world = new_world(server)
    world.create_pool(**POOL)
    world.client_id = world.create_client(**CLIENT)["ClientId"]
    world.require_mfa("OPTIONAL")
    return world


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    install()
    running = Node()
    yield running
    running.close()


@pytest.fixture
def javascript(world: World, node: Node) -> IdentityJs:
    return IdentityJs(node, world.server.settings.aws_endpoint_url, world.pool_id, world.client_id)


@pytest.fixture
def python(world: World) -> Iterator[Pycognito]:
    app = Pycognito(world.server.settings.aws_endpoint_url, world.pool_id, world.client_id)
    yield app
    app.cognito.client.close()


@pytest.fixture(params=["pycognito", "amazon-cognito-identity-js"])
def app(request: pytest.FixtureRequest) -> App:
    chosen: App = request.getfixturevalue(
        "python" if request.param == "pycognito" else "javascript"
    )
    return chosen
