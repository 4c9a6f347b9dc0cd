"""The caller's own record: the row in Postgres, with attributes and roles of the table."""

from collections.abc import Mapping
from typing import Any

import msgspec

from atrium.http import etag, merge_patch, response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import grants, mfa, namespaces, permissions
from atrium.runtime import config
from atrium.stores import user_table
from users import model, profile
from users.model import Profile, ProfilePatch

READ_ONLY = (
    *model.READ_ONLY, "attributes", "roles", "consent_required", "required_consent_version"
)  # fmt: skip


class Rights(msgspec.Struct):
    """The part of the record that is not in the row.

    The entity tag covers it, the version does not.
    """

    attributes: dict[str, Mapping[str, Any]]
    roles: list[str]
    required_consent_version: str | None


def read(request: Request) -> Response:
    uid = request.caller.uid
    return representation(profile.find(uid), rights_of(request))


def change(request: Request) -> Response:
    uid = request.caller.uid
    changes = merge_patch.changes(merge_patch.decode(request, ProfilePatch, READ_ONLY))
    rights = rights_of(request)
    versions = etag.expected_versions(request, rights)
    return representation(profile.change(uid, changes, versions, uid, request.request_id), rights)


def read_permissions(request: Request) -> Response:
    """Return the permissions that the table has now; the token's may be 30 s older."""
    withheld = request.caller.withheld
    current = permissions.current(grants.everywhere(request.caller.uid))
    held = grants.role_names(mfa.in_effect(current, withheld))
    define = mfa.defining(user_table.role_definition, withheld)
    return response.json(
        {
            "roles": held,
            "permissions": sorted(permissions.of(held, define)),
            "all": permissions.ADMIN in held,
        }
    )


def rights_of(request: Request) -> Rights:
    # The token's roles are current: it was accepted because its epoch is META's, which rises with
    # every grant and revocation.
    attributes = user_table.attributes(request.caller.uid)
    return Rights(
        namespaces.visible_to_user(attributes),
        sorted(request.caller.roles),
        config.optional("REQUIRED_CONSENT_VERSION") or None,
    )


def representation(found: Profile | None, rights: Rights) -> Response:
    if found is None:
        raise Problem(404, "user_gone", "This user no longer exists.")
    row = msgspec.structs.asdict(found)
    version = row.pop("version")
    required = rights.required_consent_version
    consent = {"consent_required": required not in (None, found.consent_version)}
    return response.json(
        row | msgspec.structs.asdict(rights) | consent, etag=etag.of_version(version, rights)
    )
