"""`{"email": "ada@example.com"}`: that user gets the role `admin`, everywhere and without end. `make admin` sends it.

Answers `{"uid": …, "granted": true}`; `granted` is false when they had it. Raises UserNotFoundError, UserDisabledError.
"""

from typing import Any

from atrium.http.text import Email
from atrium.stores import postgres
from first_admin import grant

_FIND = "SELECT uid, status FROM users WHERE email = $1::citext AND status <> 'erased'"


class UserNotFoundError(Exception):
    """Nobody here has the address."""


class UserDisabledError(Exception):
    """They are a user, but not an active one."""


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Raises ValueError naming the field that is wrong, too."""
    if unknown := event.keys() - {"email"}:
        raise ValueError(f"{', '.join(sorted(unknown))}: the only field is email.")
    uid = find_active(_email(event.get("email")))
    return {"uid": uid, "granted": grant.admin(uid)}


def _email(value: object) -> str:
    try:
        return str(Email.parse(value))
    except ValueError as wrong:
        raise ValueError(f"email: {wrong}.") from None


def find_active(email: str) -> str:
    found = postgres.query(_FIND, email)
    if not found:
        raise UserNotFoundError(f"Nobody with the address {email} has signed in yet.")
    [(uid, status)] = found
    if status != "active":
        raise UserDisabledError(f"{email} is {status}.")
    return str(uid)
