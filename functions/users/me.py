"""One's own record: the row in Postgres, with the attributes and roles of the table."""

from collections.abc import Mapping
from typing import Any

import msgspec

from atrium import etag, merge_patch, namespaces, permissions, response, roles, user_attributes
from atrium.problem import Problem
from atrium.request import Request
from atrium.response import Response
from users import profile
from users.profile import Profile, ProfilePatch

READ_ONLY = (*profile.READ_ONLY, "attributes", "roles")


class Rights(msgspec.Struct):
    """What the table adds to the row: no row version covers it, so the entity tag does."""

    attributes: dict[str, Mapping[str, Any]]
    roles: list[str]


def read(request: Request) -> Response:
    uid = request.caller.uid
    return _representation(profile.find(uid), _rights(uid))


def change(request: Request) -> Response:
    uid = request.caller.uid
    changes = merge_patch.changes(merge_patch.decode(request, ProfilePatch, READ_ONLY))
    rights = _rights(uid)
    versions = etag.expected_versions(request, rights)
    return _representation(profile.change(uid, changes, versions, uid, request.request_id), rights)


def read_permissions(request: Request) -> Response:
    """As the table has them now; so they may differ from the token's, for half a minute at most."""
    held = roles.everywhere(user_attributes.collection(request.caller.uid).roles)
    return response.json({"roles": held, "permissions": sorted(permissions.of(held)), "all": permissions.ADMIN in held})


def _rights(uid: str) -> Rights:
    items = user_attributes.collection(uid)
    return Rights(namespaces.visible_to_user(items.attributes), roles.everywhere(items.roles))


def _representation(found: Profile | None, rights: Rights) -> Response:
    if found is None:
        raise Problem(404, "user_gone", "There is no such user any more.")
    row = msgspec.structs.asdict(found)
    version = row.pop("version")
    return response.json(row | msgspec.structs.asdict(rights), etag=etag.of_version(version, rights))
