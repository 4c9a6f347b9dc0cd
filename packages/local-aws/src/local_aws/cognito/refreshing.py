"""Refreshing: new tokens for a refresh token, with and without rotation.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
"""

from typing import Any

from local_aws.cognito import client_secrets, flows, pools, requests, sessions, tokens
from local_aws.cognito.errors import CognitoError, not_authorized
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service
from local_aws.cognito.triggers import Metadata

SOURCE = "TokenGeneration_RefreshTokens"


async def get_tokens_from_refresh_token(
    service: Service, request: requests.GetTokensFromRefreshToken
) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    if not client_secrets.is_proved(service, client, request.client_secret):
        raise not_authorized(f"Unable to verify secret for client {client.id}")
    if not tokens.is_rotating(client.extended_config):
        flows.require_allowed(client, "REFRESH_TOKEN_AUTH")
    try:
        result = await refresh(
            service,
            pool,
            client,
            request.refresh_token,
            request.device_key,
            request.client_metadata,
        )
    except CognitoError as error:
        if error.message == sessions.INVALID:  # this operation's text ends with a full stop
            raise not_authorized(f"{sessions.INVALID}.") from error
        raise
    return {"AuthenticationResult": result}


async def refresh(
    service: Service,
    pool: Pool,
    client: Client,
    refresh_token: str,
    device_key: str | None = None,
    client_metadata: Metadata = None,
) -> dict[str, Any]:
    """Return new tokens, with a new refresh token if the client rotates them."""
    sign_in, user = sessions.resume(service, pool, client, refresh_token, device_key)
    result = await tokens.issue(service, pool, client, user, sign_in, SOURCE, client_metadata)
    if tokens.is_rotating(client.extended_config):
        return result | {"RefreshToken": sessions.rotate(service, client, sign_in, refresh_token)}
    return result
