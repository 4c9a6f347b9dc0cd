"""DynamoDB through botocore's own client, and its wire types as plain Python values.

boto3 would add a resource layer and a third of a bare runtime's start-up, and nothing used here.
"""

import functools
import os
from typing import Any

import botocore.config
import botocore.session

calls = 0
"""Operations called by this process; the SDK's retries of one count once."""

_TIMEOUTS = botocore.config.Config(
    # Seconds. DynamoDB answers within 10 ms; whoever waits longer than this should hear 503 and not an API timeout.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)


@functools.cache
def client() -> Any:
    """The process's client, made at first use. It honours `AWS_REGION` and `AWS_ENDPOINT_URL`; safe for threads."""
    region = os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION only
    dynamodb = botocore.session.get_session().create_client("dynamodb", region_name=region, config=_TIMEOUTS)
    dynamodb.meta.events.register("before-call.dynamodb", _count)
    return dynamodb


def plain(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An item's attributes as Python values: `{"version": {"N": "3"}}` gives `{"version": 3}`."""
    return {name: plain_value(value) for name, value in item.items()}


def plain_value(typed: dict[str, Any]) -> Any:
    """One attribute value. Whole numbers become int, others float, which is what JSON can carry; sets become lists."""
    [(kind, value)] = typed.items()
    match kind:
        case "N":
            return _number(value)
        case "M":
            return plain(value)
        case "L":
            return [plain_value(element) for element in value]
        case "NULL":
            return None
        case "NS":
            return sorted(map(_number, value))
        case "SS" | "BS":
            return sorted(value)
        case _:  # S, B, BOOL
            return value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _count(**_: object) -> None:
    global calls
    calls += 1
