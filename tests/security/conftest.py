"""The services with real stores, as in tests/unit."""

from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest

from tests.security import containers
from tests.security.trials import Trials, clock_of_tokens
from tests.unit.concurrent_writers import Crowd
from tests.unit.conftest import (
    address,
    aws,
    connections_of_app,
    database,
    fresh_container,
    server,
    superuser,
    table,
)

__all__ = [
    "address",
    "aws",
    "connections_of_app",
    "database",
    "fresh_container",
    "server",
    "superuser",
    "table",
]


@pytest.fixture
def trials(
    table: Any, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trials]:
    """Return trials. Calls of the table are atomic, as in DynamoDB but not in moto."""
    from atrium.stores import dynamodb

    monkeypatch.setattr(dynamodb.client(), "_make_api_call", Crowd().make_api_call)
    made = Trials(table, database)
    with monkeypatch.context() as patch:
        containers.separate(patch)
        clock_of_tokens(patch, made)
        yield made
