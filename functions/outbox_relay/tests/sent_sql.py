"""A run without work, the erasure of a user, and an operation that has ended and is not undone."""

from unittest.mock import patch

from atrium.identity import outbox, personal_items, users
from atrium.identity.commands import Command
from atrium.stores import user_table
from outbox_relay import administrators, erasure, expiry
from tests.support.built_in_tables import built_in_tables


def run() -> None:
    assert outbox.take_due(100) == []
    assert expiry.delete_expired_rows() == 0
    assert administrators.identities_of(["01920000-0000-7000-8000-000000000002"]) == {}
    assert erasure.start_due() == 0
    erases()
    ended = Command(
        "01920000-0000-7000-8000-000000000001",
        "disable_user",
        {},
        "01920000-0000-7000-8000-000000000002",
    )
    outbox.take_back(ended, "Nobody else is an administrator.")


def erases() -> None:
    """Erase a user's rows. Other tests cover the items."""
    ada = users.find_or_create("cognito:pool", "ada", "ada@example.com", {"given_name": "Ada"}).uid
    nothing = patch.multiple(user_table, query=lambda *_, **__: [], item=lambda *_: None)
    with built_in_tables(), nothing, patch.multiple(user_table, transact=lambda _: None):
        assert list(personal_items.find(ada, [])) == []
        erasure.erase("01920000-0000-7000-8000-000000000003", ada)
