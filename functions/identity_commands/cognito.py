"""The user pool: calls of its API, and what commands about somebody's status ask of it. Each may be repeated.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
"""

import functools
import os
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import ClientError

from atrium.runtime import config


def disable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    """No sign-in, and no token by a refresh token either."""
    for subject in _ours(identities):
        call_if_there("admin_disable_user", subject)
        call_if_there("admin_user_global_sign_out", subject)
    return {}


def enable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    for subject in _ours(identities):
        call_if_there("admin_enable_user", subject)
    return {}


def _ours(identities: list[tuple[str, str]]) -> list[str]:
    """Of this pool. A user may have others, of a pool that it replaced."""
    return [subject for issuer, subject in identities if issuer == provider()]


def call_if_there(operation: str, subject: str) -> None:
    """Who is not in the pool cannot sign in, which is what was wanted; and nobody can bring them back."""
    try:
        call(operation, Username=subject)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise


def call(operation: str, **parameters: Any) -> Any:
    return getattr(_client("cognito-idp"), operation)(UserPoolId=_pool(), **parameters)


def provider() -> str:
    return f"cognito:{_pool()}"


@functools.cache
def _pool() -> str:
    parameter = _client("ssm").get_parameter(Name=config.required("USER_POOL_ID_PARAMETER"))
    return str(parameter["Parameter"]["Value"])


@functools.cache
def _client(service: str) -> Any:
    # Seconds. Cognito sends the invitation before it answers, and a repeat would find the user there.
    settings = botocore.config.Config(
        connect_timeout=3, read_timeout=15, retries={"mode": "standard"}
    )
    region = os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION only
    return botocore.session.get_session().create_client(
        service, region_name=region, config=settings
    )
