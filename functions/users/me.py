"""One's own record: the row in Postgres, with the attributes and roles of the table."""

from collections.abc import Mapping
from typing import Any

import msgspec

from atrium.http import etag, merge_patch, response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import grants, namespaces, permissions
from atrium.stores import user_attributes
from users import profile
from users.profile import Profile, ProfilePatch

READ_ONLY = (*profile.READ_ONLY, "attributes", "roles")


class Rights(msgspec.Struct):
    """What the table adds to the row: no row version covers it, so the entity tag does."""

    attributes: dict[str, Mapping[str, Any]]
    roles: list[str]


def read(request: Request) -> Response:
    uid = request.caller.uid
    return _representation(profile.find(uid), _rights(request))


def change(request: Request) -> Response:
    uid = request.caller.uid
    changes = merge_patch.changes(merge_patch.decode(request, ProfilePatch, READ_ONLY))
    rights = _rights(request)
    versions = etag.expected_versions(request, rights)
    return _representation(profile.change(uid, changes, versions, uid, request.request_id), rights)


def read_permissions(request: Request) -> Response:
    """As the table has them now; so they may differ from the token's, for half a minute at most."""
    held = grants.role_names(permissions.living(grants.everywhere(request.caller.uid)))
    return response.json(
        {
            "roles": held,
            "permissions": sorted(permissions.of(held)),
            "all": permissions.ADMIN in held,
        }
    )


def _rights(request: Request) -> Rights:
    # The roles are the token's: it was accepted because its epoch is META's, which rises with every grant and revoke.
    attributes = user_attributes.attributes(request.caller.uid)
    return Rights(namespaces.visible_to_user(attributes), sorted(request.caller.roles))


def _representation(found: Profile | None, rights: Rights) -> Response:
    if found is None:
        raise Problem(404, "user_gone", "There is no such user any more.")
    row = msgspec.structs.asdict(found)
    version = row.pop("version")
    return response.json(
        row | msgspec.structs.asdict(rights), etag=etag.of_version(version, rights)
    )
