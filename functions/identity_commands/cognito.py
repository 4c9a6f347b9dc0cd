"""Calls of the user pool's API, and the commands that change a user's status. All can be repeated.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
"""

import functools
from typing import Any

from botocore.exceptions import ClientError

from atrium.runtime import config
from atrium.stores import aws


def disable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    """Disable sign-in and revoke the refresh tokens."""
    for subject in ours(identities):
        call_if_there("admin_disable_user", subject)
        call_if_there("admin_user_global_sign_out", subject)
    return {}


def enable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    for subject in ours(identities):
        call_if_there("admin_enable_user", subject)
    return {}


def sign_out_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    """Revoke the refresh tokens. Sign-in stays possible."""
    for subject in ours(identities):
        call_if_there("admin_user_global_sign_out", subject)
    return {}


def delete_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    """Delete the accounts, with their sessions. Their addresses are free again."""
    for subject in ours(identities):
        call_if_there("admin_delete_user", subject)
    return {}


def ours(identities: list[tuple[str, str]]) -> list[str]:
    """Return the subjects that belong to this pool.

    A user may also have identities of a previous pool.
    """
    return [subject for issuer, subject in identities if issuer == provider()]


def call_if_there(operation: str, subject: str) -> None:
    """Call the API and ignore a missing account, which cannot sign in anyway."""
    try:
        call(operation, Username=subject)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise


def call(operation: str, **parameters: Any) -> Any:
    return getattr(client("cognito-idp"), operation)(UserPoolId=pool_id(), **parameters)


def provider() -> str:
    return f"cognito:{pool_id()}"


@functools.cache
def pool_id() -> str:
    parameter = client("ssm").get_parameter(Name=config.required("USER_POOL_ID_PARAMETER"))
    return str(parameter["Parameter"]["Value"])


def client(service: str) -> Any:
    # Seconds. Cognito sends the invitation before it responds, and a retry would find the account.
    return aws.client(service, read_timeout=15)
