"""The waiting times of an apply: the slowest resources of logs/terraform.jsonl."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Wait:
    """The creation of a resource, in seconds since the beginning of the apply."""

    address: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def waits(lines: Iterable[str]) -> list[Wait]:
    """Return the completed resources, the slowest first."""
    first: float | None = None
    begun: dict[str, float] = {}
    found: list[Wait] = []
    for event in map(json.loads, lines):
        if "@timestamp" not in event:
            continue
        now = datetime.fromisoformat(event["@timestamp"]).timestamp()
        first = now if first is None else first
        hook = event.get("hook", {})
        address = hook.get("resource", {}).get("addr", "")
        if event.get("type") == "apply_start" and hook.get("action") != "read":
            begun[address] = now - first
        elif event.get("type") == "apply_complete" and address in begun:
            found.append(Wait(address, begun[address], now - first))
    return sorted(found, key=lambda wait: -wait.seconds)
