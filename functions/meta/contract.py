"""The OpenAPI document with the addresses of the API that answers, and of its sign-in page."""

from functools import lru_cache
from typing import Any

import msgspec

from atrium.http import etag
from atrium.http.request import Request
from atrium.http.response import Response
from meta import configuration
from meta.document import document


def read(request: Request) -> Response:
    content = _served(
        request.base_url,
        configuration.authorization_endpoint(request),
        configuration.token_endpoint(request),
    )
    # The document changes only with a release, so clients can revalidate cheaply.
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-cache",
        "ETag": etag.of_bytes(content),
    }
    return Response(body=content, headers=headers)


def with_addresses(
    packaged: dict[str, Any], base_url: str, authorize: str | None, token: str | None
) -> dict[str, Any]:
    """Return the document with `servers` and, if the pool has a domain, its OAuth addresses."""
    served = {**packaged, "servers": [{"url": base_url}]}
    if authorize and token:
        components = packaged["components"]
        scheme = components["securitySchemes"]["cognito"]
        code = {
            **scheme["flows"]["authorizationCode"],
            "authorizationUrl": authorize,
            "tokenUrl": token,
        }
        schemes = {
            **components["securitySchemes"],
            "cognito": {**scheme, "flows": {**scheme["flows"], "authorizationCode": code}},
        }
        served["components"] = {**components, "securitySchemes": schemes}
    return served


@lru_cache(maxsize=8)  # one for each domain of the API; a caller chooses the header Host
def _served(base_url: str, authorize: str | None, token: str | None) -> bytes:
    return msgspec.json.encode(with_addresses(document(), base_url, authorize, token))
