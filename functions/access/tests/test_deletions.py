"""Deletions, and changes of the set of administrators, on the stack.

No other test uses these permissions of the table.
"""

import uuid
from typing import Any

import pytest

from access.tests.conftest import Ask
from tools.laptop.client import Client, Person


def test_a_role_and_a_namespace_are_deleted(ask: Ask, reader: str) -> None:
    namespace = f"/v1/namespaces/n{uuid.uuid4().hex[:8]}"
    body: dict[str, Any] = {
        "description": "Soon gone",
        "schema": {"type": "object"},
        "visible_to": "self",
        "writable_by": "nobody",
    }
    body |= {"personal": False, "in_token": False}
    made = ask("PUT", namespace, body, If_None_Match="*")
    assert made.status == 201, made.body
    for path in (namespace, f"/v1/roles/{reader}"):
        assert ask("DELETE", path, If_Match="*").status == 204
        assert ask("GET", path).status == 404


def test_an_administrator_is_appointed_and_removed(
    ask: Ask, someone: Person, client: Client
) -> None:
    """Check that an administrator's token cannot delete the account in the user pool."""
    made = ask("POST", f"/v1/users/{someone.uid}/grants", {"role": "admin"})
    assert made.status == 201, made.body
    administrator, cognito = client.sign_in(someone), client.aws("cognito-idp")
    with pytest.raises(cognito.exceptions.NotAuthorizedException, match="required scopes"):
        cognito.delete_user(AccessToken=administrator.token)
    assert ask("DELETE", made.headers["location"], If_Match=made.headers["etag"]).status == 204
