"""The running stack, an administrator and a member, and one of each thing that the contract can
create.
"""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local_aws_tests.support.waiting import settle
from tests.contract.caller import Caller
from tests.contract.operations import of, read
from tools.deploy import stack_outputs as outputs
from tools.deploy import stack_settings
from tools.laptop.stack import aws, seed

RESENDING = "/v1/invitations/{id}/resend"
"""The operation that sends an invitation again.

It creates nothing and has no body. functions/users/tests/test_invitation.py tests it.
"""
PASSWORD = "Correct-Horse-7-Battery"


@pytest.fixture(scope="session")
def found() -> outputs.Outputs:
    return outputs.read(stack_settings.from_environment())


@pytest.fixture(scope="session")
def sign_in(found: outputs.Outputs) -> Callable[[str, str], Caller]:
    cognito = aws.client("cognito-idp", stack_settings.from_environment(), found.region)

    def signed_in(email: str, password: str) -> Caller:
        token = seed.sign_in(cognito, found.user_pool_client_id, email, password)["AccessToken"]
        payload = token.split(".")[1]
        claims: dict[str, Any] = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
        return Caller(found.api_url, token, claims["uid"])

    return signed_in


def someone(found: outputs.Outputs, sign_in: Callable[[str, str], Caller]) -> Caller:
    """Sign up a new user without a role."""
    cognito = aws.client("cognito-idp", stack_settings.from_environment(), found.region)
    email = f"member-{uuid.uuid4().hex}@example.org"
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    user = {"UserPoolId": found.user_pool_id, "Username": email}
    cognito.admin_create_user(**user, UserAttributes=attributes, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
    return sign_in(email, PASSWORD)


@pytest.fixture(scope="session")
def admin(found: outputs.Outputs, sign_in: Callable[[str, str], Caller]) -> Caller:
    """Return an administrator, who knows another user and one of each thing that the contract can
    create.
    """
    caller = sign_in(found.admin_email, found.admin_password)
    operations = of(read())
    caller.known["/v1/users/{id}"] = {"id": someone(found, sign_in).uid}
    # Shorter paths first: the things below them may need them.
    for creating in sorted(
        (one for one in operations if one.creates_by_put), key=lambda one: one.path
    ):
        made = caller.ask(creating, headers={"If-Match": None, "If-None-Match": "*"})
        assert made.status in (201, 412), (
            f"{creating} refuses what its contract gives as an example: {made.body!r}"
        )
    for making in (operation for operation in operations if operation.takes("Idempotency-Key")):
        if making.path == RESENDING:
            continue
        for number in range(2):  # two of each, so that lists have more than one entry
            # An operation without a body is an erasure, which must not delete the user that the
            # tests need.
            erased = {"id": someone(found, sign_in).uid} if making.body is None else None
            made = caller.ask(making, values=erased)
            # a second one is impossible, for example a second equal grant
            if number and made.status == 409:
                break
            assert made.status in (201, 202), (
                f"{making} refuses what its contract gives as an example: {made.body!r}. Give the schema of its body an "
                "`example` that a fresh stack accepts."
            )
            for operation in operations:
                caller.learn(operation, made.headers["location"])
    caller.known["/v1/invitations/{id}"] = {"id": sent_invitation(caller)}
    return caller


def sent_invitation(caller: Caller) -> str:
    """Return an invitation whose mail has been sent, so that it does not change any more."""

    def open_ones() -> list[str]:
        found = caller.send("GET", "/v1/invitations?state=open&limit=1").json["items"]
        return [invitation["id"] for invitation in found]

    assert settle(lambda: bool(open_ones()), 120), "no invitation was sent"
    return open_ones()[0]


@pytest.fixture(scope="session")
def member(found: outputs.Outputs, sign_in: Callable[[str, str], Caller], admin: Caller) -> Caller:
    """Return a user without a role."""
    return replace(someone(found, sign_in), known=admin.known)
