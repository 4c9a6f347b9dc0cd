"""The accounts of a user in the pool."""

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from atrium.identity import personal_data
from atrium.runtime import config
from exports import aws


def of(identities: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the declared fields of the accounts, by the registry's records of Cognito."""
    found = list(_accounts(identities))
    return {
        name: [{field: one[field] for field in fields & one.keys()} for one in found]
        for name, fields in personal_data.registry().cognito.items()
    }


def _accounts(identities: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the accounts in this pool, with their attributes beside the other fields."""
    for identity in identities:
        if identity["provider"] == f"cognito:{pool_id()}":
            try:
                account = aws.client("cognito-idp").admin_get_user(
                    UserPoolId=pool_id(), Username=identity["subject"]
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "UserNotFoundException":
                    raise
            else:
                attributes = {each["Name"]: each["Value"] for each in account["UserAttributes"]}
                yield account | attributes


@functools.cache
def pool_id() -> str:
    parameter = aws.client("ssm").get_parameter(Name=config.required("USER_POOL_ID_PARAMETER"))
    return str(parameter["Parameter"]["Value"])
