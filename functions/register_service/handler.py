"""The Lambda handler of `make service`: a client's META, its declared roles and its status.

The event is `{"provider": …, "client_id": …, "roles": ["clerk"], "status": "active"}`, the response
`{"uid": …, "granted": ["clerk"], "revoked": []}`. Raises RoleNotFoundError, and ValueError, which
names the invalid field.
"""

from typing import Any, Literal

import msgspec

from atrium.identity import services
from atrium.identity.permissions import ADMIN
from register_service import registration


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    client_id: str
    roles: list[str] = []
    status: Literal["active", "disabled"] = "active"


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Register the service, or set its roles and status as in the event."""
    try:
        wanted = msgspec.convert(event, Registration)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from None
    if ADMIN in wanted.roles:
        raise ValueError("roles: a service cannot hold the role admin.")
    uid = services.uid_of(wanted.provider, wanted.client_id)
    granted, revoked = registration.register(uid, frozenset(wanted.roles), wanted.status)
    return {"uid": uid, "granted": granted, "revoked": revoked}
