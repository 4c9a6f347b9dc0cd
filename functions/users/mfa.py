"""Multi-factor authentication of a user, which Cognito asks for and META records.

The user sets up an authenticator app at Cognito (AssociateSoftwareToken, VerifySoftwareToken). `PUT
/v1/me/mfa` then makes Cognito ask for it at every sign-in. Only identity_commands reaches Cognito,
so the request writes a command. The command ends all earlier sessions and finally sets META's
`mfa`. Removal works the other way round: the request clears `mfa` first.

META names the latest command, `mfa_change`. An earlier one has no effect any more.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from atrium.http import etag, response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import commands, grants, mfa, permissions
from atrium.identity.commands import Command
from atrium.identity.delegation import Delegation
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, Meta, TransactionCanceledError
from users import people
from users.sessions import identities

GIVEN_UP = timedelta(minutes=15)
"""The time after which a command without an outcome no longer prevents the next one."""


class Change(msgspec.Struct):
    """The latest change. `reason` says why it failed, for people."""

    state: Literal["pending", "succeeded", "failed"]
    reason: str | None = None


class Mfa(msgspec.Struct):
    """A user's MFA as the API shows it. `withheld_roles` have no effect until it is enabled."""

    enabled: bool
    change: Change | None
    withheld_roles: list[str]


def read_own(request: Request) -> Response:
    return _answer(_meta(request.caller.uid), request.caller.uid)


def read_of_user(request: Request) -> Response:
    uid = str(request.uuid("id"))
    return _answer(_meta(uid), uid)


def enable_own(request: Request) -> Response:
    """Make Cognito ask for the second factor, and end all sessions when it does."""
    return _change(request, request.caller.uid, "enable_mfa", "mfa.requested")


def disable_own(request: Request) -> Response:
    return _change(request, request.caller.uid, "disable_mfa", "mfa.disabled")


def disable_of_user(request: Request) -> Response:
    """Turn MFA off for a person who has lost the authenticator app."""
    return _change(request, str(request.uuid("id")), "disable_mfa", "mfa.disabled")


def _answer(meta: Meta, uid: str) -> Response:
    shown = _shown(meta, uid)
    return response.json(shown, etag=etag.of_version(meta.version, shown))


def _shown(meta: Meta, uid: str) -> Mfa:
    named = mfa.withheld(has_mfa=meta.mfa)
    current = permissions.current(grants.everywhere(uid)) if named else []
    lineage = permissions.lineage(grants.role_names(current), user_table.role_definition)
    return Mfa(meta.mfa, _latest(meta), sorted(named & lineage))


def _latest(meta: Meta) -> Change | None:
    """Return the latest change, or None if there was none, or its command has been deleted."""
    command = user_table.item(*commands.key(meta.mfa_change)) if meta.mfa_change else None
    if command is None:
        return None
    if command["outcome"] == "pending":
        age = datetime.now(UTC) - datetime.fromisoformat(command["created_at"])
        late = "The sign-in service did not answer. Repeat the request."
        return Change("pending") if age < GIVEN_UP else Change("failed", late)
    result = msgspec.json.decode(command["result"], type=dict[str, str])
    return Change(command["outcome"], result.get("reason"))


def _change(
    request: Request, uid: str, name: Literal["enable_mfa", "disable_mfa"], action: str
) -> Response:
    read = _meta(uid)
    versions = etag.expected_versions(request, _shown(read, uid))
    found = identities(uid)

    def write() -> None:
        meta = _meta(uid)
        if versions is not None and meta.version not in versions:
            raise etag.stale()
        Delegation(request.caller).check_target(uid)
        latest = _latest(meta)
        if latest and latest.state == "pending":
            raise Problem(
                409,
                "mfa_change_pending",
                "An earlier change of MFA is in progress. Retry when GET shows its outcome.",
                headers={"Retry-After": "5"},
            )
        arguments = {"uid": uid, "identities": found, "request_id": request.request_id}
        command = Command(str(uuid7()), name, arguments, request.caller.uid)
        trail = audit.entry(request, action, {}, uid)
        try:
            user_table.transact([_update(uid, command, meta), commands.new_item(command), trail])
        except TransactionCanceledError as refused:
            raise ContentionError(f"{uid}: another request changed the user.") from refused

    retry_on_conflict(write)
    meta = _meta(uid)
    return response.json(
        Mfa(meta.mfa, Change("pending"), _shown(meta, uid).withheld_roles), status=202
    )


def _update(uid: str, command: Command, read: Meta) -> dict[str, Any]:
    """Return the update of META, on the condition that rights and MFA are as in `read`."""
    values: dict[str, Any] = {
        ":command": {"S": command.id},
        ":read_epoch": {"N": str(read.access_epoch)},
    }
    expression, condition = "SET mfa_change = :command", "access_epoch = :read_epoch"
    if command.command == "enable_mfa":
        expression += ", mfa_requested = :true"
        values[":true"] = {"BOOL": True}
    if command.command == "disable_mfa":
        # A new epoch makes tokens stale that name roles without effect.
        expression += " REMOVE mfa, mfa_requested ADD access_epoch :one, version :one"
        values[":one"] = {"N": "1"}
    if read.mfa_change:
        condition += " AND mfa_change = :read_change"
        values[":read_change"] = {"S": read.mfa_change}
    else:
        condition += " AND attribute_not_exists(mfa_change)"
    return {
        "Update": {
            "Key": {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
    }


def _meta(uid: str) -> Meta:
    found = user_table.meta(uid)
    if found is None or found.is_deleted:
        raise people.not_found()
    return found
