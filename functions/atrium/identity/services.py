"""Services: machine callers, which are subjects with roles and grants like users.

A service is a confidential client of the pool. Its uid is computed from the client's id, so it
needs no read. It is a UUID of version 5, and a user's is of version 7, so the two can be
distinguished.
Rotating the client's secret keeps the uid. A service has META and grants in the table like a user,
and no row in Postgres.
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f2b0d5e-6c8f-5d0e-9a43-1f6f0f1c2a77")
_LENGTH, _VERSION_AT, _VERSION = 36, 14, "5"

USER, SERVICE = "user", "service"
"""The types of subjects."""


def uid_of(provider: str, client_id: str) -> str:
    """Return the uid of the service that has this client of a pool."""
    return str(uuid5(_NAMESPACE, f"{provider}/{client_id}"))


def kind_of(uid: str) -> str:
    """Return the type of the subject with this uid: `user` or `service`."""
    is_service = len(uid) == _LENGTH and uid[_VERSION_AT] == _VERSION
    return SERVICE if is_service else USER
