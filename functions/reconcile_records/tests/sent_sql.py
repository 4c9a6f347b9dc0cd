"""A run that finds an unknown account, another address, and a user without an account."""

from unittest.mock import patch

from atrium.identity import users
from atrium.stores import user_table
from atrium.stores.user_table import Meta
from reconcile_records import passes, reconciliation
from reconcile_records.drift import Account, Known
from reconcile_records.repairs import _queue

POOL = "cognito:pool"


def run() -> None:
    ada = users.find_or_create(POOL, "ada", "ada@example.com", {})
    passes.begin(POOL, restart=True)
    changed = Account("ada", "ada@example.org", True, True, True)
    stranger = Account("stranger", "ada@example.com", False, True, True)
    with (
        patch.object(user_table, "metas", lambda uids: dict.fromkeys(uids, Meta("active", 1, 1))),
        patch.object(user_table, "transact"),
    ):
        reconciliation.compare(POOL, [changed, stranger], [], repair=True, then=("missing", ""))
    passes.unseen(POOL, "")
    _queue(Known("ada", ada.uid, "active", False, False, False, True), "disable_user", "disabled", "missing_account")  # fmt: skip
    passes.release(POOL)
