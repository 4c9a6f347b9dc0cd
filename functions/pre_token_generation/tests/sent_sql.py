"""The scenario of a sign-in, whose SQL is recorded.

The user is created if post_confirmation failed, and found otherwise. No deleted user is restored.
"""

from unittest.mock import patch

from atrium.identity import acceptance, restoration, users
from atrium.stores import postgres, user_table


def run() -> None:
    for _ in range(2):
        ada = users.find_or_create(
            "cognito:pool", "ada", "ada@example.com", {"family_name": "Lovelace"}
        )
    with patch.object(user_table, "transact"):
        assert users.change_email(ada.uid, "ada@example.org", ("cognito:pool", "ada"))
    assert restoration.restore(ada.uid) is False
    assert postgres.query(acceptance.OPEN, uid=ada.uid) == []
    assert postgres.query(acceptance.ACCEPT, invitation=ada.uid) == []
