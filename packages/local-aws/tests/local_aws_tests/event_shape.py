"""Our events compared with those that AWS publishes, by keys and types."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "events_of_aws.json").read_text())
_TYPES = {
    type(None): "null",
    bool: "boolean",
    str: "string",
    int: "number",
    float: "number",
    list: "list",
}


def assert_as_published(name: str, event: Mapping[str, Any]) -> None:
    wanted = PUBLISHED[name]["event"]
    assert _shape(event, wanted) == wanted, f"AWS's own: {PUBLISHED[name]['source']}"


def _shape(value: object, beside: object) -> object:
    """Return the paths and types of an event.

    What is `map` in the published event may have any keys.
    """
    if not isinstance(value, Mapping):
        return _TYPES[type(value)]
    if beside == "map":
        return "map"
    known = beside if isinstance(beside, Mapping) else {}
    return {key: _shape(item, known.get(key)) for key, item in value.items()}
