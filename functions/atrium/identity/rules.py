"""The rules of who may call an operation: `x-atrium-allow`, packaged as `<service>/rules.json`.

A caller whom no alternative admits is rejected. docs/architecture.md explains the alternatives.
"""

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec

from atrium.http.problem import Problem
from atrium.http.request import Claims, Request, RowAccess

OWN_ACCOUNT = "/v1/me"
ACR = "mfa"
"""The authentication context (RFC 9470) of a sign-in with a second factor."""


class Alternative(msgspec.Struct, frozen=True):
    """An alternative of a rule. `of` is the permission, role or path parameter, or empty.

    A `decision` on a resource has its path parameter in `resource`; one about a list has none.
    """

    kind: Literal["public", "permission", "role", "decision", "self"]
    of: str = ""
    resource: str = ""


class Rule(msgspec.Struct, frozen=True):
    """The rule of one route: alternatives, the widest first, and whether the query has parameters.

    If `current_authority` is set, the caller's access is never read from a cache, and writes
    carry the caller's condition (atrium/stores/authority.py). `recent_sign_in` is the greatest
    age of the caller's sign-in in seconds. A token needs one of `scopes`. None of them has a
    default: a route without them must not be served. `headers` are those of every response,
    such as `Deprecation`.
    """

    allow: Sequence[Alternative]
    scopes: Sequence[str]
    current_authority: bool
    recent_sign_in: int | None
    takes_query: bool = False
    headers: Mapping[str, str] = {}

    @property
    def is_public(self) -> bool:
        return any(alternative.kind == "public" for alternative in self.allow)


Rules = Mapping[str, Rule]
"""Rules by route, as in ROUTES."""
PropertiesByType = Mapping[str, Callable[[str], Mapping[str, Any] | None]]
"""Functions that return the properties of a resource by its id, for conditions; by its type."""


class RulesMissingError(Exception):
    """The package lacks rules for one of its routes, or all. The build writes them."""


def of_package(package: str, routes: Collection[str]) -> Rules:
    """Return the rules of a service's package. Raise RulesMissingError if a route has none."""
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
    """Raise 400 for control characters in the path, and for a query if the contract has none.

    An operation that takes a query reads it with `request.parameters`, which rejects unknown
    parameters.
    """
    unexpected = () if rule.takes_query else request.query
    if request.path_parameters or unexpected:
        from atrium.http import parameters  # imported here: most paths are plain

        parameters.check(request.path_parameters, unexpected)


def check_scopes(request: Request, rule: Rule) -> None:
    """Raise 403 if the caller's token has none of the operation's scopes (RFC 6750, section 3.1).

    It is `mfa_required` if the caller holds a role without effect, whose scopes no token has.

    The gateway lets every scope of this API pass, because its own refusal would be a 401, after
    which clients sign in again in vain.
    """
    if rule.is_public or not request.caller.scopes.isdisjoint(rule.scopes):
        return
    # A token has no scopes of roles that are withheld, so a new sign-in alone would not help.
    is_for_all = any(alternative.kind == "self" for alternative in rule.allow)
    if request.caller.needs_mfa and not is_for_all:
        raise _mfa_required(_wanted(rule))
    raise insufficient_scope(rule.scopes)


def check_consent(request: Request) -> None:
    """Raise 403 if the caller must accept the terms first.

    People keep the operations on their own account, such as its deletion and export.
    """
    is_own = request.resource == OWN_ACCOUNT or request.resource.startswith(f"{OWN_ACCOUNT}/")
    if request.claims and request.claims.needs_consent and not is_own:
        raise Problem(
            403,
            "consent_required",
            "Accept the terms in force first. GET /v1/me names their version. Send PUT "
            "/v1/me/consent, then refresh the token and repeat the request.",
        )


def insufficient_scope(scopes: Sequence[str]) -> Problem:
    """Return the 403 for a token that has none of `scopes`."""
    return Problem(
        403,
        "insufficient_scope",
        f"The token needs the scope {' or '.join(scopes)}. Sign in again once you have "
        "a role with it, or ask an administrator.",
        headers={
            # API Gateway sends it as x-amzn-Remapped-WWW-Authenticate.
            "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'
        },
    )


def row_access(request: Request, rule: Rule, properties: PropertiesByType) -> RowAccess:
    """Return which rows the caller may access, and set `request.granted` for a list.

    Raise 403 or 404 if there are none, and 503 if the table cannot be read. `properties` are read
    for conditions on resources.
    """
    for alternative in rule.allow:
        if alternative.kind == "decision":
            if found := _decided(alternative, request, rule, properties):
                return found
        elif _admits(alternative, request, rule.current_authority):
            return "self" if alternative.kind == "self" else "all"
    if any(alternative.kind == "self" for alternative in rule.allow):
        raise not_found()
    wanted = _wanted(rule)
    if request.claims and request.claims.needs_mfa:
        raise _mfa_required(wanted)
    raise Problem(
        403,
        "permission_missing",
        f"This requires {wanted or 'a right that nobody holds'}. Ask an administrator.",
    )


def _wanted(rule: Rule) -> str:
    # A permission and a decision name the same right.
    wanted = {
        f"{'permission' if each.kind == 'decision' else each.kind} {each.of}": None
        for each in rule.allow
    }
    return " or ".join(wanted)


def _mfa_required(wanted: str) -> Problem:
    """Return the 403 for a caller who holds a role without effect, which may include the right."""
    return Problem(
        403,
        "mfa_required",
        f"This requires {wanted}. You hold roles that take effect only with multi-factor "
        "authentication, and they may include it. Set up an authenticator app, send "
        "PUT /v1/me/mfa, then sign in again. GET /v1/me/mfa lists these roles.",
        headers={
            # RFC 9470. API Gateway sends it as x-amzn-Remapped-WWW-Authenticate.
            "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", '
            f'error_description="Set up multi-factor authentication", acr_values="{ACR}"'
        },
    )


def check_sign_in(request: Request, rule: Rule) -> None:
    """Raise 401 if the caller signed in longer ago than the operation accepts (RFC 9470).

    A refreshed token keeps the time of the sign-in, so a refresh does not help.
    """
    limit = rule.recent_sign_in
    if limit is not None and time.time() - request.caller.auth_time > limit:
        raise Problem(
            401,
            "recent_sign_in_required",
            f"This requires a sign-in at most {limit} seconds ago. Sign in again, then repeat the "
            "request with the new token. A refreshed token is not enough.",
            members={"max_age": limit},
            headers={
                # API Gateway sends it as x-amzn-Remapped-WWW-Authenticate.
                "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", '
                f'error_description="Sign in again", max_age="{limit}"'
            },
        )


def not_found() -> Problem:
    """Return a 404 that does not tell a missing resource from one without access."""
    return Problem(404, "not_found", "Not found, or you do not have access to it.")


def _admits(alternative: Alternative, request: Request, current: bool) -> bool:
    match alternative.kind:
        case "public":
            return True
        case "self":
            return not alternative.of or str(request.uuid(alternative.of)) == request.caller.uid
        case _:
            return _holds(alternative, request.caller, current)


def _decided(
    alternative: Alternative, request: Request, rule: Rule, properties: PropertiesByType
) -> RowAccess | None:
    """Return the access that scoped grants give, or None."""
    from atrium.identity.granted import Question  # imported here, as in `_holds`

    kind = alternative.of.partition(".")[0]
    question = Question(request.caller, alternative.of, current=rule.current_authority)
    if alternative.resource:
        id = request.resource_id(alternative.resource)
        return "all" if question.permits(id, properties.get(kind)) else None
    has_own = any(each.kind == "self" for each in rule.allow)
    request.granted = question.rows(request.caller.uid if has_own else None)
    return "all" if request.granted.is_everything else "granted"


def _holds(alternative: Alternative, caller: Claims, current: bool) -> bool:
    # Not imported at the top: it loads the AWS SDK, which public routes do not use.
    from atrium.identity import permissions

    if alternative.kind == "role":
        return permissions.has_role(caller, alternative.of)
    return permissions.hold(caller, alternative.of, current=current)
