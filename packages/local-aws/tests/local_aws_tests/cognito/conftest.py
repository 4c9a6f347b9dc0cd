from collections.abc import Iterator

import pytest

from local_aws_tests.cognito.world import Server, World, new_world, quick_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def world(server: Server) -> World:
    return new_world(server)
