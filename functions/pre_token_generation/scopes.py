"""The scopes of the resource server `atrium` in a token, as the contract declares them."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

import msgspec

from atrium.identity import permissions

DOCUMENT = Path(__file__).parent.parent / "openapi.json"
PREFIX = "atrium/"
SELF_SERVICE = "aws.cognito.signin.user.admin"
"""Cognito's scope for its operations on the caller's own account, DeleteUser among them."""
EVERYONE = frozenset({"atrium/me"})


class _Flow(msgspec.Struct):
    scopes: dict[str, str]


class _Flows(msgspec.Struct):
    authorization_code: _Flow = msgspec.field(name="authorizationCode")


class _Cognito(msgspec.Struct):
    flows: _Flows


class _Schemes(msgspec.Struct):
    cognito: _Cognito


class _Components(msgspec.Struct):
    security_schemes: _Schemes = msgspec.field(name="securitySchemes")


class _Contract(msgspec.Struct):
    components: _Components


def scopes_of(roles: Collection[str], define: permissions.Define) -> frozenset[str]:
    """Return the scopes that every user has, and the scopes of the roles' permissions.

    An administrator gets all declared scopes.

    One call for each role. Raises user_table.TableUnavailableError.
    """
    if permissions.ADMIN in roles:
        return declared()
    return EVERYONE | (
        declared() & {f"{PREFIX}{permission}" for permission in permissions.of(roles, define)}
    )


@cache
def declared() -> frozenset[str]:
    try:
        contract = msgspec.json.decode(DOCUMENT.read_bytes(), type=_Contract)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{DOCUMENT} is not in the package: run `make build` and deploy again."
        ) from None
    return frozenset(contract.components.security_schemes.cognito.flows.authorization_code.scopes)
