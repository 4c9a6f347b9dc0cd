"""The OpenAPI document, which the build merges and packages beside this package.

It is served with the addresses of the API that answers the request, and of its sign-in page.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from atrium.http import etag
from atrium.http.request import Request
from atrium.http.response import Response

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


def read(request: Request) -> Response:
    from meta import configuration

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


@cache
def document() -> dict[str, Any]:
    """Return the packaged document. Raise FileNotFoundError if the build left it out."""
    try:
        found: dict[str, Any] = msgspec.json.decode(DOCUMENT.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{DOCUMENT} is not in the package: run `make build` and deploy again."
        ) from None
    return found


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
