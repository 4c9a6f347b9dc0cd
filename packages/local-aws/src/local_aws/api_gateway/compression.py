"""Compression of a response by the request's `Accept-Encoding`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-receive-response-with-compressed-payload.html
"""

import gzip
import zlib
from collections.abc import Callable, Iterator

from local_aws.api_gateway.proxy_response import GatewayResponse

_IDENTITY = "identity"
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    _IDENTITY: lambda body: body,
}


def compressed(
    response: GatewayResponse, accept_encoding: str | None, minimum_size: int | None
) -> GatewayResponse:
    """Return the response in the coding that the client prefers.

    It stays as it is without a minimum size, below that size, with a `Content-Encoding` of the
    integration, and for a client that names no supported coding. `*` names none on AWS.
    """
    if minimum_size is None or not response.body or len(response.body) < minimum_size:
        return response
    if any(name.lower() == "content-encoding" for name, _ in response.headers):
        return response
    coding = next(_preferred(accept_encoding or ""), _IDENTITY)
    if coding == _IDENTITY:
        return response
    headers = [*response.headers, ("Content-Encoding", coding)]
    return GatewayResponse(response.status, headers, _COMPRESS[coding](response.body))


def _preferred(accept_encoding: str) -> Iterator[str]:
    """Yield the supported codings by their weight, those of equal weight in the client's order."""
    weighted = []
    for each in accept_encoding.lower().split(","):
        coding, _, parameters = each.partition(";")
        weight = _weight(parameters)
        if coding.strip() in _COMPRESS and weight > 0:
            weighted.append((weight, coding.strip()))
    yield from (coding for _, coding in sorted(weighted, key=lambda each: -each[0]))


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
