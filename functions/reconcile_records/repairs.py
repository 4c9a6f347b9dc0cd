"""The repair of each class of drift. A repair can be repeated; the next comparison finds it done.

A change of status is an operation like an administrator's: `outbox_relay` sends its command within a
minute, and the table and the pool follow.
"""

from atrium.identity import admins, users
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table
from reconcile_records import queries
from reconcile_records.drift import Account, Class, Known

ACTOR = "reconcile"
MOST_ENDED = 20
"""The maximum number of users who lose access in one run.

More of them indicate a fault in the pool.
"""

_KINDS = {
    "disable_user": "user.disable",
    "suspend_user": "user.delete_own",
}


class NotRepairableError(Exception):
    """A drift that an operator must resolve. The message says how."""


def repair(
    provider: str,
    drift: Class,
    account: Account,
    known: Known,
    in_table: str | None,
    found: dict[str, int],
) -> None:
    """Repair the difference. Raise NotRepairableError."""
    match drift:
        case "unknown_account":
            _create(provider, account)
        case "email_differs":
            _change_email(provider, known, account)
        case "table_differs":
            _correct_table(known, in_table)
        case "missing_account" | "access_differs" if known.status == "active":
            _end_access(known, drift, found)
        case "missing_account" | "access_differs":
            _queue(known, "disable_user", str(known.status), drift)


def _create(provider: str, account: Account) -> None:
    try:
        users.ensure_user(provider, account.subject, account.email, {})
    except users.EmailTakenError:
        raise NotRepairableError("the address belongs to another user") from None
    except users.EmailUnusableError:
        raise NotRepairableError("the address is not accepted") from None


def _change_email(provider: str, known: Known, account: Account) -> None:
    try:
        identity = provider, account.subject
        users.change_email(str(known.uid), account.email, identity, ACTOR)
    except users.EmailTakenError:
        raise NotRepairableError("the new address belongs to another user") from None
    except users.EmailUnusableError:
        raise NotRepairableError("the new address is not accepted") from None


def _correct_table(known: Known, in_table: str | None) -> None:
    if in_table == "erased":
        raise NotRepairableError("the user is erased in the table: run make replay-erasures")
    if in_table is None and known.status == "active":
        return user_table.create_meta(str(known.uid))
    if known.status == "active":
        raise NotRepairableError(
            f"the user is active in Postgres and {in_table} in the table: "
            "enable or disable the user with PUT /v1/users/{id}/status"
        )
    command = "suspend_user" if known.is_in_grace else "disable_user"
    return _queue(known, command, str(known.status), "table_differs")


def _end_access(known: Known, drift: Class, found: dict[str, int]) -> None:
    if admins.is_last(str(known.uid)):
        raise NotRepairableError("the user is the last administrator")
    if found.get("access_ended", 0) >= MOST_ENDED:
        raise NotRepairableError(f"{MOST_ENDED} users have lost their access in this pass")
    found["access_ended"] = found.get("access_ended", 0) + 1
    _queue(known, "disable_user", "disabled", drift)


def _queue(known: Known, command: str, status: str, drift: Class) -> None:
    postgres.query(
        queries.QUEUE,
        uid=known.uid,
        before=known.status,
        status=status,
        operation=uuid7(),
        kind=_KINDS[command],
        command=command,
        event=uuid7(),
        **{"class": drift},
    )
