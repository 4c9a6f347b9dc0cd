"""Users and administrators, inserted into Postgres and the table in the form that services write."""

import uuid

import pg8000.native

from atrium.identity import admins, grants
from atrium.identity.grant_items import GrantRecord
from atrium.runtime import config
from atrium.stores import dynamodb, user_table
from tests.unit.events import POOL


def new_user(
    database: pg8000.native.Connection, uid: str, email: str, status: str = "active"
) -> None:
    """Insert a user whose account in the pool has the e-mail address as its subject."""
    new = "INSERT INTO users (uid, email, status) VALUES (:uid, :email, :status)"
    database.run(new, uid=uid, email=email, status=status)
    database.run(
        "INSERT INTO identities (provider, subject, uid) VALUES (:pool, :email, :uid)",
        pool=f"cognito:{POOL}",
        email=email,
        uid=uid,
    )
    meta = {
        "pk": {"S": f"U#{uid}"},
        "sk": {"S": "META"},
        "access_epoch": {"N": "1"},
        "version": {"N": "1"},
        "status": {"S": status},
    }
    dynamodb.client().put_item(TableName=config.required("USER_ATTRIBUTES_TABLE"), Item=meta)


def new_admin(database: pg8000.native.Connection, uid: str, email: str) -> None:
    new_user(database, uid, email)
    user_table.transact([*grants.puts(role_grant(uid, "admin")), admins.joining(uid)])


def role_grant(uid: str, role: str) -> GrantRecord:
    """Return a grant of `role` everywhere, made by an operator."""
    return GrantRecord(
        id=str(uuid.uuid4()),
        uid=uid,
        role=role,
        action=None,
        scope="*",
        reason=None,
        granted_by="operator",
        granted_at="2026-01-01T00:00:00.000Z",
        expires_at=None,
    )
