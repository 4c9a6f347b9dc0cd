"""A person's consent to the terms of use: `PUT /v1/me/consent`.

The setting REQUIRED_CONSENT_VERSION names the version in force; empty admits any. pre_sign_up may
check the consent, but Cognito does not hand it on, and invited people skip the check. So only this
request records a consent.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from atrium.http import etag
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from users import me, profile

VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}\Z"  # $ also matches before a line end


class Consent(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[str, Meta(pattern=VERSION)]


def give(request: Request) -> Response:
    """Record the consent and return the caller's own record. A repetition changes nothing."""
    version, uid = request.decode(Consent).version, request.caller.uid
    rights = me.rights_of(request)
    _check_in_force(version, rights.required_consent_version)
    versions = etag.expected_versions(request, rights)
    return me.representation(profile.consent(uid, version, versions, request.request_id), rights)


def _check_in_force(version: str, required: str | None) -> None:
    if required is None or version == required:
        return
    detail = f"Must be {required}, the version in force. Show it to the person and ask again."
    errors = [FieldError("#/version", detail)]
    raise Problem(
        422, "consent_outdated", "Another version of the terms is in force.", errors=errors
    )
