"""The first administrator: sign-up, confirmation by the inbox's code, and the role `admin`."""

import secrets
import string
from typing import Any

from local_aws.settings import Settings
from local_aws.supervisor.process import get_json
from local_aws.supervisor.ready import StackError
from tools.laptop.stack import aws

ADMIN_EMAIL = "admin@example.com"


def seed_admin(
    settings: Settings, outputs: dict[str, Any], inbox_url: str, password: str | None
) -> str:
    """Return the admin's password: `password`, if an earlier run set it, or that of a new admin."""
    cognito = aws.client("cognito-idp", settings, outputs["region"])
    client_id = outputs["user_pool_client_id"]
    if password is None or not _can_sign_in(cognito, client_id, password):
        password = _new_password()
        _sign_up(cognito, client_id, password, inbox_url)
    from tools.deploy.admin import (
        make_admin,
    )  # Imported here: it loads boto3, which `make status` does not need.

    lambda_client = aws.client("lambda", settings, outputs["region"])
    make_admin(
        lambda folder, event: aws.invoke(lambda_client, outputs["functions"][folder], dict(event)),
        ADMIN_EMAIL,
    )
    return password


def sign_in(cognito: Any, client_id: str, email: str, password: str) -> dict[str, Any]:
    answer = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def _can_sign_in(cognito: Any, client_id: str, password: str) -> bool:
    try:
        sign_in(cognito, client_id, ADMIN_EMAIL, password)
    except (cognito.exceptions.NotAuthorizedException, cognito.exceptions.UserNotFoundException):
        return False
    return True


def _sign_up(cognito: Any, client_id: str, password: str, inbox_url: str) -> None:
    attributes = [
        {"Name": "email", "Value": ADMIN_EMAIL},
        {"Name": "given_name", "Value": "Ada"},
        {"Name": "family_name", "Value": "Admin"},
    ]
    try:
        cognito.sign_up(
            ClientId=client_id, Username=ADMIN_EMAIL, Password=password, UserAttributes=attributes
        )
    except cognito.exceptions.UsernameExistsException:
        raise StackError(
            f"{ADMIN_EMAIL} exists, but the password in outputs.json is wrong. Change it back, or run `make reset` to start afresh."
        ) from None
    code = next(mail["code"] for mail in reversed(get_json(inbox_url)) if mail["to"] == ADMIN_EMAIL)
    cognito.confirm_sign_up(ClientId=client_id, Username=ADMIN_EMAIL, ConfirmationCode=code)


def _new_password() -> str:
    """Return a random password with every kind of character that a policy may require."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!-_.")
    every = "".join(kinds)
    return "".join(
        [secrets.choice(kind) for kind in kinds] + [secrets.choice(every) for _ in range(16)]
    )
