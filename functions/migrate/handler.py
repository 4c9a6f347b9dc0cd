"""Commands: `{"action": "bootstrap" | "set_verifier" | "apply" | "status" | …}`; answers are JSON objects.

On a fresh environment: bootstrap (as the master, whose secret RDS manages), then the function db_credentials, which
sends the verifiers of the other roles, then apply.
"""

from collections.abc import Callable
from typing import Any

from migrate import migrations, roles, signing_keys

Event = dict[str, Any]

ACTIONS: dict[str, Callable[[Event], dict[str, Any]]] = {
    "bootstrap": lambda _: roles.bootstrap(),
    "set_verifier": lambda event: roles.set_verifier(_text(event, "user"), _text(event, "verifier")),
    "apply": lambda _: migrations.apply(),
    "status": lambda _: migrations.status(),
    "make_signing_keys": lambda event: signing_keys.make(event.get("rotate") is True),
}


def handler(event: Event, _context: object = None) -> dict[str, Any]:
    """Runs one action. Raises `ValueError` naming the field that is wrong, and what `atrium.postgres` raises."""
    action = ACTIONS.get(event.get("action", ""))
    if action is None:
        raise ValueError(f"action: {event.get('action')!r} is none of {', '.join(ACTIONS)}.")
    return action(event)


def _text(event: Event, field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field}: missing or not a string.")
    return value
