"""The changes of a plan as values, from `terraform show -json`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

NOTHING = (["no-op"], ["read"])
DESTROYING = ("delete", "replace")


@dataclass(frozen=True)
class ResourceChange:
    """One planned change. `before` and `after` are empty where the resource does not exist.

    `unknown` and `sensitive` have the shape of the values, with True at each leaf of that kind.
    """

    address: str
    kind: str  # such as aws_db_instance
    action: str  # create, update, delete, replace, forget
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    sensitive: dict[str, Any] = field(default_factory=dict)
    forced_by: list[str] = field(default_factory=list)  # the attributes that force a replacement

    @property
    def destroys(self) -> bool:
        return self.action in DESTROYING


def changes(shown: dict[str, Any]) -> Iterator[ResourceChange]:
    """Yield the changes of a plan."""
    for resource in shown.get("resource_changes", []):
        change = resource["change"]
        actions = change["actions"]
        if actions in NOTHING:
            continue
        yield ResourceChange(
            address=resource["address"],
            kind=resource.get("type", ""),
            action="replace" if len(actions) == 2 else actions[0],
            before=change.get("before") or {},
            after=change.get("after") or {},
            unknown=_shape(change.get("after_unknown")),
            sensitive=_shape(change.get("before_sensitive"))
            | _shape(change.get("after_sensitive")),
            forced_by=[".".join(map(str, path)) for path in change.get("replace_paths", [])],
        )


def _shape(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
