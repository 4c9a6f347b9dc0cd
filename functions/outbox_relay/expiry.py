"""Deletion of expired idempotency keys, in batches that keep transactions short."""

from atrium.stores import postgres

_DELETE = """
WITH expired AS (
    SELECT caller, route, key FROM idempotency_keys WHERE expires_at <= now() LIMIT $1::integer FOR UPDATE SKIP LOCKED
)
DELETE FROM idempotency_keys USING expired
WHERE (idempotency_keys.caller, idempotency_keys.route, idempotency_keys.key) = (expired.caller, expired.route, expired.key)
RETURNING true
"""
AT_ONCE = 1000
MOST_TIMES = 20


def delete_expired_keys() -> int:
    """Return the number of deleted keys. The next run deletes the rest."""
    deleted = 0
    for _ in range(MOST_TIMES):
        found = len(postgres.query(_DELETE, AT_ONCE))
        deleted += found
        if found < AT_ONCE:
            break
    return deleted
