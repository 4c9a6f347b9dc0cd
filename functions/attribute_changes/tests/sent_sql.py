"""Outcomes of commands come, some of them twice."""

from uuid import UUID

from atrium.identity import users
from atrium.stores import outbox

OPERATION = "01920000-0000-7000-8000-000000000001"
UID = "01920000-0000-7000-8000-000000000002"


def run() -> None:
    for _ in range(2):
        grace = users.find_or_create(
            "cognito:pool", "grace", "grace@example.com", {"given_name": "Grace"}, UUID(UID)
        )
        outbox.succeed(OPERATION, grace.uid)
    outbox.erase_records(OPERATION)
    outbox.fail(OPERATION, "Somebody with this address has signed up already.")
