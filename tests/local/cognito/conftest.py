from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.local.cognito.world import Server, World, new_world, serve


class NoKey:
    """moto parses its constant key for every pool, 0.2 s each. Without it pools are quick, and nothing moto could sign passes for ours."""

    @staticmethod
    def import_key(_: object) -> None: ...


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.cognitoidp.models.jwk", SimpleNamespace(RSAKey=NoKey))
        yield from _running(tmp_path_factory)


def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def world(server: Server) -> World:
    return new_world(server)
