"""Verification of the audit trail: no event was altered, removed or moved.

Each event has a position in the chain of its user, and the SHA-256 of the hash before it and of its
own text. `audit_chains` has the last position and hash of each chain. So an event that was
altered, removed or moved is found, also the newest. A person who may change the tables' definitions
can write a whole new chain; docs/runbooks/audit.md says how to notice that.
"""

from contextlib import closing
from hashlib import blake2b, sha256
from typing import Any

import msgspec
from yoyo.connections import parse_uri

from atrium.stores.pipeline import Statement
from migrate.connection import Connection, connect

NIL = "00000000-0000-0000-0000-000000000000"
"""The chain of events that are not about a user. It is the first chain."""
PAGE = 5_000
AT_ONCE = 200_000
"""Events per invocation, so that each ends long before the function's timeout."""
MAX_FAULTS = 100

_EVENTS = """
SELECT coalesce(events.uid, :nil::uuid)::text, position, id::text, hash, audit_text(events)
FROM audit_events AS events
WHERE position IS NOT NULL AND (coalesce(events.uid, :nil::uuid), position) > (:chain::uuid, :position::bigint)
ORDER BY coalesce(events.uid, :nil::uuid), position LIMIT :limit::integer
"""
_ENDS = """
SELECT coalesce(chains.uid, ends.uid)::text, coalesce(chains.position, 0), coalesce(ends.position, 0)
FROM audit_chains AS chains FULL JOIN (
    SELECT DISTINCT ON (coalesce(uid, :nil::uuid)) coalesce(uid, :nil::uuid) AS uid, position, hash
    FROM audit_events WHERE position IS NOT NULL ORDER BY coalesce(uid, :nil::uuid), position DESC
) AS ends ON ends.uid = chains.uid
WHERE (chains.position, chains.hash) IS DISTINCT FROM (ends.position, ends.hash) LIMIT 100
"""
# Events from before migration 0008 have no position. A later event without one has lost it.
_UNCHAINED = """
SELECT coalesce(uid, :nil::uuid)::text, id::text FROM audit_events WHERE position IS NULL AND at > (
    SELECT applied_at_utc AT TIME ZONE 'UTC' FROM _yoyo_migration WHERE migration_id = '0008_audit_chain'
) LIMIT 100
"""
_HEADS = "SELECT uid::text, position, hash FROM audit_chains ORDER BY uid"


class Link(msgspec.Struct):
    """The last verified event, after which the next invocation continues."""

    chain: str = NIL
    position: int = 0
    hash: str = ""


class Fault(msgspec.Struct, frozen=True):
    """A fault of one chain. `event` is the id of the event at this position, if there is one."""

    chain: str
    position: int
    event: str | None
    fault: str


class Verification:
    """A walk along all chains, in the order of their users and positions."""

    def __init__(self, link: Link) -> None:
        self.link, self.events = link, 0
        self.faults: list[Fault] = []

    def take(self, chain: str, position: int, event: str, hash: bytes, text: str) -> None:
        """Compare the next event with the one before it."""
        if chain != self.link.chain:
            self.link = Link(chain)
        expected = self.link.position + 1
        if position != expected:
            missing = f"events {expected} to {position - 1} are missing"
            self.faults.append(Fault(chain, expected, None, missing))
        elif hash != sha256(bytes.fromhex(self.link.hash) + text.encode()).digest():
            self.faults.append(Fault(chain, position, event, "the event was altered or moved"))
        self.link = Link(chain, position, hash.hex())
        self.events += 1


def verify(uri: str, after: Link) -> dict[str, Any]:
    """Verify the next events after a link. `after` is None in the answer once all are verified.

    `heads` is a digest of the heads of all chains. It changes with every event.
    """
    found = Verification(after)
    with closing(connect(parse_uri(uri))) as connection:
        while found.events < AT_ONCE and len(found.faults) < MAX_FAULTS:
            link = found.link
            rows = _rows(
                connection, _EVENTS, nil=NIL, chain=link.chain, position=link.position, limit=PAGE
            )
            for row in rows:
                found.take(*row)
            if len(rows) < PAGE:
                return _answer(found, [*found.faults, *_lost(connection)], _heads(connection))
    return _answer(found, found.faults, None)


def _answer(found: Verification, faults: list[Fault], heads: str | None) -> dict[str, Any]:
    return {
        "events": found.events,
        "faults": msgspec.to_builtins(faults[:MAX_FAULTS]),
        "after": None if heads else msgspec.to_builtins(found.link),
        "heads": heads,
    }


def _lost(connection: Connection) -> list[Fault]:
    """Return the chains that do not end at their heads, and the events that lost their position."""
    ends = [
        Fault(chain, end, None, f"the chain ends at event {end}, and its head is {head}")
        for chain, head, end in _rows(connection, _ENDS, nil=NIL)
    ]
    unchained = [
        Fault(chain, 0, event, "the event has lost its position")
        for chain, event in _rows(connection, _UNCHAINED, nil=NIL)
    ]
    return [*ends, *unchained]


def _heads(connection: Connection) -> str:
    digest = blake2b(digest_size=16)
    for uid, position, hash in _rows(connection, _HEADS):
        digest.update(f"{uid} {position} {hash.hex()}\n".encode())
    return digest.hexdigest()


def _rows(connection: Connection, sql: str, **parameters: object) -> list[Any]:
    [rows] = connection.execute([Statement(sql, parameters)])
    return list(rows)
