"""Somebody signs in: the user is there, or is made because post_confirmation failed."""

from atrium.identity import users


def run() -> None:
    for _ in range(2):
        users.find_or_create("cognito:pool", "ada", "ada@example.com", {"family_name": "Lovelace"})
