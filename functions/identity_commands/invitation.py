"""The command `create_user`: create an account and mail a temporary password.

The command `resend_invitation` mails another password to an account that has not been used.

The address may have an account already:

- FORCE_CHANGE_PASSWORD: an earlier invitation has not been used. The mail is sent again, unless an
  attempt of this same command has sent it.
- UNCONFIRMED: somebody has signed up with the address and chosen a password, without proving that
  the address is theirs. A temporary password replaces that one and goes to the address, in one call
  that does not depend on the account's state. So a simultaneous confirmation of the sign-up is
  harmless.
- CONFIRMED since the invitation was requested: the same, and every session ends. The invited person
  may have entered the code of a sign-up that somebody else began.
- CONFIRMED before: the invitation is rejected.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from atrium.identity.commands import NewUser
from identity_commands.cognito import call, call_if_there, provider


class RefusedError(Exception):
    """Cognito has permanently rejected the command. The message is for people."""


_REFUSED = {
    "InvalidParameterException": "The sign-in service rejected this address or name",
    "UserLambdaValidationException": "This address is not allowed to sign up",
    "UnsupportedUserStateException": "The account is in a state that cannot be invited",
    "CodeDeliveryFailureException": "The invitation could not be delivered",
}
_HAS_ACCOUNT = "A user with this address has already signed up and needs no invitation"

SAME_INVITATION = timedelta(hours=1)
"""Seconds around the command's time: an account created then belongs to an attempt of this command.
"""


def create_user(new: NewUser, asked_at: datetime) -> dict[str, str]:
    """Return the identity of the invited user. Raise RefusedError."""
    try:
        return _identity(_create(new)["Attributes"])
    except ClientError as error:
        if _code(error) != "UsernameExistsException":
            raise
    found = call("admin_get_user", Username=new.email)
    attributes = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
    status, is_verified = found["UserStatus"], attributes.get("email_verified") == "true"
    if status == "FORCE_CHANGE_PASSWORD" and is_verified:
        if found["UserCreateDate"] < asked_at - SAME_INVITATION:
            _mail(new)
    elif status == "CONFIRMED" and found["UserLastModifiedDate"] < asked_at:
        raise RefusedError(f"{_HAS_ACCOUNT}.")
    elif status in ("UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD"):
        _take_over(new, attributes)
    else:
        raise RefusedError(f"{_HAS_ACCOUNT}.")
    return _identity(found["UserAttributes"])


def resend(new: NewUser, asked_at: datetime) -> dict[str, str]:
    """Mail another temporary password, unless an attempt of this command has done so.

    Raise RefusedError if the account is gone or in use.
    """
    try:
        found = call("admin_get_user", Username=new.email)
    except ClientError as error:
        if _code(error) != "UserNotFoundException":
            raise
        raise RefusedError(
            "The account no longer exists. Cancel the invitation and invite again."
        ) from None
    if found["UserStatus"] != "FORCE_CHANGE_PASSWORD":
        raise RefusedError(f"{_HAS_ACCOUNT}.")
    if found["UserLastModifiedDate"] < asked_at:
        _resend(new)
    return _identity(found["UserAttributes"])


def _resend(new: NewUser) -> None:
    try:
        call("admin_create_user", Username=new.email, MessageAction="RESEND")
    except ClientError as error:
        if _code(error) in _REFUSED:
            raise RefusedError(f"{_REFUSED[_code(error)]}.") from error
        raise


def _create(new: NewUser) -> Any:
    given = [
        {"Name": name, "Value": value}
        for name, value in _attributes(new).items()
        if value is not None
    ]
    verified = {
        "Name": "email_verified",
        "Value": "true",
    }  # the mail goes to this address, and its password is needed to sign in
    return _sent(new, UserAttributes=[*given, verified])["User"]


def _take_over(new: NewUser, found: dict[str, str]) -> None:
    """Replace the password and the names that somebody else may have set.

    The address counts as verified only after its mail was sent, so an attempt that died before
    is repeated.
    """
    call("admin_set_user_password", Username=new.email, Password=_password(), Permanent=False)
    call("admin_user_global_sign_out", Username=new.email)
    names = {
        name: value or ""
        for name, value in _attributes(new).items()
        if name != "email" and (value is not None or name in found)
    }
    if names:  # before the mail, which contains the given name
        _update(new, names)
    _mail(new)
    _update(new, {"email_verified": "true"})


def _update(new: NewUser, attributes: dict[str, str]) -> None:
    changed = [{"Name": name, "Value": value} for name, value in attributes.items()]
    call("admin_update_user_attributes", Username=new.email, UserAttributes=changed)


def _mail(new: NewUser) -> None:
    """Send the mail again, with another temporary password."""
    _sent(new, MessageAction="RESEND")


def _sent(new: NewUser, **parameters: Any) -> Any:
    """Call AdminCreateUser. If the mail failed, delete the account, so that a retry can succeed."""
    try:
        return call("admin_create_user", Username=new.email, **parameters)
    except ClientError as error:
        code = _code(error)
        if code == "CodeDeliveryFailureException":
            call_if_there("admin_delete_user", new.email)
        if code in _REFUSED:
            raise RefusedError(f"{_REFUSED[code]}.") from error
        raise


def _password() -> str:
    """Return a random temporary password that fulfils any policy."""
    return f"{secrets.token_urlsafe(32)}aA1!"


def _attributes(new: NewUser) -> dict[str, str | None]:
    return {
        "email": new.email,
        "given_name": new.given_name,
        "family_name": new.family_name,
        "locale": new.locale,
    }


def _identity(attributes: list[dict[str, str]]) -> dict[str, str]:
    [subject] = [attribute["Value"] for attribute in attributes if attribute["Name"] == "sub"]
    return {"provider": provider(), "subject": subject}


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
