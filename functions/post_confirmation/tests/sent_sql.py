"""Somebody confirms their address, and Cognito calls twice."""

from contextlib import suppress

from atrium import identity


def run() -> None:
    for _ in range(2):
        identity.find_or_create("cognito:pool", "ada", "ada@example.com", {"given_name": "Ada"})
    with suppress(identity.EmailTakenError):
        identity.find_or_create("cognito:other", "stranger", "ADA@example.com", {})
