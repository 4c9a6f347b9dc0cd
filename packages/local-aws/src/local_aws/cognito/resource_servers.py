"""Resource servers: what moto lacks of them, and AWS's checks."""

from typing import Any

from msgspec import Struct

from local_aws.cognito import pools
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.service import Service


class ResourceServer(Struct, rename="pascal"):
    user_pool_id: str
    identifier: str
    name: str = ""
    scopes: list[dict[str, str]] = []


async def update_resource_server(_: Service, request: ResourceServer) -> dict[str, Any]:
    server = _of_pool(request)[request.identifier]
    server.name, server.scopes = request.name, request.scopes
    return {"ResourceServer": server.to_json()}


async def delete_resource_server(_: Service, request: ResourceServer) -> dict[str, Any]:
    del _of_pool(request)[request.identifier]
    return {}


def _of_pool(request: ResourceServer) -> dict[str, Any]:
    servers: dict[str, Any] = pools.find_pool(request.user_pool_id).resource_servers
    if request.identifier not in servers:
        raise CognitoError(
            "ResourceNotFoundException", f"Resource server {request.identifier} does not exist."
        )
    return servers
