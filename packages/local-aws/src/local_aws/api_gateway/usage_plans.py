"""API keys, and the usage plans that count and limit them.

moto stores both; this module enforces them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from moto.apigateway.models import apigateway_backends

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.errors import NotEmulatedError, invalid_api_key, quota_exceeded
from local_aws.api_gateway.routes import Route
from local_aws.api_gateway.throttling import Clock, Limit, TokenBuckets
from local_aws.settings import ACCOUNT_ID

# A day (UTC) -> the first day of its period. A week begins on Sunday. AWS's pages disagree on the
# meaning of `offset`, so it is rejected.
_PERIODS: dict[str, Callable[[date], date]] = {
    "DAY": lambda day: day,
    "WEEK": lambda day: day - timedelta(days=day.isoweekday() % 7),
    "MONTH": lambda day: day.replace(day=1),
}


@dataclass(frozen=True)
class ApiKey:
    id: str
    value: str
    plan_id: str
    limits: tuple[tuple[tuple[str, ...], Limit], ...]  # bucket's name and its limit
    quota: Mapping[str, Any]  # limit, period; empty without a quota


class UsagePlans:
    """The usage plans; quotas are counted from the start of the stack."""

    def __init__(self, buckets: TokenBuckets, clock: Clock) -> None:
        self._buckets = buckets
        self._clock = clock
        self._used: dict[
            tuple[str, str], tuple[date, int]
        ] = {}  # (plan, key) -> (first day of the period, requests in it)

    def admit(self, value: str | None, api: DeployedApi, route: Route) -> ApiKey:
        """Count a request with this `x-api-key`.

        Raise a `GatewayError` of type INVALID_API_KEY, THROTTLED or QUOTA_EXCEEDED.
        """
        key = _find(value or "", api, route)
        for bucket, limit in key.limits:
            self._buckets.take(bucket, limit)
        if key.quota:
            self._count(key)
        return key

    def _count(self, key: ApiKey) -> None:
        most = int(key.quota["limit"])
        if int(key.quota.get("offset") or 0):
            raise NotEmulatedError(f"the offset of the quota of usage plan {key.plan_id}")
        period = _PERIODS[key.quota["period"]](datetime.fromtimestamp(self._clock(), UTC).date())
        before, used = self._used.get((key.plan_id, key.id), (period, 0))
        used = used if before == period else 0
        if used >= most:
            raise quota_exceeded(f"key {key.id} has used its {most} requests since {period}")
        self._used[key.plan_id, key.id] = (period, used + 1)


def _find(value: str, api: DeployedApi, route: Route) -> ApiKey:
    """Return an enabled key of this value in a plan of this stage."""
    backend = apigateway_backends[ACCOUNT_ID][api.region]
    keys = [
        key for key in list(backend.keys.values()) if value and key.value == value and key.enabled
    ]
    for key in keys:
        for plan in list(backend.usage_plans.values()):
            stage = _stage(plan, api)
            if stage is not None and key.id in backend.usage_plan_keys.get(plan.id, {}):
                return ApiKey(
                    key.id, key.value, plan.id, _limits(plan, stage, key.id, route), plan.quota
                )
    if not value:
        raise invalid_api_key("the request has no x-api-key")
    if keys:
        raise invalid_api_key(f"key {keys[0].id} belongs to no usage plan of stage {api.stage}")
    raise invalid_api_key("no enabled key has this value")


def _stage(plan: Any, api: DeployedApi) -> Mapping[str, Any] | None:
    return next(
        (
            each
            for each in plan.api_stages
            if (each["apiId"], each["stage"]) == (api.api_id, api.stage)
        ),
        None,
    )


def _limits(
    plan: Any, stage: Mapping[str, Any], key_id: str, route: Route
) -> tuple[tuple[tuple[str, ...], Limit], ...]:
    """Return the limits of a plan, with one bucket per key and one per key and method."""
    method = f"{route.resource}/{route.method}"
    wanted = {
        ("usage plan", plan.id, "key", key_id): plan.throttle,
        ("usage plan", plan.id, "key", key_id, "method", method): (stage.get("throttle") or {}).get(
            method
        ),
    }
    return tuple(
        (name, Limit(float(limit.get("rateLimit", -1)), float(limit.get("burstLimit", -1))))
        for name, limit in wanted.items()
        if limit
    )
