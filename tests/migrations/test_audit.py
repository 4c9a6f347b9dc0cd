"""The audit trail in the database: append-only for services, with a hash chain that reveals other
changes.
"""

# ruff: noqa: S608 - our own constants

import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from yoyo.connections import parse_uri

from atrium.stores import postgres
from atrium.stores.pipeline import Statement
from atrium.stores.postgres import DatabaseError
from migrate import audit, handler, migrations
from migrate.connection import connect, proxy_uri
from tests.migrations.conftest import OURS
from tools.operations import audit_verify

ADA, GRACE = (str(uuid.UUID(int=number)) for number in (1, 2))
_ADD = """
INSERT INTO audit_events (id, uid, actor, action, changes) VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::jsonb)
"""


@pytest.fixture
def trail(migrated: str) -> Callable[..., Any]:
    """Return an audit trail with eight events, for three subjects. Statements run as its owner."""
    for number in range(3):
        for uid in (ADA, GRACE, None)[: 2 if number == 2 else 3]:
            add(uid, f"action.{number}")
    return as_owner


def add(uid: str | None, action: str) -> None:
    changes = {"fields": ["locale", "given_name"]}
    postgres.query(_ADD, uuid.uuid4(), uid, ADA, action, changes)


def as_owner(sql: str) -> Any:
    with closing(connect(parse_uri(proxy_uri("migrator")))) as connection:
        [rows] = connection.execute([Statement(sql)])
        return rows


def faults() -> list[str]:
    answer = audit_verify.verify(lambda event: handler.run(dict(event), proxy_uri))
    return [
        f"{int(each['chain'][-1])}/{each['position']} {each['fault']}" for each in answer["faults"]
    ]


def test_an_untouched_trail_verifies(
    trail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audit.verify(proxy_uri("readonly"), audit.Link())["events"] == 8
    assert faults() == []
    for name in ("PAGE", "AT_ONCE"):  # so that several pages and invocations are needed
        monkeypatch.setattr(audit, name, 2)
        assert faults() == []
    add(ADA, "action.3")
    assert faults() == []


BEFORE = f"WHERE uid = '{ADA}' AND position = "
CHANGES = {
    "altered": (f"UPDATE audit_events SET action = 'nothing' {BEFORE} 2", ["1/2 the event was altered or moved"]),
    "its values altered": (
        f"UPDATE audit_events SET changes = '{{\"fields\": []}}' {BEFORE} 1",
        ["1/1 the event was altered or moved"],
    ),
    "its time altered": (
        f"UPDATE audit_events SET at = at - interval '1 microsecond' {BEFORE} 3",
        ["1/3 the event was altered or moved"],
    ),
    "missing": (f"DELETE FROM audit_events {BEFORE} 2", ["1/2 events 2 to 2 are missing"]),
    "the first missing": (f"DELETE FROM audit_events {BEFORE} 1", ["1/1 events 1 to 1 are missing"]),
    "the newest missing": (
        f"DELETE FROM audit_events {BEFORE} 3",
        ["1/2 the chain ends at event 2, and its head is 3"],
    ),
    "a chain missing": (
        f"DELETE FROM audit_events WHERE uid = '{ADA}'",
        ["1/0 the chain ends at event 0, and its head is 3"],
    ),
    "reordered": (
        f"""DO $$ BEGIN
            UPDATE audit_events SET position = -position WHERE uid = '{ADA}' AND position > 1;
            UPDATE audit_events SET position = 5 + position WHERE position < 0;
        END $$""",
        ["1/2 the event was altered or moved", "1/3 the event was altered or moved",
         "1/3 the chain ends at event 3, and its head is 3"],
    ),
    "given to another user": (
        f"UPDATE audit_events SET uid = '{GRACE}', position = 4 {BEFORE} 3",
        ["2/4 the event was altered or moved", "1/2 the chain ends at event 2, and its head is 3",
         "2/4 the chain ends at event 4, and its head is 3"],
    ),
    "without its position": (
        f"UPDATE audit_events SET position = NULL {BEFORE} 3",
        ["1/2 the chain ends at event 2, and its head is 3", "1/0 the event has lost its position"],
    ),
    "of no user altered": (
        "UPDATE audit_events SET actor = 'nobody' WHERE uid IS NULL AND position = 1",
        ["0/1 the event was altered or moved"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_audit_trail_is_detected(
    trail: Callable[..., Any], sql: str, found: list[str]
) -> None:
    trail(sql)
    assert faults() == found


def test_a_rewritten_chain_has_other_heads(trail: Callable[..., Any]) -> None:
    """Rewrite everything as the owner of the tables can; only the digest of the heads differs."""
    heads = audit.verify(proxy_uri("readonly"), audit.Link())["heads"]
    assert audit.verify(proxy_uri("readonly"), audit.Link())["heads"] == heads
    trail("WITH gone AS (DELETE FROM audit_chains) DELETE FROM audit_events")
    for number in range(3):
        add(ADA, f"action.{number}")
    after = audit.verify(proxy_uri("readonly"), audit.Link())
    assert (after["faults"], after["heads"] != heads) == ([], True)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_events SET action = 'nothing'",
        "UPDATE audit_events SET position = 1",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "UPDATE audit_chains SET position = 0",
        "INSERT INTO audit_chains VALUES (gen_random_uuid(), 0, '')",
        "DELETE FROM audit_chains",
        "ALTER TABLE audit_events DISABLE TRIGGER chain_audit_event",
        "DROP TRIGGER chain_audit_event ON audit_events",
        "CREATE OR REPLACE FUNCTION audit_text(event audit_events) RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
    ],
)  # fmt: skip
def test_services_can_only_append_to_the_audit_trail(trail: Callable[..., Any], sql: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        postgres.query(sql, user="app")
    assert faults() == []


def test_a_service_cannot_choose_its_position_in_the_chain(trail: Callable[..., Any]) -> None:
    forged = "INSERT INTO audit_events (id, uid, actor, action, position, hash) VALUES (gen_random_uuid(), $1::uuid, '', '', 1, '')"
    postgres.query(forged, ADA)
    assert trail(f"SELECT count(*) FROM audit_events WHERE uid = '{ADA}' AND position = 4") == [
        (1,)
    ]
    assert faults() == []


def test_events_of_an_earlier_release_are_not_in_the_chain(database: str) -> None:
    migrations.apply(proxy_uri("migrator"), "0007", OURS)
    add(ADA, "action.before")
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    add(ADA, "action.after")
    assert audit.verify(proxy_uri("readonly"), audit.Link())["events"] == 1
    assert faults() == []
