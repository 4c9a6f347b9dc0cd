"""What the bearer of an access token, or an administrator, does with an account: read, sign out, disable, delete."""

from typing import Any

from local.cognito import attributes, pools, requests, sessions
from local.cognito.errors import CognitoError, NotEmulatedError
from local.cognito.service import Service


async def get_user(service: Service, request: requests.AccessToken) -> dict[str, Any]:
    _, client, user = sessions.authenticate(service, request.access_token)
    visible = attributes.readable(client, user)
    return {"Username": user.username, "UserAttributes": [{"Name": n, "Value": v} for n, v in visible.items()]}


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


async def admin_user_global_sign_out(service: Service, request: requests.AdminUser) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    sessions.revoke_all(service, pool, pools.require_user(pool, request.username))
    return {}


async def admin_disable_user(service: Service, request: requests.AdminUser) -> dict[str, Any]:
    """Cognito also revokes the user's tokens."""
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    user.enabled = False
    sessions.revoke_all(service, pool, user)
    return {}


async def admin_update_user_attributes(service: Service, request: requests.AdminUpdateUserAttributes) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    given = requests.named(request.user_attributes)
    attributes.check_schema(pool, given)
    email = given.get("email")
    if email and email != user.attribute_lookup.get("email"):
        if given.get("email_verified") != "true":
            raise NotEmulatedError(
                "AdminUpdateUserAttributes of an e-mail without email_verified=true (verification by code)"
            )
        pools.require_email_free(pool, email, user)
    user.update_attributes([{"Name": name, "Value": value} for name, value in given.items()])
    return {}


async def revoke_token(service: Service, request: requests.RevokeToken) -> dict[str, Any]:
    """Takes a refresh token; one that is not known needs no revoking (RFC 7009)."""
    _, client = pools.find_client(request.client_id)
    if client.generate_secret and request.client_secret != client.secret:
        raise CognitoError("UnauthorizedException", "Invalid client secret")
    if not client.extended_config.get("EnableTokenRevocation", True):
        raise CognitoError("UnsupportedOperationException", "Token revocation is not enabled for this client")
    if request.token.count(".") == 2:
        raise CognitoError("UnsupportedTokenTypeException", "Only refresh tokens can be revoked")
    sign_in = sessions.find(service, request.token)
    if sign_in is not None:
        if sign_in.client_id != client.id:
            raise CognitoError("UnauthorizedException", "The token was not issued to this client")
        sign_in.revoked = True
    return {}
