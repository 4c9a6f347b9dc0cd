"""The five classes of drift between the user pool, Postgres and the table.

| class | difference | who wins |
|---|---|---|
| `unknown_account` | an account has no user | the pool: the user is created, as at a sign-in |
| `missing_account` | an active user's account is gone | the pool: the user is disabled |
| `access_differs` | only one of account and user is disabled or deleted | the one that has ended access |
| `email_differs` | the account's verified address is another one | the pool |
| `table_differs` | META is missing, or has another status | Postgres, unless META has ended access |

No repair gives access back that one of the stores has ended: it may be the newer one, for example
after Postgres was restored from a backup. A user with a pending operation is left alone, because a change is on its way.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from atrium.stores.user_table import NOT_DELETED

Class = Literal[
    "unknown_account", "missing_account", "access_differs", "email_differs", "table_differs"
]


class Account(msgspec.Struct, frozen=True):
    """An account of the pool."""

    subject: str
    email: str
    is_verified: bool
    is_enabled: bool
    is_confirmed: bool


class Known(msgspec.Struct, frozen=True):
    """The record of an account in Postgres. `uid` is None for an unknown account.

    `is_only` is True if the user has no other account in the pool.
    """

    subject: str
    uid: str | None
    status: str | None
    has_other_email: bool
    is_in_grace: bool
    is_pending: bool
    is_only: bool


def classes(account: Account, known: Known, in_table: str | None) -> Iterator[Class]:
    """Yield the differences of one account. `in_table` is META's status, None if it is missing."""
    if known.is_pending:
        return
    if known.uid is None:
        if account.is_enabled and account.is_confirmed and account.is_verified:
            yield "unknown_account"
        return
    if in_table != known.status:
        yield "table_differs"
    may_sign_in = known.status == "active" or known.is_in_grace
    if account.is_enabled and not may_sign_in:
        yield "access_differs"
    if not account.is_enabled and known.status == "active" and known.is_only:
        yield "access_differs"
    if account.is_verified and known.has_other_email and known.status in NOT_DELETED:
        yield "email_differs"
