"""The record of each session, written at its first request and at most every ten minutes after it.

    S#<uid>  <session>  {device, auth_time, first_seen, last_seen, expires_at}

Times are epoch seconds. The record is for the list of sessions only: META says which sessions were
ended. Each container remembers which sessions it has recorded, so a request costs no read. The
condition keeps other containers from writing again within the ten minutes.
"""

import time

from atrium.http.request import Claims
from atrium.runtime import clock, config, log
from atrium.runtime.clock import Moment
from atrium.stores import user_table

INTERVAL_SECONDS = 600
DEVICE_LENGTH = 200
_DAY_SECONDS = 24 * 3600
_CACHE_ENTRIES = 2048

cache: dict[str, Moment] = {}
"""Values that a container keeps between requests. Tests clear it."""


def note(claims: Claims, device: str) -> None:
    """Record that the session was used, unless that was done in the last ten minutes.

    A failure is only logged, because the request does not depend on it.
    """
    if clock.since(cache.get(claims.session, clock.NEVER)) < INTERVAL_SECONDS:
        return
    if len(cache) >= _CACHE_ENTRIES:
        cache.clear()
    cache[claims.session] = clock.now()
    try:
        _write(claims, device[:DEVICE_LENGTH], int(time.time()))
    except user_table.TableUnavailableError as error:
        log.write("WARN", "session not recorded", uid=claims.uid, error=log.failure(error))


def partition(uid: str) -> str:
    return f"S#{uid}"


def end_of(auth_time: int) -> int:
    """Return the time at which the session's last token has ended.

    An access token outlives the refresh token by at most a day.
    """
    days = int(config.required("REFRESH_TOKEN_DAYS")) + 1
    return auth_time + days * _DAY_SECONDS


def _write(claims: Claims, device: str, now: int) -> None:
    numbers = {
        ":now": now,
        ":before": now - INTERVAL_SECONDS,
        ":auth_time": claims.auth_time,
        ":end": end_of(claims.auth_time),
    }
    values = {name: {"N": str(number)} for name, number in numbers.items()}
    user_table.update(
        partition(claims.uid),
        claims.session,
        UpdateExpression="SET device = :device, auth_time = :auth_time, last_seen = :now, "
        "first_seen = if_not_exists(first_seen, :now), expires_at = :end",
        ConditionExpression="attribute_not_exists(last_seen) OR last_seen <= :before",
        ExpressionAttributeValues={**values, ":device": {"S": device}},
    )
