"""Recorded sessions, and an environment with an administrator."""

from typing import Any

import pg8000.native
import pytest

from atrium.identity import session_records
from atrium.runtime import clock
from atrium.stores import user_table
from tests.support.people import new_admin, new_user
from tests.unit.events import OTHER, UID
from tests.unit.sessions.requests import PHONE, Time, call
from users import sessions

NOTE = session_records.note  # conftest's fixture replaces it later


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    for module in (clock, session_records, sessions):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch, at: Time, table: Any) -> Time:
    monkeypatch.setattr(session_records, "note", NOTE)
    user_table.create_meta(UID)
    return at


@pytest.fixture(autouse=True)
def key(request: pytest.FixtureRequest) -> None:
    """Create a key that signs the list's cursors."""
    if "recording" in request.fixturenames:
        request.getfixturevalue("recording")
        user_table.create_signing_key("cursor", 1, b"k" * 32)


@pytest.fixture
def office(
    recording: Time, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> pg8000.native.Connection:
    """Prepare an administrator, who is the caller, and a user with a session on a phone."""
    user_table.transact([{"Delete": {"Key": {"pk": {"S": f"U#{UID}"}, "sk": {"S": "META"}}}}])
    new_admin(database, UID, "ada@example.org")
    new_user(database, OTHER, "grace@example.org")
    call("GET /v1/me/permissions", PHONE, uid=OTHER)
    return database
