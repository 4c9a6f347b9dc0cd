"""The OpenAPI document, which the build merges and packages beside this package."""

from functools import cache
from pathlib import Path

from atrium.http import etag
from atrium.http.request import Request
from atrium.http.response import Response

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


def read(_: Request) -> Response:
    content = _content()
    # The document changes only with a release, so clients can revalidate cheaply.
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-cache",
        "ETag": etag.of_bytes(content),
    }
    return Response(body=content, headers=headers)


@cache
def _content() -> bytes:
    try:
        return DOCUMENT.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{DOCUMENT} is not in the package: run `make build` and deploy again."
        ) from None
