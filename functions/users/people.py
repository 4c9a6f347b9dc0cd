"""Other users' records, for callers with the permission."""

from typing import Any

import msgspec

from atrium.http import etag, merge_patch, response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity.delegation import Delegation
from users import model, profile
from users.model import Profile, ProfilePatch


def read(request: Request) -> Response:
    return _representation(profile.find(request.uuid("id")))


def change(request: Request) -> Response:
    uid = request.uuid("id")
    changes = merge_patch.changes(merge_patch.decode(request, ProfilePatch, model.READ_ONLY))
    versions = etag.expected_versions(request)
    Delegation(request.caller).check_target(str(uid))
    return _representation(
        profile.change(uid, changes, versions, request.caller.uid, request.request_id)
    )


def document(found: Profile) -> dict[str, Any]:
    """Return a user as the API shows it. The entity tag has the version."""
    row = msgspec.structs.asdict(found)
    del row["version"]
    return row


def not_found() -> Problem:
    return Problem(
        404, "user_not_found", "The user does not exist, or you do not have access to it."
    )


def _representation(found: Profile | None) -> Response:
    if found is None:
        raise not_found()
    return response.json(document(found), etag=etag.of_version(found.version))
