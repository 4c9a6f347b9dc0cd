from collections.abc import Iterator

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    Server,
    UserPoolHarness,
    new_harness,
    quick_server,
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def harness(server: Server) -> UserPoolHarness:
    return new_harness(server)
