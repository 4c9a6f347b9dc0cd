"""What commands ask of the user pool. Each may be repeated; its answer says what came of it.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
"""

import functools
import os
from datetime import datetime, timedelta
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import ClientError

from atrium import config
from atrium.commands import NewUser


class RefusedError(Exception):
    """Cognito will never do it. The message is for people."""


_REFUSED = {
    "InvalidParameterException": "The sign-in service does not take this address or name",
    "UserLambdaValidationException": "This address may not sign up here",
    "UnsupportedUserStateException": "The account is in a state that cannot be invited",
    "CodeDeliveryFailureException": "The invitation could not be delivered",
}
_HAS_ACCOUNT = "Somebody with this address has signed up already; they need no invitation"


SAME_INVITATION = timedelta(hours=1)
"""A user who was made this long before the command, or later, has its mail: an attempt that died made them."""


def create_user(new: NewUser, asked_at: datetime) -> dict[str, str]:
    """Their identity. Who was invited before and has not come yet is taken for the one whom we made."""
    try:
        user = _call("admin_create_user", Username=new.email, UserAttributes=_attributes(new))["User"]
        return _identity(user["Attributes"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "UsernameExistsException":
            return _invited_before(new, asked_at)
        if code in _REFUSED:
            raise RefusedError(f"{_REFUSED[code]}.") from error
        raise


def disable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    """No sign-in, and no token by a refresh token either."""
    for subject in _ours(identities):
        _call_if_there("admin_disable_user", subject)
        _call_if_there("admin_user_global_sign_out", subject)
    return {}


def enable_user(identities: list[tuple[str, str]]) -> dict[str, str]:
    for subject in _ours(identities):
        _call_if_there("admin_enable_user", subject)
    return {}


def _invited_before(new: NewUser, asked_at: datetime) -> dict[str, str]:
    found = _call("admin_get_user", Username=new.email)
    if found["UserStatus"] != "FORCE_CHANGE_PASSWORD":
        raise RefusedError(f"{_HAS_ACCOUNT}.")
    if found["UserCreateDate"] < asked_at - SAME_INVITATION:
        _call("admin_create_user", Username=new.email, MessageAction="RESEND")
    return _identity(found["UserAttributes"])


def _identity(attributes: list[dict[str, str]]) -> dict[str, str]:
    [subject] = [attribute["Value"] for attribute in attributes if attribute["Name"] == "sub"]
    return {"provider": _provider(), "subject": subject}


def _attributes(new: NewUser) -> list[dict[str, str]]:
    named = {
        "email": new.email,
        "email_verified": "true",  # the invitation goes there, and nobody signs in without its password
        "given_name": new.given_name,
        "family_name": new.family_name,
        "locale": new.locale,
    }
    return [{"Name": name, "Value": value} for name, value in named.items() if value is not None]


def _ours(identities: list[tuple[str, str]]) -> list[str]:
    """Of this pool. A user may have others, of a pool that it replaced."""
    return [subject for provider, subject in identities if provider == _provider()]


def _call_if_there(operation: str, subject: str) -> None:
    """Who is not in the pool cannot sign in, which is what was wanted; and nobody can bring them back."""
    try:
        _call(operation, Username=subject)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise


def _call(operation: str, **parameters: Any) -> Any:
    return getattr(_client("cognito-idp"), operation)(UserPoolId=_pool(), **parameters)


def _provider() -> str:
    return f"cognito:{_pool()}"


@functools.cache
def _pool() -> str:
    parameter = _client("ssm").get_parameter(Name=config.required("USER_POOL_ID_PARAMETER"))
    return str(parameter["Parameter"]["Value"])


@functools.cache
def _client(service: str) -> Any:
    # Seconds. Cognito sends the invitation before it answers, and a repeat would find the user there.
    settings = botocore.config.Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard"})
    region = os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION only
    return botocore.session.get_session().create_client(service, region_name=region, config=settings)
