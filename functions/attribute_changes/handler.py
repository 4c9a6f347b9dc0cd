from typing import Any

from atrium.stores.stream import stream
from attribute_changes import trail
from attribute_changes.outcomes import handle_outcome


def handle(item: dict[str, Any]) -> None:
    if item["pk"].startswith(trail.PREFIX):
        trail.record(item)
    else:
        handle_outcome(item)


handler = stream(handle)
"""The Lambda handler of the table's stream: outcomes of commands, and events of the audit trail."""
