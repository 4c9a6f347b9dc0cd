"""The Lambda handler of `make admin`: grant the role `admin`, everywhere and without end.

The event is `{"email": "ada@example.com"}`, the response `{"uid": …, "granted": true}`; `granted`
is false if the user had the role. Raises UserNotFoundError, UserDisabledError, whose messages have
no address: Lambda writes them to the log.
"""

from typing import Any

from atrium.http.text import Email
from atrium.stores import postgres
from first_admin import grant, queries


class UserNotFoundError(Exception):
    """The address belongs to no user."""


class UserDisabledError(Exception):
    """The user is not active."""


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Grant the role. Also raise ValueError, which names the invalid field."""
    if unknown := event.keys() - {"email"}:
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown field. The only field is email.")
    uid = find_active(_email(event.get("email")))
    return {"uid": uid, "granted": grant.admin(uid)}


def _email(value: object) -> str:
    try:
        return str(Email.parse(value))
    except ValueError as wrong:
        raise ValueError(f"email: {wrong}.") from None


def find_active(email: str) -> str:
    found = postgres.query(queries.FIND_USER, email=email)
    if not found:
        raise UserNotFoundError("No user with this address has signed in yet.")
    [(uid, status)] = found
    if status != "active":
        raise UserDisabledError(f"This user is {status}.")
    return str(uid)
