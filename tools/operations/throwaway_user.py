"""A temporary user who signs up for a test and is deleted through the API by an administrator."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.operations.observations import Answer, Request

# SES's mailbox simulator, so that no mail bounces.
ADDRESS = "success+{random}@simulator.amazonses.com"
REMOVED_SECONDS = 120.0
Ask = Callable[[Request], Answer]


@dataclass(frozen=True)
class Administrator:
    """The administrator who deletes the temporary user."""

    email: str
    password: str


@contextmanager
def signed_up(target: Environment, ask: Ask, administrator: Administrator) -> Iterator[str]:
    """Yield the user's access token, then delete the user. Raise RefusedError if a step fails."""
    cognito = target.client("cognito-idp")
    email, password = (
        ADDRESS.format(random=secrets.token_hex(6)),
        secrets.token_urlsafe(18) + "aA1!",
    )
    names = {"email": email, "given_name": "Ada", "family_name": "Lovelace"}
    cognito.sign_up(
        ClientId=target.output("user_pool_client_id"), Username=email, Password=password,
        UserAttributes=[{"Name": name, "Value": value} for name, value in names.items()],
    )  # fmt: skip
    cognito.admin_confirm_sign_up(UserPoolId=target.output("user_pool_id"), Username=email)
    token = sign_in(target, cognito, email, password)
    uid = _uid(ask, token)
    try:
        yield token
    finally:
        _remove(ask, uid, sign_in(target, cognito, administrator.email, administrator.password))


def sign_in(target: Environment, cognito: Any, email: str, password: str) -> str:
    """Return an access token, by USER_PASSWORD_AUTH if the client allows it, otherwise by SRP."""
    client_id = target.output("user_pool_client_id")
    try:
        answer = cognito.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
    except ClientError as error:
        if "USER_PASSWORD_AUTH flow not enabled" not in str(error):
            raise
        from pycognito.aws_srp import AWSSRP  # Imported here: it loads much of boto3.

        srp = AWSSRP(
            username=email,
            password=password,
            pool_id=target.output("user_pool_id"),
            client_id=client_id,
            client=cognito,
        )
        answer = srp.authenticate_user()
    return str(answer["AuthenticationResult"]["AccessToken"])


def _uid(ask: Ask, token: str) -> str:
    answer = ask(Request("GET", "/v1/me", {"Authorization": f"Bearer {token}"}))
    if answer.status != 200:
        raise RefusedError(
            f"the new temporary user cannot read /v1/me: {answer.status} {answer.body[:200]!r}. "
            "Look for the request in the log of the function `users`."
        )
    return str(answer.json()["uid"])


def _remove(ask: Ask, uid: str, token: str) -> None:
    signed = {"Authorization": f"Bearer {token}"}
    tag = ask(Request("GET", f"/v1/users/{uid}", signed)).headers.get("etag", "*")
    answer = ask(Request("DELETE", f"/v1/users/{uid}", signed | {"If-Match": tag}))
    if answer.status != 202:
        raise RefusedError(
            f"user {uid} was not deleted: {answer.status} {answer.body[:200]!r}. Delete it by DELETE /v1/users/{uid}."
        )
    operation = json.loads(answer.body)["id"]
    deadline = time.monotonic() + REMOVED_SECONDS
    while (
        state := ask(Request("GET", f"/v1/operations/{operation}", signed)).json()["state"]
    ) == "pending":
        if time.monotonic() >= deadline:
            raise RefusedError(
                f"the deletion of user {uid} is still pending. Check GET /v1/operations/{operation}."
            )
        time.sleep(1)
    if state != "succeeded":
        raise RefusedError(
            f"the deletion of user {uid} {state}. Read GET /v1/operations/{operation}."
        )
