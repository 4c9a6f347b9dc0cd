"""Outcomes of commands, which end operations. Repeated and late outcomes change nothing."""

from typing import Any
from uuid import UUID

import msgspec

from atrium.identity import outbox, users
from atrium.identity.commands import NewUser
from atrium.identity.users import EmailTakenError


def handle_outcome(command: dict[str, Any]) -> None:
    id = command["pk"].removeprefix("COMMAND#")
    result = msgspec.json.decode(command["result"])
    if command["outcome"] == "failed":
        outbox.fail(id, result["reason"])
    elif command["command"] == "create_user":
        _bind(id, msgspec.json.decode(command["arguments"], type=NewUser), result)
    elif command["command"] == "erase_user":
        outbox.erase_records(id)
    else:
        outbox.succeed(id)


def _bind(operation: str, new: NewUser, result: dict[str, str]) -> None:
    """Return the user of the new Cognito account, created if this is the account's first use."""
    names = {"given_name": new.given_name, "family_name": new.family_name, "locale": new.locale}
    attributes = {name: value for name, value in names.items() if value is not None}
    try:
        user = users.ensure_user(
            result["provider"], result["subject"], new.email, attributes, UUID(new.uid)
        )
    except EmailTakenError:
        outbox.fail(operation, "Another user has started to use this address since the invitation.")
    else:
        outbox.succeed(operation, user.uid)
