"""A person confirms their address, Cognito calls twice, and they reset their password later."""

from contextlib import suppress

from atrium.identity import users
from atrium.stores import postgres
from post_confirmation import queries


def run() -> None:
    for _ in range(2):
        users.find_or_create("cognito:pool", "ada", "ada@example.com", {"given_name": "Ada"})
    with suppress(users.EmailTakenError):
        users.find_or_create("cognito:other", "stranger", "ADA@example.com", {})
    postgres.query(queries.FIND_USER, provider="cognito:pool", subject="ada")
