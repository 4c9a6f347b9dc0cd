"""Pools, clients and users in moto."""

from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from moto.cognitoidp.models import (
    CognitoIdpUser,
    CognitoIdpUserPool,
    CognitoIdpUserPoolAttribute,
    CognitoIdpUserPoolClient,
    UserStatus,
    cognitoidp_backends,
)

from local_aws.cognito.errors import CognitoError, invalid_parameter, not_authorized
from local_aws.settings import ACCOUNT_ID

Pool = CognitoIdpUserPool
Client = CognitoIdpUserPoolClient
User = CognitoIdpUser
STANDARD_SCHEMA: dict[str, dict[str, Any]] = CognitoIdpUserPoolAttribute.STANDARD_SCHEMA
STANDARD_ATTRIBUTES = frozenset(STANDARD_SCHEMA)
touched: ContextVar[set[tuple[str, str]] | None] = ContextVar("touched", default=None)
"""Pool id and username of the users that this call looked up and may have changed.

They are saved before the call is answered.
"""
__all__ = ["STANDARD_ATTRIBUTES", "STANDARD_SCHEMA", "Client", "Pool", "User", "UserStatus"]


def find_pool(pool_id: str) -> Pool:
    for pool in all_pools():
        if pool.id == pool_id:
            return pool
    raise CognitoError("ResourceNotFoundException", f"User pool {pool_id} does not exist.")


def find_client(client_id: str, pool_id: str | None = None) -> tuple[Pool, Client]:
    """Find a client by its id, which is unique: unsigned calls contain no pool id."""
    pools = all_pools() if pool_id is None else iter([find_pool(pool_id)])
    for pool in pools:
        if client := pool.clients.get(client_id):
            return pool, client
    raise CognitoError("ResourceNotFoundException", f"User pool client {client_id} does not exist.")


def all_pools() -> Iterator[Pool]:
    for backend in list(cognitoidp_backends[ACCOUNT_ID].values()):
        yield from list(backend.user_pools.values())


def find_user(pool: Pool, username: str) -> User | None:
    """Find a user by username or `sub`, or by e-mail where the pool uses e-mails as names."""
    wanted = fold(pool, username)
    for user in pool.users.values():
        names = {fold(pool, user.username), user.id}
        if signs_in_by_email(pool):
            names.add(fold(pool, user.attribute_lookup.get("email", "")))
        if wanted in names or username == user.id:
            return _touch(user)
    return None


def require_user(pool: Pool, username: str) -> User:
    user = find_user(pool, username)
    if user is None:
        raise CognitoError("UserNotFoundException", "User does not exist.")
    return user


def find_user_by_sub(pool: Pool, sub: str) -> User | None:
    found = next((user for user in pool.users.values() if user.id == sub), None)
    return _touch(found) if found else None


def _touch(user: User) -> User:
    if (noted := touched.get()) is not None:
        noted.add((user.user_pool_id, user.username))
    return user


def fold(pool: Pool, name: str) -> str:
    """Return the form in which this pool compares names.

    A pool is case-sensitive unless its settings say otherwise.
    """
    sensitive = (pool.extended_config.get("UsernameConfiguration") or {}).get("CaseSensitive", True)
    return name if sensitive else name.lower()


def signs_in_by_email(pool: Pool) -> bool:
    return "email" in (pool.extended_config.get("UsernameAttributes") or [])


def verifies_email(pool: Pool) -> bool:
    return "email" in (pool.extended_config.get("AutoVerifiedAttributes") or [])


def new_user(pool: Pool, username: str, attributes: dict[str, str], status: UserStatus) -> User:
    """Create a user outside of the pool.

    Where e-mails are names, Cognito sets the username to the user's `sub`.
    """
    own_name = None if signs_in_by_email(pool) else username
    return User(
        pool.id, own_name, None, status, [{"Name": k, "Value": v} for k, v in attributes.items()]
    )


def add_user(pool: Pool, user: User) -> None:
    pool.users[_touch(user).username] = user


def remove_user(pool: Pool, user: User) -> None:
    for group in _touch(user).groups:
        group.users.discard(user)
    del pool.users[user.username]


def require_absent(pool: Pool, username: str, message: str) -> None:
    if find_user(pool, username):
        taken = (
            "An account with the given email already exists."
            if signs_in_by_email(pool)
            else message
        )
        raise CognitoError("UsernameExistsException", taken)


def require_email_free(pool: Pool, email: str, owner: User) -> None:
    if signs_in_by_email(pool) and find_user(pool, email) not in (None, owner):
        raise CognitoError(
            "AliasExistsException", "An account with the given email already exists."
        )


def describe(user: User, attributes_key: str) -> dict[str, Any]:
    return {
        "Username": user.username,
        attributes_key: [
            {"Name": name, "Value": value} for name, value in user.attribute_lookup.items()
        ],
        "UserCreateDate": _epoch(user.create_date),
        "UserLastModifiedDate": _epoch(user.last_modified_date),
        "Enabled": user.enabled,
        "UserStatus": status(user),
    }


def status(user: User) -> str:
    return UserStatus(user.status).value


def _epoch(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()  # moto's times are naive, in UTC


def require_enabled(user: User) -> None:
    if not user.enabled:
        raise not_authorized("User is disabled.")


def require_email(user: User) -> str:
    email = user.attribute_lookup.get("email")
    if not email:
        raise invalid_parameter("User has no email attribute to send a message to.")
    return str(email)


def hides_absence(client: Client) -> bool:
    """Return True if this client must not reveal which names exist."""
    return bool(client.extended_config.get("PreventUserExistenceErrors") == "ENABLED")


def unknown_to_client() -> CognitoError:
    return CognitoError("UserNotFoundException", "Username/client id combination not found.")
