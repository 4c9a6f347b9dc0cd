"""An AWS API call as it arrives at the local endpoint, and its answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

IN_WSGI = "local_aws.call"  # the key of the call in moto's WSGI environment


@dataclass(frozen=True)
class AwsCall:
    """A signed HTTP request.

    `service` is the signing name (`lambda`, `cognito-idp`, `rds`, …).
    """

    service: str
    method: str
    path: str  # as sent, percent-encoded
    query: str  # the raw query string, without "?"
    headers: Mapping[str, str]  # keys in lower case
    body: bytes
    region: str
    action: str | None = None  # from X-Amz-Target or the Action parameter; None for REST services
    access_key: str | None = None  # the access key that signed the call


@dataclass(frozen=True)
class AwsResponse:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    units: float = 0.0  # DynamoDB's capacity units, for observers


class ConnectionLostError(Exception):
    """A call whose connection is closed without an answer."""


Forward = Callable[[AwsCall], Awaitable[AwsResponse]]
Interceptor = Callable[[AwsCall, Forward], Awaitable[AwsResponse]]
