"""DynamoDB through botocore's own client, and its wire types as plain Python values.

boto3 would add a resource layer and a third of a bare runtime's start-up, and nothing used here.
"""

import functools
import os
from typing import Any

import botocore

from atrium.runtime import lean_import
from atrium.runtime.lean_import import StandIn
from atrium.stores import ca_bundle

calls = 0
"""Operations called by this process; the SDK's retries of one count once."""


def _import_sdk() -> Any:
    """botocore's sessions without what writes its documentation, which has an HTML parser of its own."""
    texts = dict.fromkeys(
        ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"), _no_text
    )
    return lean_import.load(
        "botocore.session",
        StandIn("botocore.docs", __path__=[f"{folder}/docs" for folder in botocore.__path__]),
        StandIn("botocore.docs.docstring", **texts),
        lean_import.DATES,
        lean_import.METADATA,
    )


def _no_text(*_: object, **__: object) -> str:
    return ""


_sdk: Any = _import_sdk()
from botocore.config import Config  # noqa: E402  (only after botocore.session)
from botocore.handlers import BUILTIN_HANDLERS  # noqa: E402

_TIMEOUTS = Config(
    # Seconds. DynamoDB answers within 10 ms; whoever waits longer than this should hear 503 and not an API timeout.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)


@functools.cache
def client() -> Any:
    """The process's client, made at first use. It honours `AWS_REGION` and `AWS_ENDPOINT_URL`; safe for threads."""
    session = _sdk.Session(include_builtin_handlers=False)
    # Those without a dot are for every service, the other hundred for a named one, never DynamoDB; and putting them
    # under the services' older names costs half of a bare cold start.
    for event, handler, *_ in BUILTIN_HANDLERS:
        if "." not in event:
            session.register(event, handler)
    dynamodb = session.create_client(
        "dynamodb",
        region_name=os.environ.get("AWS_REGION"),  # botocore itself reads AWS_DEFAULT_REGION only
        config=_TIMEOUTS,
        verify=ca_bundle.bundle("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    )
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
