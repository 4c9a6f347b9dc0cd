"""The type of the event that an audit action becomes."""

_TYPES = {
    "user.created": "user.created",
    "user.disabled": "user.disabled",
    "user.enabled": "user.enabled",
    "user.restored": "user.enabled",
    "user.deleted": "user.deleted",
    "user.erasure_requested": "user.deleted",
    "user.invitation_cancelled": "user.deleted",
    "user.erased": "user.erased",
    "role.granted": "rights.changed",
    "role.revoked": "rights.changed",
    "right.granted": "rights.changed",
    "right.revoked": "rights.changed",
}

BY_STATUS = ("user.status_restored", "user.reconciled")
"""Actions that set a status which the audit event does not contain.

The user's present status decides the type. If it has changed since, a later event follows.
"""

_TYPES_OF_STATUSES = {
    "active": "user.enabled",
    "disabled": "user.disabled",
    "deleted": "user.deleted",
    "erased": "user.erased",
}

ACTIONS = (*_TYPES, *BY_STATUS)
"""The actions that migrations/0013_unpublished_events.sql notes."""


def type_of(action: str, status: str) -> str:
    """Return the type of an event, given the user's present status."""
    return _TYPES_OF_STATUSES[status] if action in BY_STATUS else _TYPES[action]
