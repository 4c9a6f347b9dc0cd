"""Commands, each a JSON object that is answered with one: `{"action": "status"}`.

| action | fields | as | |
|---|---|---|---|
| bootstrap | | postgres | makes the roles; on a fresh environment the first |
| set_verifier | user, verifier | postgres | what `db_credentials` sends |
| make_signing_keys | rotate? | | makes the keys of cursors, in the table |
| prepare_items | | | starts a new environment in the newest layout of the table |
| migrate_items | dry_run?, after? | readonly | moves the grants of the next users to the newest layout of the table |
| verify_audit | after? | readonly | compares the next events of the audit trail with their chains |
| status | | readonly | what is applied and pending; writes nothing |
| plan | to? | readonly | what apply would run; writes nothing |
| apply | to? | migrator | runs what is pending |
| down | steps? | migrator | takes the last ones back |
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from migrate import audit, items, migrations, roles, signing_keys
from migrate.connection import proxy_uri

Event = dict[str, Any]
UriOf = Callable[[str], str]
"""A function that returns the URI with which a database user connects."""

FIELDS = {
    "bootstrap": (),
    "set_verifier": ("user", "verifier"),
    "make_signing_keys": ("rotate",),
    "prepare_items": (),
    "migrate_items": ("dry_run", "after"),
    "verify_audit": ("after",),
    "status": (),
    "plan": ("to",),
    "apply": ("to",),
    "down": ("steps",),
}


def handler(event: Event, _context: object = None) -> dict[str, Any]:
    """Run one action. Raise `ValueError` naming the invalid field.

    Also raise what `migrate.migrations` raises.
    """
    match _action(event):
        case "bootstrap":
            return roles.bootstrap()
        case "set_verifier":
            return roles.set_verifier(_text(event, "user"), _text(event, "verifier"))
        case "make_signing_keys":
            return signing_keys.make(event.get("rotate") is True)
        case "prepare_items":
            return items.prepare()
        case "migrate_items":
            after = {"after": _text(event, "after")} if "after" in event else {}
            return items.migrate(
                items.users_of(proxy_uri("readonly")), dry_run=event.get("dry_run") is True, **after
            )
        case _:
            return run(event, proxy_uri)


def run(event: Event, uri_of: UriOf, folder: Path = migrations.FOLDER) -> dict[str, Any]:
    """Run an action on the migrations of the database at `uri_of`. Raises like `handler`."""
    match _action(event):
        case "verify_audit":
            return audit.verify(uri_of("readonly"), _link(event))
        case "status":
            return migrations.status(uri_of("readonly"), folder)
        case "plan":
            to = _optional_text(event, "to")
            return migrations.plan(uri_of("readonly"), to, folder)
        case "apply":
            to = _optional_text(event, "to")
            return migrations.apply(uri_of("migrator"), to, folder)
        case "down":
            steps = _steps(event)
            return migrations.down(uri_of("migrator"), steps, folder)
        case action:
            raise ValueError(f"action: {action} works in the deployed function only.")


def _action(event: Event) -> str:
    action = event.get("action")
    if action not in FIELDS:
        raise ValueError(f"action: {action!r} must be one of {', '.join(FIELDS)}.")
    if unknown := event.keys() - {"action", *FIELDS[action]}:
        raise ValueError(
            f"{', '.join(sorted(unknown))}: unknown field of {action}. "
            f"Its fields are {FIELDS[action] or 'none'}."
        )
    return str(action)


def _link(event: Event) -> audit.Link:
    try:
        return msgspec.convert(event.get("after") or {}, audit.Link)
    except msgspec.ValidationError as error:
        raise ValueError(f"after: {error}.") from None


def _text(event: Event, field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field}: must be a string.")
    return value


def _optional_text(event: Event, field: str) -> str | None:
    return _text(event, field) if field in event else None


def _steps(event: Event) -> int:
    steps = event.get("steps", 1)
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"steps: {steps!r} must be a whole number of at least 1.")
    return steps
