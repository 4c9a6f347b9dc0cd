"""The database's roles: migrator (owns and changes tables), app (reads and writes rows), readonly.

All statements run as the master user, through the proxy. On RDS the master is not a superuser. Its
rights suffice because it creates the roles itself and is a member of migrator.
"""

import re
from typing import Any

from atrium.runtime.config import required
from atrium.stores import postgres
from atrium.stores.postgres import Statement

MASTER = "postgres"

TIMEOUTS: dict[str, dict[str, str]] = {
    # A lock that a migration waits for blocks all others behind it, so the migration gives up
    # first. If its runner was killed, the connection's end cancels the statement and releases its
    # locks.
    "migrator": {
        "statement_timeout": "14min",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "1min",
        "client_connection_check_interval": "1s",
    },
    "app": {
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
    },
    "readonly": {
        "statement_timeout": "30s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "1min",
    },
}
"""Timeouts by role, in Postgres's own units. RDS Proxy forbids SET, so roles have them."""

# The format of RFC 5803 as Postgres stores it.
# https://www.postgresql.org/docs/17/catalog-pg-authid.html
_VERIFIER = re.compile(
    r"SCRAM-SHA-256\$[1-9][0-9]{3,6}:[A-Za-z0-9+/]{16,64}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}="
)


def bootstrap() -> dict[str, Any]:
    """Create missing roles and set rights and timeouts. A repeat changes nothing.

    No role is a member of rds_iam: RDS rejects passwords of its members, and the proxy logs in
    with a password.
    """
    existing = {name for (name,) in postgres.query("SELECT rolname FROM pg_roles", user=MASTER)}
    missing = [role for role in TIMEOUTS if role not in existing]
    postgres.batch(
        *(Statement(f"CREATE ROLE {role} LOGIN") for role in missing),
        *(Statement(sql) for sql in _rights(_identifier(required("DB_NAME")))),
        *(
            Statement(f"ALTER ROLE {role} SET {name} = '{value}'")
            for role, timeouts in TIMEOUTS.items()
            for name, value in timeouts.items()
        ),
        user=MASTER,
    )
    return {"created": missing}


def set_verifier(user: str, verifier: str) -> dict[str, Any]:
    """Store the password of `user` as a SCRAM verifier. Raises `ValueError`.

    The password cannot be computed from the verifier.
    """
    if user not in TIMEOUTS:
        raise ValueError(f"user: {user!r} must be one of {', '.join(TIMEOUTS)}.")
    if not _VERIFIER.fullmatch(verifier):
        raise ValueError(
            "verifier: must have the form SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>."
        )
    postgres.query(f"ALTER ROLE {user} PASSWORD '{verifier}'", user=MASTER)
    return {"user": user}


def _rights(database: str) -> list[str]:
    """Return the statements that set the rights.

    The owner of the database owns its schema public (pg_database_owner) and may create trusted
    extensions.
    """
    return [
        f"GRANT migrator TO {MASTER}",
        f"ALTER DATABASE {database} OWNER TO migrator",
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database} TO app, readonly",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    ]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
