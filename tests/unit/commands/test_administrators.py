"""The count of administrators who can sign in."""

from typing import Any

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import admins
from atrium.stores import dynamodb, user_table
from first_admin.handler import handler as first_admin
from outbox_relay import administrators
from tests.support.people import new_user
from tests.unit.commands.requests import AGAIN, DONE, KEY, call, deliver, item
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import OTHER, UID, claims

EVE = "01890a5d-ac96-774b-bcce-b302099a8fff"


@pytest.mark.parametrize("left", ["deleted", "disabled"])
def test_an_environment_without_a_usable_administrator_is_reported_and_repaired(
    office: pg8000.native.Connection, pool: Stubber, logs: Logs, left: str
) -> None:
    """Check Ada, the last administrator, whose account was deleted or disabled in the user pool."""
    user_table.transact([admins.leaving(OTHER)])
    assert administrators.check()
    if left == "deleted":
        pool.add_client_error("admin_get_user", "UserNotFoundException")
    else:
        pool.add_response("admin_get_user", {"Username": "ada", "Enabled": False})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("ERROR", 0))
    new_user(office, EVE, "eve@example.org")
    assert first_admin({"email": "eve@example.org"}) == {"uid": EVE, "granted": True}
    assert admins.uids() == [UID, EVE]
    eve = claims(uid=EVE, roles="admin", access_epoch="2")
    gone = call("DELETE /v1/users/{id}", None, {"id": UID}, token=eve, If_Match="*")
    assert gone.status == 202, gone.text
    assert admins.uids() == [EVE]
    refused = call("DELETE /v1/users/{id}", None, {"id": EVE}, token=eve, If_Match="*")
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    make_check_due()
    assert administrators.check()
    pool.add_response("admin_get_user", {"Username": "eve", "Enabled": True})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("INFO", 1))
    pool.assert_no_pending_responses()


def test_administrators_are_counted_every_ten_minutes(
    office: pg8000.native.Connection, pool: Stubber, logs: Logs
) -> None:
    assert [administrators.check() for _ in range(2)] == [True, False]
    pool.add_client_error("admin_get_user", "InternalErrorException")
    assert deliver("administrators") == AGAIN
    for _ in range(2):
        pool.add_response("admin_get_user", {"Username": "x", "Enabled": True})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("INFO", 2))
    make_check_due()
    assert administrators.check()
    assert item("administrators")["outcome"] == "pending", "the stream brings it to the pool"


def test_administrators_are_not_counted_before_there_was_one(
    database: pg8000.native.Connection, table: Any
) -> None:
    assert not administrators.check()


def make_check_due() -> None:
    """Let more than ten minutes pass."""
    dynamodb.client().update_item(
        TableName=TABLE,
        Key=KEY | {"pk": {"S": "COMMAND#administrators"}},
        UpdateExpression="SET created_at = :then",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000Z"}},
    )


def counted(logs: Logs) -> tuple[str, int]:
    """Return level and value of the last count."""
    name = "AdministratorsAbleToSignIn"
    return [(line["level"], line[name]) for line in logs.lines() if name in line][-1]
