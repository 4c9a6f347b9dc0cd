"""Who may call an operation: `x-atrium-allow`, which the build puts into the zip as `<service>/rules.json`.

What no alternative admits is refused. docs/architecture.md says what each alternative means.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from atrium.http.problem import Problem
from atrium.http.request import Reach, Request


class Alternative(msgspec.Struct, frozen=True):
    """`of` is the permission, the role, or the path parameter; empty where the kind says it all."""

    kind: Literal["public", "permission", "role", "self"]
    of: str = ""


class Rule(msgspec.Struct, frozen=True):
    """Of one route: its alternatives, the widest first, and whether its contract has parameters in the query.

    `current_authority`: no cached verdict admits the caller, and what the operation writes carries their condition
    (atrium/identity/authority.py). It has no default: a route whose rules do not say must not be served.
    """

    allow: Sequence[Alternative]
    current_authority: bool
    takes_query: bool = False

    @property
    def is_public(self) -> bool:
        return any(alternative.kind == "public" for alternative in self.allow)


Rules = Mapping[str, Rule]
"""By route, as in ROUTES."""


class RulesMissingError(Exception):
    """The package has no rules, or none for one of its routes: the build puts them there."""


def of_package(package: str, routes: Collection[str]) -> Rules:
    """The rules of a service's package. Raises RulesMissingError when a route has none."""
    found = read(f"{sys.modules[package].__path__[0]}/rules.json")
    if missing := sorted(set(routes) - found.keys()):
        raise RulesMissingError(
            f"{package}: rules.json lacks {', '.join(missing)}. Run `make build` and deploy again."
        )
    return found


def read(file: str) -> Rules:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123  pathlib is slow to load
            return msgspec.json.decode(opened.read(), type=dict[str, Rule])
    except FileNotFoundError:
        raise RulesMissingError(
            f"{file} is not in the package. Run `make build` and deploy again."
        ) from None


def check_address(request: Request, rule: Rule) -> None:
    """Raises 400 for control characters in the path, and for any query where the contract has none.

    An operation that takes one reads it with `request.parameters`, which refuses what it does not know.
    """
    unexpected = () if rule.takes_query else request.query
    if request.path_parameters or unexpected:
        from atrium.http import parameters  # not at the top: most paths are plain

        parameters.check(request.path_parameters, unexpected)


def reach(request: Request, rule: Rule) -> Reach:
    """How far the caller may reach. Raises 403 or 404 when not at all, 503 when the table cannot be read."""
    for alternative in rule.allow:
        if _admits(alternative, request, rule.current_authority):
            return "self" if alternative.kind == "self" else "all"
    if any(alternative.kind == "self" for alternative in rule.allow):
        raise not_found()
    wanted = " or ".join(f"{alternative.kind} {alternative.of}" for alternative in rule.allow)
    raise Problem(
        403,
        "permission_missing",
        f"This needs {wanted or 'what nobody holds'}. Ask an administrator.",
    )


def not_found() -> Problem:
    """What is not there and what is not for the caller look the same."""
    return Problem(404, "not_found", "There is no such thing, or it is not for you to see.")


def _admits(alternative: Alternative, request: Request, current: bool) -> bool:
    match alternative.kind:
        case "public":
            return True
        case "self":
            return not alternative.of or str(request.uuid(alternative.of)) == request.caller.uid
        case "role":
            return alternative.of in request.caller.roles
        case "permission":
            return _holds(alternative.of, request.caller.roles, current)


def _holds(permission: str, roles: Collection[str], current: bool) -> bool:
    from atrium.identity import (
        permissions,
    )  # not at the top: it loads the AWS SDK, which public routes need not

    return permissions.hold(roles, permission, current=current)
