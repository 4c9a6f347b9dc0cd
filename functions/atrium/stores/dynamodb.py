"""The DynamoDB client of botocore, and conversion of its wire types to plain Python values.

boto3 would add a resource layer that nothing uses, and a third of a bare runtime's start-up time.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

from atrium.stores import ca_bundle
from atrium.stores.lean_botocore import session as botocore_session

# isort: split
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import BUILTIN_HANDLERS

__all__ = ["BotoCoreError", "ClientError", "client", "plain", "plain_value"]

calls = 0
"""The number of operations called by this process; retries of the SDK do not count."""


_CONFIG = Config(
    # Seconds. DynamoDB answers within 10 ms. After this time a 503 is better than the gateway's
    # timeout.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    parameter_validation=False,  # DynamoDB validates them, too
    # No function is behind a proxy; looking for one in the environment loads `urllib.request`.
    proxies={},
    # Otherwise botocore composes it anew for each request.
    user_agent=f"Botocore/{botocore.__version__} Atrium",
)


class _Credentials:
    """The keys of the function's role, which Lambda sets in the environment.

    They have the interface of `botocore.credentials.Credentials`, whose module supports ten other
    sources and takes a twentieth of a bare cold start to load.
    """

    method = "env"
    account_id = None

    def __init__(self) -> None:
        self.access_key = os.environ["AWS_ACCESS_KEY_ID"]
        self.secret_key = os.environ["AWS_SECRET_ACCESS_KEY"]
        self.token = os.environ.get("AWS_SESSION_TOKEN")

    def get_frozen_credentials(self) -> "_Credentials":
        return self

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        return lambda: getattr(self, name, None)


class _Provider:
    """A provider of those credentials, and of no bearer token, for botocore's session."""

    def load_credentials(self) -> _Credentials:
        return _Credentials()

    def load_token(self, **_: object) -> None:
        return None


@functools.cache
def client() -> Any:
    """Return the process's client, created on first use. It is thread-safe.

    It honours `AWS_REGION` and `AWS_ENDPOINT_URL`.
    """
    session = botocore_session.Session(include_builtin_handlers=False)
    session.register_component("token_provider", _Provider())
    if "AWS_ACCESS_KEY_ID" in os.environ:  # not with SnapStart
        session.register_component("credential_provider", _Provider())
    # Handlers without a dot apply to every service. The other hundred apply to other services, and
    # registering them takes half of a bare cold start.
    for event, handler, *_ in BUILTIN_HANDLERS:
        if "." not in event:
            session.register(event, handler)
    dynamodb = session.create_client(
        "dynamodb",
        region_name=os.environ.get("AWS_REGION"),  # botocore itself reads AWS_DEFAULT_REGION only
        config=_CONFIG,
        verify=ca_bundle.bundle("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    )
    dynamodb.meta.events.register("before-call.dynamodb", _count)
    return dynamodb


def plain(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return an item's attributes as Python values: `{"a": {"N": "3"}}` gives `{"a": 3}`."""
    return {name: plain_value(value) for name, value in item.items()}


def plain_value(typed: dict[str, Any]) -> Any:
    """Return one attribute value: whole numbers as int, others as float, sets as lists."""
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
