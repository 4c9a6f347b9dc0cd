"""The accounts of the user pool, a page at a time."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from atrium.runtime import config
from atrium.stores import aws

PAGE = 60
"""ListUsers returns at most 60 accounts."""


class Page(NamedTuple):
    accounts: list[dict[str, Any]]
    next: str
    """The position of the next page, empty at the end."""


def page(position: str) -> Page:
    """Return the accounts from a position; the empty text is the beginning.

    A position is valid for an hour only. After that the list begins again.
    """
    start = {"PaginationToken": position} if position else {}
    try:
        found = client("cognito-idp").list_users(UserPoolId=pool_id(), Limit=PAGE, **start)
    except ClientError as error:
        if not position or error.response["Error"]["Code"] != "InvalidParameterException":
            raise
        return page("")
    accounts = [_account(each, each["Attributes"]) for each in found["Users"]]
    return Page(accounts, found.get("PaginationToken", ""))


def find(subjects: Iterable[str]) -> list[dict[str, Any]]:
    """Return those of the accounts that exist."""
    return [account for subject in subjects if (account := _find(subject))]


def _find(subject: str) -> dict[str, Any] | None:
    try:
        found = client("cognito-idp").admin_get_user(UserPoolId=pool_id(), Username=subject)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise
        return None
    return _account(found, found["UserAttributes"])


def _account(found: dict[str, Any], attributes: list[dict[str, str]]) -> dict[str, Any]:
    values = {each["Name"]: each["Value"] for each in attributes}
    return {
        "subject": values["sub"],
        "email": values.get("email", ""),
        "is_verified": values.get("email_verified") == "true",
        "is_enabled": found["Enabled"],
        "is_confirmed": found["UserStatus"] != "UNCONFIRMED",
    }


@functools.cache
def pool_id() -> str:
    parameter = client("ssm").get_parameter(Name=config.required("USER_POOL_ID_PARAMETER"))
    return str(parameter["Parameter"]["Value"])


def client(service: str) -> Any:
    return aws.client(service, read_timeout=60)
