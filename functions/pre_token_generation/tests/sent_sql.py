"""Somebody signs in: the user is there, or is made because post_confirmation failed."""

from atrium import identity


def run() -> None:
    for _ in range(2):
        identity.find_or_create("cognito:pool", "ada", "ada@example.com", {"family_name": "Lovelace"})
