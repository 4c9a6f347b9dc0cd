"""Rate limits as token buckets, and the limits of a stage's methods.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html

The burst is the capacity of a bucket. It is refilled with `rate` tokens a second, and a request
takes one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.api_gateway.errors import throttled
from local_aws.api_gateway.routes import Route

Clock = Callable[[], float]  # seconds since the epoch

_ALL_METHODS = "*/*"


@dataclass(frozen=True)
class Limit:
    """A rate limit; a negative rate or burst means no limit, as Terraform writes -1."""

    rate: float  # requests a second
    burst: float  # capacity of the bucket


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class TokenBuckets:
    """Token buckets by name, all full at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def take(self, name: tuple[str, ...], limit: Limit | None) -> None:
        """Take a token; raise a `GatewayError` of type THROTTLED if the bucket is empty."""
        if limit is None or limit.rate < 0 or limit.burst < 0:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(limit.burst, now))
        added = max(0.0, now - bucket.filled_at) * limit.rate
        bucket.tokens, bucket.filled_at = min(limit.burst, bucket.tokens + added), now
        if bucket.tokens < 1:
            raise throttled(
                f"{' '.join(name)} allows {limit.rate:g} requests a second "
                f"and a burst of {limit.burst:g}"
            )
        bucket.tokens -= 1


def method_limit(settings: Mapping[str, Any], route: Route) -> Limit | None:
    """Return the method's own limit, else the limit of all methods.

    Each method has its own bucket in both cases.
    """
    found = settings.get(f"{route.resource.replace('/', '~1')}/{route.method}") or settings.get(
        _ALL_METHODS
    )
    if found is None:
        return None
    return Limit(float(found["throttlingRateLimit"]), float(found["throttlingBurstLimit"]))
