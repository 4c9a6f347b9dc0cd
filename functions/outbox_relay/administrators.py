"""The check, every ten minutes, that an administrator can sign in.

The item HOLDERS does not prove it. An account may have been deleted or disabled in the user pool
itself, by the console or with its owner's token. Only identity_commands reaches the pool, so it
counts.
"""

from datetime import UTC, datetime, timedelta

from atrium.identity import admins, commands
from atrium.identity.commands import Administrators
from atrium.runtime import rfc3339
from atrium.stores import postgres
from outbox_relay import queries

INTERVAL = timedelta(minutes=10)


def check() -> bool:
    """Request the count. Return False if it is not due, or if there was never an administrator."""
    uids = admins.uids()
    if not uids:
        return False
    identities = identities_of(uids)
    return commands.count_administrators(
        Administrators([identities.get(uid, []) for uid in uids]),
        rfc3339.text(datetime.now(UTC) - INTERVAL),
    )


def identities_of(uids: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return uid → (provider, subject) of the user's accounts."""
    found = dict[str, list[tuple[str, str]]]()
    for uid, provider, subject in postgres.query(queries.FIND_IDENTITIES, uids=uids):
        found.setdefault(uid, []).append((provider, subject))
    return found
