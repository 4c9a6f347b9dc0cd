"""An environment with two administrators."""

from typing import Any

import pg8000.native
import pytest

from atrium.stores import postgres
from tests.support.people import new_admin
from tests.unit.commands.requests import set_meta
from tests.unit.events import OTHER, UID


@pytest.fixture
def office(database: pg8000.native.Connection, table: Any) -> pg8000.native.Connection:
    """Prepare two administrators: the caller, and another."""
    new_admin(database, UID, "ada@example.org")
    new_admin(database, OTHER, "grace@example.org")
    return database


@pytest.fixture
def revoked_meanwhile(office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoke the caller's rights between the statement in Postgres and the transaction in the
    table.
    """
    batch = postgres.batch

    def write(*statements: Any, **options: Any) -> Any:
        answered = batch(*statements, **options)
        set_meta(UID, "disabled", 2)
        return answered

    monkeypatch.setattr(postgres, "batch", write)
