"""The size limit of a token: claims that do not fit are omitted, logged and counted.

The order is fixed, so a user gets the same token each time. Scopes come first with `atrium/me`,
roles with `admin`, the others by name. Attributes are added by namespace, in the order of their
names, each namespace as a whole. Entries after an omitted one may still fit.
"""

from collections.abc import Callable, Iterable

from atrium.identity import token_size
from atrium.identity.permissions import ADMIN
from atrium.runtime import log
from pre_token_generation.rights import Rights
from pre_token_generation.scopes import EVERYONE


def bounded(uid: str, rights: Rights) -> Rights:
    """Return the rights that fit into a token of `uid`."""
    scopes = _fitting(
        sorted(rights.scopes, key=lambda scope: (scope not in EVERYONE, scope)), _fits_scopes
    )
    roles = _fitting(
        sorted(rights.roles, key=lambda role: (role != ADMIN, role)),
        lambda names: _fits_roles(rights, names),
    )
    namespaces = _fitting(sorted(rights.attributes), lambda names: _fits_attributes(rights, names))
    left_out = {
        "scopes": sorted(rights.scopes - set(scopes)),
        "roles": sorted(set(rights.roles) - set(roles)),
        "namespaces": sorted(rights.attributes.keys() - set(namespaces)),
    }
    if count := sum(map(len, left_out.values())):
        log.write(
            "WARN",
            "claims left out of a token",
            uid=uid,
            **left_out,
            **log.metric("ClaimsLeftOut", count),
        )
    attributes = {namespace: rights.attributes[namespace] for namespace in namespaces}
    return rights._replace(scopes=frozenset(scopes), roles=sorted(roles), attributes=attributes)


def _fitting(entries: Iterable[str], fits: Callable[[list[str]], bool]) -> list[str]:
    kept: list[str] = []
    for entry in entries:
        if fits([*kept, entry]):
            kept.append(entry)
    return kept


def _fits_scopes(scopes: list[str]) -> bool:
    return token_size.of_words(scopes) <= token_size.MAX_SCOPES


def _fits_roles(rights: Rights, roles: list[str]) -> bool:
    return token_size.of_roles(roles, rights.generations) <= token_size.MAX_ROLES


def _fits_attributes(rights: Rights, namespaces: list[str]) -> bool:
    size = token_size.of_attributes(
        {namespace: rights.attributes[namespace] for namespace in namespaces}
    )
    return size <= token_size.MAX_ATTRIBUTES
