"""An operator registers a service with a role, and disables it."""

from register_service import registration


def run() -> None:
    uid = "01920000-0000-5000-8000-000000000001"
    registration.audit(uid, ["clerk"], ["reader"], None)
    registration.audit(uid, [], [], "disabled")
