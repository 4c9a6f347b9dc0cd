"""The rights to see and set a namespace's values.

See docs/architecture.md, "Who sets an attribute".
"""

from atrium.http.request import Request
from atrium.identity import permissions
from atrium.identity.namespaces import Namespace
from atrium.identity.permissions import ADMIN


def sees(request: Request, uid: str, namespace: Namespace | None) -> bool:
    """Return True if the caller may see the values of user `uid` in the namespace."""
    if namespace is None:
        return False
    if request.row_access == "all":
        return True
    return (
        namespace.visible_to == "self"
        if _is_own(request, uid)
        else _holds_one_of(request, namespace)
    )


def sets(request: Request, uid: str, namespace: Namespace | None) -> bool:
    """Return True if the caller may set the values of user `uid` in the namespace."""
    if namespace is None:
        return False
    if is_admin(request):
        return True
    if _is_own(request, uid):
        return not namespace.is_trusted and (
            namespace.writable_by == "self" or request.row_access == "all"
        )
    return _holds_one_of(request, namespace) or (
        request.row_access == "all" and not namespace.is_trusted
    )


def is_admin(request: Request) -> bool:
    return ADMIN in request.caller.roles


def _is_own(request: Request, uid: str) -> bool:
    return request.caller.uid == uid


def _holds_one_of(request: Request, namespace: Namespace) -> bool:
    return any(permissions.has_role(request.caller, role) for role in namespace.set_by)
