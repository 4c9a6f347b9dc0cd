"""The Lambda handler that gives each database user a new password.

The event is `{"users": […], "only_missing": true}`, both optional. For each user the verifier is
stored in Postgres first (through `migrate`), then the password in the secret. If a run fails
half-way, run the same command again. That also works with `only_missing`, because the secret is
written last.
"""

import json
import secrets
from typing import Any

from atrium.runtime.config import required
from atrium.stores import aws
from db_credentials import scram


class MigrateFailedError(Exception):
    """`migrate` did not store the verifier; the secret is unchanged. Run the command again."""


def handler(event: dict[str, Any], _context: object = None) -> dict[str, list[str]]:
    """Return which users got a new password and which were left.

    Raise `ValueError`, which names the invalid field.
    """
    arns: dict[str, str] = json.loads(required("DATABASE_SECRETS"))
    users = _users(event, arns)
    only_missing = event.get("only_missing", False) is True
    left = [user for user in users if only_missing and _has_value(arns[user])]
    changed = [user for user in users if user not in left]
    for user in changed:
        _change(user, arns[user])
    return {"changed": changed, "left": left}


def _users(event: dict[str, Any], arns: dict[str, str]) -> list[str]:
    users = event.get("users", list(arns))
    if not isinstance(users, list) or not set(users) <= arns.keys():
        raise ValueError(f"users: {users!r} must be a list of users among {', '.join(arns)}.")
    return users


def _change(user: str, arn: str) -> None:
    password = secrets.token_urlsafe(32)
    _set_verifier(user, scram.verifier(password))
    value = json.dumps({"username": user, "password": password})
    client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)


def _set_verifier(user: str, verifier: str) -> None:
    payload = json.dumps({"action": "set_verifier", "user": user, "verifier": verifier})
    answer = client("lambda").invoke(
        FunctionName=required("MIGRATE_FUNCTION"), Payload=payload.encode()
    )
    if "FunctionError" in answer:
        raise MigrateFailedError(f"{user}: {answer['Payload'].read().decode()}")


def _has_value(arn: str) -> bool:
    """Return True if the secret has a value, by its version labels: reading needs another right."""
    stages = client("secretsmanager").describe_secret(SecretId=arn).get("VersionIdsToStages", {})
    return any("AWSCURRENT" in names for names in stages.values())


def client(service: str) -> Any:
    return aws.client(service, read_timeout=30)
