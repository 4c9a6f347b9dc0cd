"""Secrets of app clients: at most two at a time, so that they can be rotated without a gap.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html
"""

import base64
import hashlib
import hmac
import secrets
import string
from typing import Any

from msgspec import Struct

from local_aws.cognito import pools
from local_aws.cognito.errors import CognitoError, invalid_parameter, not_authorized
from local_aws.cognito.pools import Client
from local_aws.cognito.service import Service
from local_aws.cognito.state import ClientSecret

LIMIT = 2
LENGTH = 51
ALPHABET = string.ascii_lowercase + string.digits


class AddSecret(Struct, rename="pascal"):
    user_pool_id: str
    client_id: str
    client_secret: str | None = None


class DeleteSecret(Struct, rename="pascal"):
    user_pool_id: str
    client_id: str
    client_secret_id: str


class ListSecrets(Struct, rename="pascal"):
    user_pool_id: str
    client_id: str


async def add_secret(service: Service, request: AddSecret) -> dict[str, Any]:
    """Add a secret; return its value only if Cognito generated it."""
    client = _confidential_client(request.user_pool_id, request.client_id)
    if len(of_client(service, client)) >= LIMIT:
        message = f"Client secrets cannot exceed limit of {LIMIT} secrets."
        raise CognitoError("LimitExceededException", message)
    added = keep(service, client, request.client_secret or generate())
    shown = {"ClientSecretValue": added.value} if request.client_secret is None else {}
    return {"ClientSecretDescriptor": _describe(added) | shown}


async def delete_secret(service: Service, request: DeleteSecret) -> dict[str, Any]:
    client = _confidential_client(request.user_pool_id, request.client_id)
    known = of_client(service, client)
    kept = tuple(secret for secret in known if secret.id != request.client_secret_id)
    if len(kept) == len(known):
        message = f"Client secret {request.client_secret_id} does not exist."
        raise CognitoError("ResourceNotFoundException", message)
    if not kept:
        raise invalid_parameter("Cannot delete the last client secret of the client.")
    service.state.client_secrets[client.id] = kept
    return {}


async def list_secrets(service: Service, request: ListSecrets) -> dict[str, Any]:
    _, client = pools.find_client(request.client_id, request.user_pool_id)
    return {"ClientSecrets": [_describe(secret) for secret in of_client(service, client)]}


def of_client(service: Service, client: Client) -> tuple[ClientSecret, ...]:
    """Return the client's secrets, oldest first; none for a public client."""
    if not client.generate_secret:
        return ()
    known = service.state.client_secrets.get(client.id)
    # a client of a stack that was created by an older version
    return known or (ClientSecret(f"{client.id}--0", client.secret, 0.0),)


def keep(service: Service, client: Client, value: str) -> ClientSecret:
    """Store one more secret of the client."""
    known = service.state.client_secrets.get(client.id, ())
    if not known and client.generate_secret:
        known = of_client(service, client)
    now = service.clock()
    number = int(now * 1000)
    while any(secret.id == f"{client.id}--{number}" for secret in known):
        number += 1
    added = ClientSecret(f"{client.id}--{number}", value, now)
    service.state.client_secrets[client.id] = (*known, added)
    return added


def generate() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_proved(service: Service, client: Client, secret: str | None) -> bool:
    """Return True if the secret is one of the client's; a public client must send none."""
    known = of_client(service, client)
    if not known:
        return secret is None
    return any(hmac.compare_digest(s.value.encode(), (secret or "").encode()) for s in known)


def check_hash(service: Service, client: Client, username: str, secret_hash: str | None) -> None:
    """Check that the request proves the client's secret, for this user."""
    known = of_client(service, client)
    if not known:
        if secret_hash:
            raise not_authorized(f"Unable to verify secret hash for client {client.id}")
        return
    if not secret_hash:
        raise not_authorized(
            f"Client {client.id} is configured with secret but SECRET_HASH was not received"
        )
    if not any(_is_hash(secret, client, username, secret_hash) for secret in known):
        raise not_authorized(f"SecretHash does not match for the client: {client.id}")


def _is_hash(secret: ClientSecret, client: Client, username: str, secret_hash: str) -> bool:
    digest = hmac.digest(secret.value.encode(), (username + client.id).encode(), hashlib.sha256)
    return hmac.compare_digest(base64.b64encode(digest), secret_hash.encode())


def _confidential_client(pool_id: str, client_id: str) -> Client:
    _, client = pools.find_client(client_id, pool_id)
    if not client.generate_secret:
        raise invalid_parameter(f"Client {client_id} does not have a client secret.")
    return client


def _describe(secret: ClientSecret) -> dict[str, Any]:
    return {"ClientSecretId": secret.id, "ClientSecretCreateDate": secret.created_at}
