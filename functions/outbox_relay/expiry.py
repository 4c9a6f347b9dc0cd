"""Deletion of expired rows, in batches that keep transactions short.

The tables are those whose personal-data.yaml says `expires`.
"""

from atrium.identity import personal_data
from atrium.stores import postgres

AT_ONCE = 1000
MOST_TIMES = 20


def delete_expired_rows() -> int:
    """Return the number of deleted rows. The next run deletes the rest."""
    return sum(_delete(each.sql) for each in personal_data.registry().expiring)


def _delete(sql: str) -> int:
    deleted = 0
    for _ in range(MOST_TIMES):
        found = len(postgres.query(sql, limit=AT_ONCE))
        deleted += found
        if found < AT_ONCE:
            break
    return deleted
