"""Execution of commands, with the outcome written to the item. Each step can be repeated."""

import time
from datetime import datetime
from typing import Any

import msgspec

from atrium.identity import commands
from atrium.identity.commands import (
    KEPT_SECONDS,
    Administrators,
    IdentitiesOfUser,
    NewUser,
    StatusOfUser,
)
from atrium.stores import user_table
from atrium.stores.user_table import ContentionError, TransactionCanceledError
from identity_commands import administrators, cognito, invitation, mfa, notices
from identity_commands.invitation import RefusedError


def perform(image: dict[str, Any]) -> None:
    """Execute the command. Raise transient errors, so that the stream or the relay repeats it."""
    id = image["pk"].removeprefix("COMMAND#")
    command = user_table.item(*commands.key(id))
    # The record may be old. A command with an outcome is complete, and a newer one may have undone
    # it.
    if command is None or command["outcome"] != "pending":
        return
    if command["command"] == commands.COUNT_ADMINISTRATORS:
        administrators.count(msgspec.json.decode(command["arguments"], type=Administrators))
        return
    try:
        result = _done(id, command)
    except RefusedError as refused:
        _end(id, command, "failed", {"reason": str(refused)})
    else:
        _end(id, command, "succeeded", result)


def _done(id: str, command: dict[str, Any]) -> dict[str, str]:
    arguments = command["arguments"]
    match command["command"]:
        case "create_user":
            asked_at = datetime.fromisoformat(command["created_at"])
            return invitation.create_user(msgspec.json.decode(arguments, type=NewUser), asked_at)
        case "resend_invitation":
            asked_at = datetime.fromisoformat(command["created_at"])
            return invitation.resend(msgspec.json.decode(arguments, type=NewUser), asked_at)
        case "disable_user":
            return cognito.disable_user(
                msgspec.json.decode(arguments, type=StatusOfUser).identities
            )
        case "suspend_user":
            return cognito.sign_out_user(
                msgspec.json.decode(arguments, type=StatusOfUser).identities
            )
        case "erase_user":
            return cognito.delete_user(msgspec.json.decode(arguments, type=StatusOfUser).identities)
        case "enable_user":
            return cognito.enable_user(msgspec.json.decode(arguments, type=StatusOfUser).identities)
        case "sign_out_user":
            return cognito.sign_out_user(
                msgspec.json.decode(arguments, type=IdentitiesOfUser).identities
            )
        case "enable_mfa":
            mfa.enable(id, msgspec.json.decode(arguments, type=IdentitiesOfUser))
            return {}
        case "disable_mfa":
            mfa.disable(id, msgspec.json.decode(arguments, type=IdentitiesOfUser))
            return {}
        case notice if notice in commands.TELLS:
            notices.send(notice, msgspec.json.decode(arguments, type=IdentitiesOfUser))
            return {}
        case unknown:
            raise ValueError(
                f"{unknown}: unknown command. Deploy identity_commands before the function that sends it."
            )


def _end(
    id: str, command: dict[str, Any], outcome: commands.Outcome, result: dict[str, str]
) -> None:
    """Write the outcome, unless another attempt has written it, and its consequences in META."""
    pk, sk = commands.key(id)
    ending = _outcome(outcome, result, forgets=command["command"] in commands.TELLS)
    further = _consequences(id, command, outcome)
    if not further:
        user_table.update(pk, sk, **ending)
        return
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    try:
        user_table.transact([{"Update": {"Key": key} | ending}, *further])
    except TransactionCanceledError as refused:
        if 0 in refused.conditions:
            return
        if not refused.conditions:
            raise ContentionError(f"{id}: another transaction changed the items.") from refused
        # A later command, or the deletion of the account, has replaced this one.
        user_table.update(pk, sk, **_outcome("failed", {"reason": mfa.SUPERSEDED}))


def _consequences(
    id: str, command: dict[str, Any], outcome: commands.Outcome
) -> list[dict[str, Any]]:
    if command["command"] not in ("enable_mfa", "disable_mfa"):
        return []
    of_user = msgspec.json.decode(command["arguments"], type=IdentitiesOfUser)
    return mfa.consequences(id, command["command"], of_user, outcome)


def _outcome(
    outcome: commands.Outcome, result: dict[str, str], *, forgets: bool = False
) -> dict[str, Any]:
    """Return the update. It removes the arguments of a rejected command, which name a non-user.

    `forgets` removes them in any case: those of a mail may have a former address.
    """
    values = {
        ":pending": {"S": "pending"},
        ":outcome": {"S": outcome},
        ":result": {"S": msgspec.json.encode(result).decode()},
        ":end": {"N": str(int(time.time()) + KEPT_SECONDS)},
    }
    return {
        "UpdateExpression": "SET outcome = :outcome, #result = :result, expires_at = :end"
        + (" REMOVE arguments" if forgets or outcome == "failed" else ""),
        "ConditionExpression": "outcome = :pending",
        "ExpressionAttributeNames": {"#result": "result"},
        "ExpressionAttributeValues": values,
    }
