"""Somebody confirms their address, and Cognito calls twice."""

from contextlib import suppress

from atrium.identity import users


def run() -> None:
    for _ in range(2):
        users.find_or_create("cognito:pool", "ada", "ada@example.com", {"given_name": "Ada"})
    with suppress(users.EmailTakenError):
        users.find_or_create("cognito:other", "stranger", "ADA@example.com", {})
