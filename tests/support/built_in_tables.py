"""The tables of this repository's services, for the recorded SQL of export and erasure.

A new service declares a table, which changes the SQL of both. That must not fail the tests of a
service that `make new-service` has just written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import msgspec

from atrium.identity import personal_data

TABLES = (
    "audit_chains",
    "audit_events",
    "idempotency_keys",
    "identities",
    "operations",
    "order_lines",
    "orders",
    "outbox",
    "users",
)


@contextmanager
def built_in_tables() -> Iterator[None]:
    """Let the registry of personal data have only these tables."""
    whole = personal_data.registry()
    tables = tuple(table for table in whole.tables if table.table in TABLES)
    known = msgspec.structs.replace(whole, tables=tables)
    with patch.object(personal_data, "registry", lambda: known):
        yield
