"""Outcomes of commands and audit events, some of them delivered twice."""

from uuid import UUID

from atrium.identity import outbox, users
from attribute_changes import trail

OPERATION = "01920000-0000-7000-8000-000000000001"
UID = "01920000-0000-7000-8000-000000000002"
EVENT = {
    "actor": UID,
    "action": "role.created",
    "changes": '{"role": "editor"}',
    "request_id": "request-1",
    "at": "2026-01-01T00:00:00.000Z",
}


def run() -> None:
    for _ in range(2):
        grace = users.find_or_create(
            "cognito:pool", "grace", "grace@example.com", {"given_name": "Grace"}, UUID(UID)
        )
        outbox.succeed(OPERATION, grace.uid)
        for uid in ({"uid": UID}, {}):
            trail.record(EVENT | uid | {"pk": f"AUDIT#{OPERATION if uid else UID}"})
    outbox.erase_records(OPERATION)
    outbox.fail(OPERATION, "Somebody with this address has signed up already.")
