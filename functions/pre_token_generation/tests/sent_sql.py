"""Somebody signs in: the user is there, or is made because post_confirmation failed; and nobody is restored."""

from atrium.identity import acceptance, restoration, users
from atrium.stores import postgres


def run() -> None:
    for _ in range(2):
        ada = users.find_or_create(
            "cognito:pool", "ada", "ada@example.com", {"family_name": "Lovelace"}
        )
    assert restoration.restore(ada.uid) is False
    assert postgres.query(acceptance.OPEN, uid=ada.uid) == []
    assert postgres.query(acceptance.ACCEPT, invitation=ada.uid) == []
