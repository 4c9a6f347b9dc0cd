"""The DynamoDB client of botocore, and conversion of its wire types to plain Python values.

boto3 would add a resource layer that nothing uses, and a third of a bare runtime's start-up time.
"""

import functools
import os
from typing import Any

import botocore

from atrium.runtime import lean_import
from atrium.runtime.lean_import import LazyModule
from atrium.stores import ca_bundle

calls = 0
"""The number of operations called by this process; retries of the SDK do not count."""


def _import_sdk() -> Any:
    """Import botocore's sessions without the modules that no call to DynamoDB needs.

    Members are given for what botocore does not call: classes in `except`, and constants.
    """
    no_text = dict.fromkeys(
        ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"), lambda *_, **__: ""
    )
    etree = LazyModule(
        "xml.etree", ElementTree=LazyModule("xml.etree.ElementTree", ParseError=SyntaxError)
    )
    return lean_import.load(
        "botocore.session",
        LazyModule("botocore.docs", __path__=[f"{folder}/docs" for folder in botocore.__path__]),
        LazyModule("botocore.docs.docstring", **no_text),
        LazyModule("botocore.eventstream", NoInitialResponseError=EOFError),
        *map(LazyModule, ("botocore.monitoring", "botocore.translate")),
        *map(LazyModule, ("calendar", "dateutil.tz", "getpass", "gzip", "jmespath", "shlex")),
        *map(LazyModule, ("tempfile", "urllib.request")),
        LazyModule("configparser", Error=Exception),
        # botocore checks the signature of each handler that is registered. Ours are its own.
        LazyModule(
            "inspect",
            getfullargspec=lambda _: (None, None, "kwargs"),
            get_annotations=lambda cls: vars(cls).get("__annotations__", {}),
        ),
        LazyModule("xml", etree=etree),
        etree,
        etree.ElementTree,
        LazyModule("subprocess", PIPE=-1),
        lean_import.DATES,
        lean_import.METADATA,
    )


_sdk: Any = _import_sdk()
from botocore.config import Config  # noqa: E402  (only after botocore.session)
from botocore.handlers import BUILTIN_HANDLERS  # noqa: E402

_CONFIG = Config(
    # Seconds. DynamoDB answers within 10 ms. After this time a 503 is better than the gateway's
    # timeout.
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    # No function is behind a proxy; looking for one in the environment loads `urllib.request`.
    proxies={},
)


@functools.cache
def client() -> Any:
    """Return the process's client, created on first use. It is thread-safe.

    It honours `AWS_REGION` and `AWS_ENDPOINT_URL`.
    """
    session = _sdk.Session(include_builtin_handlers=False)
    # Handlers without a dot apply to every service. The other hundred apply to other services, and
    # registering them takes half of a bare cold start.
    for event, handler, *_ in BUILTIN_HANDLERS:
        if "." not in event:
            session.register(event, handler)
    dynamodb = session.create_client(
        "dynamodb",
        region_name=os.environ.get("AWS_REGION"),  # botocore itself reads AWS_DEFAULT_REGION only
        # Lambda sets these, except with SnapStart. botocore then sets up its other sources.
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=os.environ.get("AWS_SESSION_TOKEN"),
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
