"""An operator makes a user an administrator, and then names an unknown one."""

from contextlib import suppress

from atrium.identity import users
from first_admin.handler import UserNotFoundError, find_active


def run() -> None:
    users.find_or_create("cognito:pool", "ada", "ada@example.com", {})
    find_active("ada@example.com")
    with suppress(UserNotFoundError):
        find_active("nobody@example.com")
