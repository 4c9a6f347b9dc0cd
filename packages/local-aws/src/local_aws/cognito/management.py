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
from local_aws.cognito import pools, triggers
from local_aws.cognito.errors import CognitoError, NotEmulatedError
from local_aws.cognito.service import Service

FORWARDED = frozenset(
    """
    CreateUserPool DescribeUserPool UpdateUserPool DeleteUserPool ListUserPools AddCustomAttributes
    GetUserPoolMfaConfig SetUserPoolMfaConfig
    CreateUserPoolClient DescribeUserPoolClient UpdateUserPoolClient DeleteUserPoolClient ListUserPoolClients
    CreateUserPoolDomain DescribeUserPoolDomain UpdateUserPoolDomain DeleteUserPoolDomain
    CreateResourceServer DescribeResourceServer ListResourceServers
    CreateGroup GetGroup UpdateGroup DeleteGroup ListGroups ListUsersInGroup
    AdminAddUserToGroup AdminRemoveUserFromGroup AdminListGroupsForUser
    AdminGetUser AdminEnableUser AdminDeleteUserAttributes ListUsers
    """.split()  # noqa: SIM905 - one line per subject
)


FIXED_SETTINGS = ("UsernameAttributes", "UsernameConfiguration", "UserPoolTier")


class ResourceServer(Struct, rename="pascal"):
    user_pool_id: str
    identifier: str
    name: str = ""
    scopes: list[dict[str, str]] = []


class Tags(Struct, rename="pascal"):
    resource_arn: str
    tags: dict[str, str] = {}
    tag_keys: list[str] = []


def checked(call: AwsCall) -> AwsCall:
    """Return the call in the form that moto needs, with the user's own name instead of an e-mail.

    Raise an error if the call uses features that are not emulated.
    """
    given = msgspec.json.decode(call.body or b"{}", type=dict[str, Any])
    action = call.action or ""
    if action in ("CreateUserPool", "UpdateUserPool"):
        _check_pool(given)
    if action in ("CreateUserPoolClient", "UpdateUserPoolClient"):
        _check_client(given)
    if action == "SetUserPoolMfaConfig":
        _check_factors(given)
    if action == "CreateUserPool":
        _check_mfa(given, totp=False)
        # AWS gives this tier to a new pool, and Terraform expects to read it back.
        return replace(call, body=msgspec.json.encode({"UserPoolTier": "ESSENTIALS", **given}))
    if action == "UpdateUserPool":
        return _with_fixed_settings(call, given)
    return _with_own_username(call, given)


def _with_fixed_settings(call: AwsCall, given: dict[str, Any]) -> AwsCall:
    """Add the user name settings, which are fixed at creation.

    An update does not repeat them, and moto would lose them.
    """
    pool = pools.find_pool(given.get("UserPoolId", ""))
    config = pool.extended_config
    if "MfaConfiguration" in given:  # otherwise moto would keep the old value at sign-in
        _check_mfa(given, bool((pool.token_mfa_config or {}).get("Enabled")))
        pool.mfa_config = given["MfaConfiguration"]
    fixed = {name: config[name] for name in FIXED_SETTINGS if name in config}
    return replace(call, body=msgspec.json.encode({**fixed, **given}))


def _check_pool(given: dict[str, Any]) -> None:
    unknown = {
        name for name, value in (given.get("LambdaConfig") or {}).items() if value
    } - triggers.SUPPORTED
    if unknown:
        raise NotEmulatedError(f"the trigger {', '.join(sorted(unknown))}")
    if given.get("AliasAttributes"):
        raise NotEmulatedError("AliasAttributes")
    if given.get("DeviceConfiguration"):
        raise NotEmulatedError("remembered devices (DeviceConfiguration)")
    if "phone_number" in [
        *(given.get("UsernameAttributes") or []),
        *(given.get("AutoVerifiedAttributes") or []),
    ]:
        raise NotEmulatedError("signing in or verifying by phone number")
    template = given.get("VerificationMessageTemplate") or {}
    if template.get("DefaultEmailOption") == "CONFIRM_WITH_LINK":
        raise NotEmulatedError("confirmation by link (DefaultEmailOption CONFIRM_WITH_LINK)")


def _check_factors(given: dict[str, Any]) -> None:
    for name in ("SmsMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration"):
        if given.get(name):
            raise NotEmulatedError(f"a second factor by {name}")
    _check_mfa(given, bool((given.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled")))


def _check_mfa(given: dict[str, Any], totp: bool) -> None:
    """Check that a pool that requires a second factor allows authenticator apps.

    No other second factor is emulated.
    """
    if given.get("MfaConfiguration") == "ON" and not totp:
        raise NotEmulatedError(
            "MfaConfiguration ON before SetUserPoolMfaConfig enables SoftwareTokenMfaConfiguration"
        )


def _check_client(given: dict[str, Any]) -> None:
    flows = set(given.get("AllowedOAuthFlows") or []) - {"code"}
    if flows:
        raise NotEmulatedError(f"the OAuth flow {', '.join(sorted(flows))}")
    if (given.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED":
        raise NotEmulatedError("refresh token rotation")


def _with_own_username(call: AwsCall, given: dict[str, Any]) -> AwsCall:
    """Replace an e-mail by the user's own name.

    moto compares e-mails case-sensitively, but a pool may be case-insensitive.
    """
    if not {"UserPoolId", "Username"} <= given.keys():
        return call
    user = pools.find_user(pools.find_pool(given["UserPoolId"]), given["Username"])
    if user is None:
        return call
    return replace(call, body=msgspec.json.encode({**given, "Username": user.username}))


async def update_resource_server(_: Service, request: ResourceServer) -> dict[str, Any]:
    server = _resource_servers(request)[request.identifier]
    server.name, server.scopes = request.name, request.scopes
    return {"ResourceServer": server.to_json()}


async def delete_resource_server(_: Service, request: ResourceServer) -> dict[str, Any]:
    del _resource_servers(request)[request.identifier]
    return {}


def _resource_servers(request: ResourceServer) -> dict[str, Any]:
    servers: dict[str, Any] = pools.find_pool(request.user_pool_id).resource_servers
    if request.identifier not in servers:
        raise CognitoError(
            "ResourceNotFoundException", f"Resource server {request.identifier} does not exist."
        )
    return servers


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
    "UpdateResourceServer": update_resource_server,
    "DeleteResourceServer": delete_resource_server,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
