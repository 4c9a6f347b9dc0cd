"""Account operations of the user or an administrator: read, sign out, disable and delete."""

import hmac
from typing import Any

from local_aws.cognito import attributes, mfa, pools, requests, sessions
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.service import Service


async def get_user(service: Service, request: requests.AccessToken) -> dict[str, Any]:
    _, client, user = sessions.authenticate(service, request.access_token)
    visible = attributes.readable(client, user)
    answer: dict[str, Any] = {
        "Username": user.username,
        "UserAttributes": [{"Name": n, "Value": v} for n, v in visible.items()],
    }
    if user.software_token_mfa_enabled:
        answer["UserMFASettingList"] = [mfa.SOFTWARE_TOKEN]
    if user.preferred_mfa_setting:
        answer["PreferredMfaSetting"] = user.preferred_mfa_setting
    return answer


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
    if client.generate_secret and not hmac.compare_digest(
        client.secret, request.client_secret or ""
    ):
        raise CognitoError("UnauthorizedException", "Invalid client secret")
    sessions.revoke(service, client, request.token)
    return {}
