"""An administrator, a role that reads documents, and a namespace."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person

Ask = Callable[..., Answer]


@pytest.fixture(scope="session")
def admin(client: Client) -> Person:
    return client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))


@pytest.fixture(scope="session")
def ask(client: Client, admin: Person) -> Ask:
    def asked(
        method: str, path: str, body: Any = None, *, person: Person = admin, **headers: str
    ) -> Answer:
        if method == "POST" and path.startswith("/v1/"):
            headers.setdefault("Idempotency_Key", str(uuid.uuid4()))
        return client.call(method, path, person.token, body, **headers)

    return asked


@pytest.fixture
def reader(ask: Ask) -> str:
    """Return the name of a role that only this test uses."""
    role = f"reader-{uuid.uuid4().hex[:8]}"
    body = {"description": "Reads documents", "permissions": ["document.read"]}
    assert ask("PUT", f"/v1/roles/{role}", body, If_None_Match="*").status == 201
    return role


@pytest.fixture
def someone(client: Client) -> Person:
    """Return a new user, because a grant would make the shared `member`'s token stale."""
    return client.new_member()


def evaluation(uid: str, thing: str) -> Mapping[str, Any]:
    subject, resource = {"type": "user", "id": uid}, {"type": "document", "id": thing}
    return {"subject": subject, "action": {"name": "read"}, "resource": resource}
