"""Access rules: `x-atrium-allow` of the contract, validated and compiled into `rules.json`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.build import deprecation, yaml_file
from tools.build.declarations import KERNEL
from tools.build.errors import BuildError

EXTENSION = "x-atrium-allow"
AUTHORITY_EXTENSION = "x-atrium-authority"
CURRENT = "current"
RECENT_SIGN_IN_EXTENSION = "x-atrium-recent-sign-in"
# the specification whose HTTP rules apply; tests/contract reads it
RULES_EXTENSION = "x-atrium-rules"
FILE = "rules.json"

_WIDEST_FIRST = ("public", "permission", "role", "decision", "self")
_PERMISSION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_ROLE = re.compile(r"[a-z][a-z0-9_-]*")
_FORMS = (
    "`public`, `self`, `self: <path parameter>`, `permission: <subject>.<action>`, "
    "`{decision: <type>.<action>, resource: <path parameter>}`, `role: <role>`"
)

Alternative = dict[str, str]
"""An alternative: its `kind`, and `of` and `resource` if it has them."""


def rules(contract: Path) -> bytes:
    """Return `rules.json` of a service: the fields of atrium.identity.rules.Rule, by route."""
    part = yaml_file.read(contract)
    parts = [part, yaml_file.read(contract.parent.parent / KERNEL / contract.name)]
    by_route = {
        f"{method.upper()} {path}": {
            "allow": alternatives(contract, f"{method.upper()} {path}", operation),
            "current_authority": needs_current_authority(
                contract, f"{method.upper()} {path}", operation
            ),
            "recent_sign_in": recent_sign_in(contract, f"{method.upper()} {path}", operation),
            "scopes": sorted(
                scope for one in operation.get("security", ()) for scope in one.get("cognito", ())
            ),
            "takes_query": any(
                _is_in_query(parts, parameter) for parameter in operation.get("parameters", ())
            ),
            **_headers(contract, f"{method.upper()} {path}", operation),
        }
        for path, item in part["paths"].items()
        for method, operation in item.items()
    }
    return json.dumps(by_route, sort_keys=True).encode()


def _headers(file: Path, route: str, operation: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the field `headers`, which only rules of deprecated operations have."""
    found = deprecation.headers(file, route, operation)
    return {"headers": found} if found else {}


def needs_current_authority(file: Path, route: str, operation: Mapping[str, Any]) -> bool:
    """Return True if the operation must not be authorised from a cache.

    This applies to operations that change something and need a permission, role or decision, and
    to those that declare `x-atrium-authority: current` (atrium/stores/authority.py). AuthZEN's
    operations only read, although they use POST. Raise BuildError if a public operation declares
    it.
    """
    kinds = {one["kind"] for one in alternatives(file, route, operation)}
    if operation.get(AUTHORITY_EXTENSION) == CURRENT:
        if "public" in kinds:
            raise BuildError(
                file,
                f"{route}.{AUTHORITY_EXTENSION}",
                "A public operation has no caller.",
                "Remove it.",
            )
        return True
    changes = not route.startswith("GET ") and operation.get(RULES_EXTENSION) != "authzen"
    return changes and bool(kinds & {"permission", "role", "decision"})


def recent_sign_in(file: Path, route: str, operation: Mapping[str, Any]) -> int | None:
    """Return the greatest age of the sign-in in seconds, or None if the operation declares none.

    Raise BuildError for a public operation that declares one.
    """
    seconds: int | None = operation.get(RECENT_SIGN_IN_EXTENSION)
    if seconds is not None and operation.get(EXTENSION) == ["public"]:
        raise BuildError(
            file,
            f"{route}.{RECENT_SIGN_IN_EXTENSION}",
            "A public operation has no caller.",
            "Remove it.",
        )
    return seconds


def _is_in_query(parts: Sequence[Mapping[str, Any]], parameter: Mapping[str, Any]) -> bool:
    name = parameter.get("$ref", "").removeprefix("#/components/parameters/")
    declared = (part.get("components", {}).get("parameters", {}) for part in parts)
    found = next((each[name] for each in declared if name in each), parameter)
    return bool(found.get("in") == "query")


def alternatives(file: Path, route: str, operation: Mapping[str, Any]) -> list[Alternative]:
    """Return the alternatives of an operation.

    Raise BuildError if there is none, or if one is unknown or can never be true.
    """
    field = f"{route}.{EXTENSION}"
    declared = operation.get(EXTENSION)
    if not (isinstance(declared, list) and declared):
        raise BuildError(
            file,
            field,
            "The list is empty, so nobody may call the operation.",
            f"Write a list with at least one of {_FORMS}.",
        )
    found = [_alternative(file, field, route, one) for one in declared]
    is_public = any(one["kind"] == "public" for one in found)
    if is_public and len(found) > 1:
        raise BuildError(
            file,
            field,
            "`public` cannot be combined with other entries.",
            "Remove the other entries, because `public` admits everybody.",
        )
    if is_public != (operation.get("security") == []):
        why = (
            "`public` requires `security: []`." if is_public else "`security: []` admits everybody."
        )
        raise BuildError(file, field, why, "Set both `public` and `security: []`, or neither.")
    return sorted(found, key=lambda one: _WIDEST_FIRST.index(one["kind"]))


def _alternative(file: Path, field: str, route: str, declared: Any) -> Alternative:
    match declared:
        case "public" | "self":
            return {"kind": declared}
        case {"self": str(name), **rest} if not rest:
            if f"{{{name}}}" not in route.split("/"):
                raise BuildError(
                    file,
                    field,
                    f"The path has no parameter {name}.",
                    "Use a parameter of the path.",
                )
            return {"kind": "self", "of": name}
        case {"permission": str(name), **rest} if not rest and _PERMISSION.fullmatch(name):
            return {"kind": "permission", "of": name}
        case {"decision": str(name), **rest} if _PERMISSION.fullmatch(name) and rest.keys() <= {
            "resource"
        }:
            return {"kind": "decision", "of": name} | _resource(
                file, field, route, rest.get("resource")
            )
        case {"role": str(name), **rest} if not rest and _ROLE.fullmatch(name):
            return {"kind": "role", "of": name}
    raise BuildError(
        file, field, f"{json.dumps(declared)} is not an alternative.", f"Write one of {_FORMS}."
    )


def _resource(file: Path, field: str, route: str, name: object) -> Alternative:
    """Return the path parameter of a decision's resource, or nothing for a list.

    Raise BuildError for an unknown parameter, or if the route is not a list.
    """
    segments = route.split("/")
    if name is None:
        if route.startswith("GET ") and not segments[-1].startswith("{"):
            return {}
        raise BuildError(
            file,
            field,
            "A decision without `resource` filters a list, and this route is none.",
            "Name the path parameter of the resource: `{decision: orders.read, resource: id}`.",
        )
    if f"{{{name}}}" not in segments:
        raise BuildError(
            file, field, f"The path has no parameter {name}.", "Name one of the path in `resource`."
        )
    return {"resource": str(name)}
