"""Deletion of expired rows of a table that declares `expires`."""

import pg8000.native
import pytest

from outbox_relay import expiry
from tests.unit.personal_data.markers import Person

_KEYS = "SELECT key FROM idempotency_keys ORDER BY key"
_ADD = """
INSERT INTO idempotency_keys (caller, route, key, fingerprint, expires_at)
SELECT :uid, 'POST /v1/orders', 'old-' || n, 'f', now() - interval '1 second' FROM generate_series(1, 5) AS n
"""


def test_only_expired_rows_are_deleted_in_batches(
    person: Person, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "AT_ONCE", 2)
    database.run(_ADD, uid=person.uid)
    assert expiry.delete_expired_rows() == 5
    assert database.run(_KEYS) == [[person.markers["idempotency_keys.key"]]]
    assert expiry.delete_expired_rows() == 0
