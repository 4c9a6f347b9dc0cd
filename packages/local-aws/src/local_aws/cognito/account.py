"""Account operations of the user or an administrator: read, sign out, disable and delete."""

from typing import Any

from local_aws.cognito import attributes, client_secrets, mfa, pools, requests, sessions
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import User
from local_aws.cognito.service import Service


async def get_user(service: Service, request: requests.AccessToken) -> dict[str, Any]:
    _, client, user = sessions.authenticate(service, request.access_token)
    visible = attributes.readable(client, user)
    listed = [{"Name": name, "Value": value} for name, value in visible.items()]
    return {"Username": user.username, "UserAttributes": listed} | _factors(user)


async def admin_get_user(_: Service, request: requests.AdminUser) -> dict[str, Any]:
    user = pools.require_user(pools.find_pool(request.user_pool_id), request.username)
    return pools.describe(user, "UserAttributes") | _factors(user)


def _factors(user: User) -> dict[str, Any]:
    """Return the user's second factors; AWS leaves out what is not set."""
    factors: dict[str, Any] = {}
    if user.software_token_mfa_enabled:
        factors["UserMFASettingList"] = [mfa.SOFTWARE_TOKEN]
    if user.preferred_mfa_setting:
        factors["PreferredMfaSetting"] = user.preferred_mfa_setting
    return factors


async def delete_user(service: Service, request: requests.AccessToken) -> dict[str, Any]:
    pool, _, user = sessions.authenticate(service, request.access_token)
    sessions.revoke_all(service, pool, user)
    pools.remove_user(pool, user)
    return {}


async def admin_delete_user(service: Service, request: requests.AdminUser) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    sessions.revoke_all(service, pool, user)
    pools.remove_user(pool, user)
    return {}


async def global_sign_out(service: Service, request: requests.AccessToken) -> dict[str, Any]:
    pool, _, user = sessions.authenticate(service, request.access_token)
    sessions.revoke_all(service, pool, user)
    return {}


async def admin_user_global_sign_out(
    service: Service, request: requests.AdminUser
) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    sessions.revoke_all(service, pool, pools.require_user(pool, request.username))
    return {}


async def admin_disable_user(service: Service, request: requests.AdminUser) -> dict[str, Any]:
    """Disable the user and, like Cognito, revoke the user's tokens."""
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    user.enabled = False
    sessions.revoke_all(service, pool, user)
    return {}


async def revoke_token(service: Service, request: requests.RevokeToken) -> dict[str, Any]:
    _, client = pools.find_client(request.client_id)
    if not client_secrets.is_proved(service, client, request.client_secret):
        raise CognitoError("UnauthorizedException", "Invalid client secret")
    sessions.revoke(service, client, request.token)
    return {}
