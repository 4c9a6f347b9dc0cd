"""The control plane: calls that go to moto, and the few calls that moto lacks.

A configuration that is not emulated is rejected when it is made. Otherwise a sign-in would silently
ignore it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from local_aws.aws_call import AwsCall
from local_aws.cognito import client_secrets, clients, pool_settings, pools, resource_servers
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.service import Service

FORWARDED = frozenset(
    """
    CreateUserPool DescribeUserPool UpdateUserPool DeleteUserPool ListUserPools AddCustomAttributes
    GetUserPoolMfaConfig SetUserPoolMfaConfig
    CreateUserPoolDomain DescribeUserPoolDomain UpdateUserPoolDomain DeleteUserPoolDomain
    CreateResourceServer DescribeResourceServer ListResourceServers
    CreateGroup GetGroup UpdateGroup DeleteGroup ListGroups ListUsersInGroup
    AdminAddUserToGroup AdminRemoveUserFromGroup AdminListGroupsForUser
    AdminEnableUser ListUsers
    """.split()  # noqa: SIM905 - one line per subject
)
Given = dict[str, Any]

# Calls that moto receives in another form.
COMPLETED: dict[str, Callable[[Given], Given]] = {
    "CreateUserPool": pool_settings.of_new_pool,
    "UpdateUserPool": pool_settings.of_updated_pool,
}


class Tags(Struct, rename="pascal"):
    resource_arn: str
    tags: dict[str, str] = {}
    tag_keys: list[str] = []


def checked(call: AwsCall) -> AwsCall:
    """Return the call in the form that moto needs, with the user's own name instead of an e-mail.

    Raise an error if the call breaks one of AWS's rules, or uses features that are not emulated.
    """
    given = msgspec.json.decode(call.body or b"{}", type=Given)
    action = call.action or ""
    if action in COMPLETED:
        return replace(call, body=msgspec.json.encode(COMPLETED[action](given)))
    if action in CHECKS:
        CHECKS[action](given)
    return _with_own_username(call, given)


def _with_own_username(call: AwsCall, given: Given) -> AwsCall:
    """Replace an e-mail by the user's own name.

    moto compares e-mails case-sensitively, but a pool may be case-insensitive.
    """
    if not {"UserPoolId", "Username"} <= given.keys():
        return call
    user = pools.require_user(pools.find_pool(given["UserPoolId"]), given["Username"])
    return replace(call, body=msgspec.json.encode({**given, "Username": user.username}))


def _check_group(given: Given) -> None:
    if given.get("GroupName") not in pools.find_pool(given.get("UserPoolId", "")).groups:
        raise CognitoError("ResourceNotFoundException", "Group not found.")


def _check_pool(given: Given) -> None:
    pools.find_pool(given.get("UserPoolId", ""))


CHECKS: dict[str, Callable[[Given], None]] = {
    "SetUserPoolMfaConfig": pool_settings.check_factors,
    "DeleteUserPool": pool_settings.check_deletable,
    "CreateUserPoolDomain": pool_settings.check_new_domain,
    "UpdateUserPoolDomain": pool_settings.check_domain,
    "DeleteUserPoolDomain": pool_settings.check_domain,
    "CreateResourceServer": _check_pool,
    "AddCustomAttributes": _check_pool,
    **dict.fromkeys(
        (
            "GetGroup",
            "UpdateGroup",
            "DeleteGroup",
            "ListUsersInGroup",
            "AdminAddUserToGroup",
            "AdminRemoveUserFromGroup",
        ),
        _check_group,
    ),
}


async def tag_resource(_: Service, request: Tags) -> dict[str, Any]:
    _tags(request).update(request.tags)
    return {}


async def untag_resource(_: Service, request: Tags) -> dict[str, Any]:
    for key in request.tag_keys:
        _tags(request).pop(key, None)
    return {}


async def list_tags_for_resource(_: Service, request: Tags) -> dict[str, Any]:
    return {"Tags": _tags(request)}


def _tags(request: Tags) -> dict[str, str]:
    pool = pools.find_pool(request.resource_arn.rpartition("/")[2])
    tags: dict[str, str] = pool.extended_config.setdefault("UserPoolTags", {})
    return tags


OPERATIONS: dict[str, Callable[[Service, Any], Awaitable[dict[str, Any]]]] = {
    "CreateUserPoolClient": clients.create_client,
    "DescribeUserPoolClient": clients.describe_client,
    "UpdateUserPoolClient": clients.update_client,
    "DeleteUserPoolClient": clients.delete_client,
    "ListUserPoolClients": clients.list_clients,
    "AddUserPoolClientSecret": client_secrets.add_secret,
    "DeleteUserPoolClientSecret": client_secrets.delete_secret,
    "ListUserPoolClientSecrets": client_secrets.list_secrets,
    "UpdateResourceServer": resource_servers.update_resource_server,
    "DeleteResourceServer": resource_servers.delete_resource_server,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
