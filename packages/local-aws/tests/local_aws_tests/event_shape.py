"""Our events beside those that AWS publishes, key by key and type by type."""

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
    """What stands as `map` in the published event has keys of its own."""
    if not isinstance(value, Mapping):
        return _TYPES[type(value)]
    if beside == "map":
        return "map"
    known = beside if isinstance(beside, Mapping) else {}
    return {key: _shape(item, known.get(key)) for key, item in value.items()}
