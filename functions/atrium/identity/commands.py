"""Commands to Cognito, as items of the table.

`identity_commands` reads them from the table's stream, outside the VPC.

    COMMAND#<id>  META  {command, arguments, actor, created_at, outcome, attempts; then result, expires_at}

`outcome` is `pending`, then `succeeded` or `failed`, which `attribute_changes` reads from the
stream, inside the VPC. Each write of the item creates a stream record, so touching the item
triggers its next step again.
"""

from typing import Any, Literal

import msgspec

from atrium.identity import admins, grants
from atrium.runtime import rfc3339
from atrium.stores import user_table
from atrium.stores.about import about
from atrium.stores.authority import TokenStaleError
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

Name = Literal[
    "create_user",
    "resend_invitation",
    "disable_user",
    "enable_user",
    "sign_out_user",
    "suspend_user",
    "erase_user",
    "enable_mfa",
    "disable_mfa",
    "tell_password_reset",
    "tell_email_changed",
    "tell_mfa_enabled",
    "tell_mfa_disabled",
]
"""`suspend_user` ends the sessions of a person who deleted their account, who may come back.
`erase_user` deletes the account in the pool."""
COUNT_ADMINISTRATORS = "count_administrators"
"""The command of the item `COMMAND#administrators`. It has no outcome and no operation."""
Outcome = Literal["pending", "succeeded", "failed"]

KEPT_SECONDS = 7 * 24 * 3600
"""Seconds from the outcome until the table's TTL deletes the item."""


class NewUser(msgspec.Struct, frozen=True):
    """Arguments of INVITES. `uid` is the new user's, unless they have signed in before."""

    uid: str
    email: str
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None


class StatusOfUser(msgspec.Struct, frozen=True):
    """Arguments of the commands that change a status.

    `identities` are pairs of provider and subject. outbox.take_back restores `previous_status`.
    """

    uid: str
    status: str
    identities: list[tuple[str, str]]
    previous_status: str = "active"


class IdentitiesOfUser(msgspec.Struct, frozen=True):
    """Arguments of the commands in WITHOUT_OPERATION. No operation waits for their outcome.

    `request_id` is the id of the request that turned MFA on or off, for the audit trail. After a
    change of address, `former_email` gets the mail, too.
    """

    uid: str
    identities: list[tuple[str, str]]
    request_id: str = ""
    former_email: str = ""


class Administrators(msgspec.Struct, frozen=True):
    """Arguments of `count_administrators`: the accounts of each administrator."""

    identities: list[list[tuple[str, str]]]


class Command(msgspec.Struct, frozen=True):
    id: str
    command: Name
    arguments: dict[str, Any]
    actor: str


INVITES = ("create_user", "resend_invitation")
"""Commands that send an invitation. They change no status."""
ENDS_ACCESS = ("disable_user", "suspend_user", "erase_user")
"""Commands that take a user out of the set of administrators."""


TELLS = ("tell_password_reset", "tell_email_changed", "tell_mfa_enabled", "tell_mfa_disabled")
"""Commands that mail a person about a change."""
WITHOUT_OPERATION = ("sign_out_user", "enable_mfa", "disable_mfa", *TELLS)


class LastAdminError(Exception):
    """The command would leave no administrator. Nothing was written."""


class RightsChangedError(Exception):
    """The user's access epoch is not the expected one. Nothing was written."""


def key(command: str) -> tuple[str, str]:
    """Return the pk and sk of the command's item."""
    return f"COMMAND#{command}", "META"


def send(command: Command, access_epoch: int | None = None) -> None:
    """Put the command's item and apply its change of status to the table, in one transaction.

    A repeat only triggers the next step again. During a request the transaction carries the
    caller's condition. `access_epoch` is the one that the user must have, 0 for a user without
    META. Raises LastAdminError, RightsChangedError, authority.TokenStaleError,
    user_table.TableUnavailableError.
    """
    retry_on_conflict(lambda: _send(command, access_epoch))


def _send(command: Command, access_epoch: int | None) -> None:
    try:
        user_table.transact([new_item(command), *_with(command, access_epoch)])
    except TokenStaleError as stale:
        if 0 not in stale.conditions:  # otherwise the relay has sent it meanwhile
            raise
    except TransactionCanceledError as refused:
        if 0 in refused.conditions:
            return _remind(command.id)
        if command.command in ENDS_ACCESS and 1 in refused.conditions:
            raise LastAdminError(f"{command.id}: nobody else holds the role admin.") from refused
        if access_epoch is not None and _epoch(command) != access_epoch:
            raise RightsChangedError(f"{command.id}: the user's rights have changed.") from refused
        raise ContentionError(
            f"Command {command.id}: another transaction changed the same items."
        ) from refused


def new_item(command: Command) -> dict[str, Any]:
    """Return an item of a transaction that puts the command, unless it is there."""
    pk, sk = key(command.id)
    attributes = {
        "pk": pk,
        "sk": sk,
        "command": command.command,
        "arguments": msgspec.json.encode(command.arguments).decode(),
        "actor": command.actor,
        "created_at": rfc3339.now(),
        "outcome": "pending",
    }
    # No operation names these commands, so exports and erasures find them by the index.
    if command.command in WITHOUT_OPERATION:
        attributes |= about(command.arguments["uid"])
    item = {name: {"S": value} for name, value in attributes.items()}
    return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _epoch(command: Command) -> int:
    meta = user_table.meta(command.arguments["uid"])
    return meta.access_epoch if meta else 0


def _with(command: Command, access_epoch: int | None) -> list[dict[str, Any]]:
    if command.command in INVITES:
        return []
    change = msgspec.convert(command.arguments, StatusOfUser)
    if command.command in ENDS_ACCESS:
        return [admins.leaving(change.uid), _status(change, None, access_epoch)]
    return _enabling(change, access_epoch)


def _enabling(change: StatusOfUser, access_epoch: int | None) -> list[dict[str, Any]]:
    """Return the items that enable a user, who counts as an administrator again if they were one.

    META's version guards the roles that were read, because every change of a role also writes
    META.
    """
    meta = user_table.meta(change.uid)
    joining = (
        [admins.joining(change.uid)]
        if any(map(admins.is_permanent, grants.everywhere(change.uid)))
        else []
    )
    return [_status(change, meta.version if meta else 0, access_epoch), *joining]


def count_administrators(arguments: Administrators, not_since: str) -> bool:
    """Request the count, and return True.

    Return False if it was requested after `not_since`. One call. Raises
    user_table.TableUnavailableError.
    """
    values = {
        ":command": COUNT_ADMINISTRATORS,
        ":arguments": msgspec.json.encode(arguments).decode(),
        ":actor": "schedule",
        ":now": rfc3339.now(),
        ":outcome": "pending",
        ":before": not_since,
    }
    return user_table.update(
        *key("administrators"),
        UpdateExpression="SET command = :command, arguments = :arguments, actor = :actor, "
        "created_at = :now, outcome = :outcome",
        ConditionExpression="attribute_not_exists(pk) OR created_at < :before",
        ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
    )


def _status(change: StatusOfUser, version: int | None, access_epoch: int | None) -> dict[str, Any]:
    """Return META's update, which creates a missing META and ends every token with a new epoch.

    None matches any version or access epoch.
    """
    expected = {"version": version, "access_epoch": access_epoch}
    wanted = {name: number for name, number in expected.items() if number is not None}
    values = {":status": {"S": change.status}, ":now": {"S": rfc3339.now()}, **user_table.ONE}
    update: dict[str, Any] = {
        "Key": user_table.meta_key(change.uid),
        "UpdateExpression": "SET #status = :status, created_at = if_not_exists(created_at, :now) "
        + user_table.RAISE_EPOCH,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": values,
    }
    if wanted:
        update["ConditionExpression"] = " AND ".join(
            f"(attribute_not_exists({name}) OR {name} = :{name})" for name in wanted
        )
        values |= {f":{name}": {"N": str(number)} for name, number in wanted.items()}
    return {"Update": update}


def _remind(command: str) -> None:
    pk, sk = key(command)
    at = {"pk": {"S": pk}, "sk": {"S": sk}}
    touch = {
        "Key": at,
        "UpdateExpression": "ADD attempts :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    user_table.transact([{"Update": touch}])
