"""A minute in which nothing was left behind; and an operation that has ended is not undone."""

from atrium.stores import outbox
from atrium.stores.commands import Command
from outbox_relay import administrators, expiry


def run() -> None:
    assert outbox.take_due(100) == []
    assert expiry.delete_expired_keys() == 0
    assert administrators.identities_of(["01920000-0000-7000-8000-000000000002"]) == {}
    ended = Command(
        "01920000-0000-7000-8000-000000000001",
        "disable_user",
        {},
        "01920000-0000-7000-8000-000000000002",
    )
    outbox.take_back(ended, "Nobody else is an administrator.")
