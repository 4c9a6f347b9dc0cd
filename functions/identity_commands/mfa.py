"""The commands `enable_mfa` and `disable_mfa`: Cognito first, then META with the outcome.

Enabling makes Cognito ask for the authenticator app at every sign-in and signs the user out. Then
one transaction sets META's `mfa`, ends the API's earlier sessions and writes the outcome. So every
session that is valid while `mfa` is True began with the second factor.

A token with the scope SELF_SERVICE could turn MFA off again (SetUserMFAPreference). Since the
request set `mfa_requested`, no new token has this scope, and Cognito accepts no token from before a
sign-out. So a preference that is set after a first sign-out cannot be changed back.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from atrium.identity import commands
from atrium.identity.commands import Command, IdentitiesOfUser
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, user_table
from identity_commands import cognito
from identity_commands.invitation import RefusedError

SUPERSEDED = "A later change has replaced this one."
_NOT_SET_UP = (
    "No authenticator app is set up. Set one up with AssociateSoftwareToken and "
    "VerifySoftwareToken, then repeat the request."
)


def enable(id: str, of_user: IdentitiesOfUser) -> None:
    """Raise RefusedError if an account has no authenticator app; the user then has no MFA."""
    _require_latest(id, of_user)
    subjects = cognito.ours(of_user.identities)
    try:
        for subject in subjects:
            _prefer(subject, wanted=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in (
            "InvalidParameterException",
            "UserNotFoundException",
        ):
            raise
        raise RefusedError(_NOT_SET_UP) from error
    if not subjects:
        raise RefusedError(_NOT_SET_UP)
    for subject in subjects:
        cognito.call("admin_user_global_sign_out", Username=subject)
        _prefer(subject, wanted=True)
        cognito.call("admin_user_global_sign_out", Username=subject)


def disable(id: str, of_user: IdentitiesOfUser) -> None:
    """Stop asking for the second factor. The request has already cleared META's `mfa`."""
    _require_latest(id, of_user)
    for subject in cognito.ours(of_user.identities):
        try:
            _prefer(subject, wanted=False)
        except ClientError as error:
            if error.response["Error"]["Code"] != "UserNotFoundException":
                raise


def consequences(
    id: str, name: str, of_user: IdentitiesOfUser, outcome: commands.Outcome
) -> list[dict[str, Any]]:
    """Return the items to write together with the outcome. They fail if the command is not the latest.

    `enable_mfa` sets `mfa` if it has succeeded. If it has failed, the user has no MFA. The command
    of a mail about the change is among them.
    """
    if name != "enable_mfa":
        return [_notice("tell_mfa_disabled", of_user)] if outcome == "succeeded" else []
    if outcome == "succeeded":
        trail = audit.event(of_user.uid, "mfa.enabled", {}, of_user.uid, of_user.request_id)
        return [_enabled(id, of_user.uid), trail, _notice("tell_mfa_enabled", of_user)]
    return [_meta(id, of_user.uid, "REMOVE mfa, mfa_requested", {})]


def _notice(name: commands.Name, of_user: IdentitiesOfUser) -> dict[str, Any]:
    arguments = {"uid": of_user.uid, "identities": of_user.identities}
    return commands.new_item(Command(str(uuid7()), name, arguments, of_user.uid))


def _require_latest(id: str, of_user: IdentitiesOfUser) -> None:
    """Raise RefusedError for a command that a later one has replaced."""
    meta = user_table.meta(of_user.uid)
    if meta is None or meta.mfa_change != id:
        raise RefusedError(SUPERSEDED)


def _prefer(subject: str, *, wanted: bool) -> None:
    cognito.call(
        "admin_set_user_mfa_preference",
        Username=subject,
        SoftwareTokenMfaSettings={"Enabled": wanted, "PreferredMfa": wanted},
    )


def _enabled(id: str, uid: str) -> dict[str, Any]:
    values = {
        ":true": {"BOOL": True},
        ":now": {"N": str(int(time.time()))},
        ":nobody": {"S": ""},
        ":none": {"M": {}},
    }
    expression = (
        "SET mfa = :true, sessions_ended_at = :now, kept_session = :nobody, ended_sessions = :none "
        "REMOVE mfa_requested"
    )
    return _meta(id, uid, expression, values)


def _meta(id: str, uid: str, change: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return META's update, with a new epoch, on the condition that no later command is there."""
    update = {
        "Key": {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
        "UpdateExpression": f"{change} ADD access_epoch :one, version :one",
        "ConditionExpression": "mfa_change = :id",
        "ExpressionAttributeValues": {":id": {"S": id}, ":one": {"N": "1"}, **values},
    }
    return {"Update": update}
