"""The value of an attribute as the table stores it: JSON text, which preserves every JSON value.

    {value: S (JSON text), encoding: "json", …}

DynamoDB's own types cannot do that. They reject an empty member name, round numbers below 1e-130
and have no -0.0. Items without `encoding` were written by earlier versions, with a typed `value`;
`of_item` reads both.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from atrium.runtime import log


class Unreadable(Enum):
    """The type of UNREADABLE, for annotations and comparisons by `is`."""

    UNREADABLE = "unreadable"


UNREADABLE = Unreadable.UNREADABLE
"""A placeholder for a stored value that cannot be decoded. It can be deleted and replaced."""


def of_item(item: Mapping[str, Any]) -> Any:
    """Return the value of an item with plain attributes, or UNREADABLE, which is logged.

    Raise nothing: a broken item must prevent neither sign-in nor its own deletion.
    """
    try:
        return (
            msgspec.json.decode(item["value"]) if item.get("encoding") == "json" else item["value"]
        )
    except (KeyError, TypeError, ValueError) as error:
        log.write(
            "ERROR",
            "unreadable attribute",
            pk=item.get("pk"),
            sk=item.get("sk"),
            error=log.failure(error),
        )
        return UNREADABLE


def fields(value: Any) -> dict[str, dict[str, str]]:
    """Return the DynamoDB attributes of an item that stores `value`."""
    return {"value": {"S": msgspec.json.encode(value).decode()}, "encoding": {"S": "json"}}
