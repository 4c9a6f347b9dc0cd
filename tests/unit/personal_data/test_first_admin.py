"""Errors of `first_admin` in the log, which must not contain the address."""

import pg8000.native
import pytest

from first_admin.handler import UserDisabledError, UserNotFoundError, find_active
from tests.unit.personal_data.markers import Person


def test_a_logged_error_contains_no_address(
    person: Person, database: pg8000.native.Connection
) -> None:
    email = f"{person.markers['users.email']}@example.org"
    database.run("UPDATE users SET status = 'disabled' WHERE uid = :uid", uid=person.uid)
    for address, kind in ((email, UserDisabledError), (f"nobody-{email}", UserNotFoundError)):
        with pytest.raises(kind) as refused:
            find_active(address)
        assert person.markers["users.email"] not in str(refused.value)
