"""Changes of the pool behind Atrium's back, which `reconcile` reports and repairs."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from atrium.identity import users
from atrium.stores import postgres, user_table
from reconcile import passes, pool
from reconcile.handler import handler as reconcile
from reconcile_records.handler import handler as records
from tests.unit.conftest import forget
from tests.unit.cut_points.flows import ADMIN, GUEST, MEMBER, delete_own, people, set_status, uid
from tests.unit.cut_points.stores import Stores
from tools.deploy.reconcile import text

Change = Callable[[Stores], None]


class Lambda:
    """Lambda as `reconcile` calls it."""

    def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803  boto's names
        assert FunctionName == "reconcile_records"
        answer = records(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def prepared(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """Return stores that agree about an administrator and a member."""
    clients = {"lambda": Lambda(), "cognito-idp": stores.cognito}
    monkeypatch.setattr(pool, "client", clients.__getitem__)
    monkeypatch.setattr(pool, "pool_id", lambda: stores.pool)
    monkeypatch.setattr(passes, "PAUSE_SECONDS", 0)
    monkeypatch.setenv("RECONCILE_RECORDS_FUNCTION", "reconcile_records")
    stores.database.run("DELETE FROM reconciliations")
    people(stores)
    yield stores
    postgres.disconnect()


def found(repair: bool) -> dict[str, int]:
    """Run a complete pass from the beginning."""
    answer = reconcile({"repair": repair, "restart": True})
    assert answer["state"] == "ended", answer
    return dict(answer["found"])


def delete_account(stores: Stores) -> None:
    stores.cognito.admin_delete_user(UserPoolId=stores.pool, Username=MEMBER)


def disable_account(stores: Stores) -> None:
    stores.cognito.admin_disable_user(UserPoolId=stores.pool, Username=MEMBER)


def enable_disabled(stores: Stores) -> None:
    set_status("disabled")(stores)
    stores.settle()
    stores.cognito.admin_enable_user(UserPoolId=stores.pool, Username=MEMBER)


def change_address(stores: Stores) -> None:
    changed = [{"Name": "email", "Value": GUEST}, {"Name": "email_verified", "Value": "true"}]
    stores.cognito.admin_update_user_attributes(
        UserPoolId=stores.pool, Username=MEMBER, UserAttributes=changed
    )


def import_account(stores: Stores) -> None:
    stores.new_account(GUEST)


def lose_meta(stores: Stores) -> None:
    key = {"pk": {"S": f"U#{uid(stores, MEMBER)}"}, "sk": {"S": "META"}}
    user_table.transact([{"Delete": {"Key": key}}])


def set_in_table(status: str) -> Change:
    def change(stores: Stores) -> None:
        key = {"pk": {"S": f"U#{uid(stores, MEMBER)}"}, "sk": {"S": "META"}}
        user_table.transact([{"Update": {"Key": key, "UpdateExpression": "SET #s = :a",
            "ExpressionAttributeNames": {"#s": "status"}, "ExpressionAttributeValues": {":a": {"S": status}}}}])  # fmt: skip

    return change


def enable_in_table(stores: Stores) -> None:
    set_status("disabled")(stores)
    stores.settle()
    set_in_table("active")(stores)


DRIFTS = [
    (delete_account, "missing_account", "disabled"),
    (disable_account, "access_differs", "disabled"),
    (enable_disabled, "access_differs", "disabled"),
    (change_address, "email_differs", "active"),
    (import_account, "unknown_account", "active"),
    (lose_meta, "table_differs", "active"),
    (enable_in_table, "table_differs", "disabled"),
]


@pytest.mark.parametrize(("change", "drift", "status"), DRIFTS, ids=lambda each: getattr(each, "__name__", str(each)))  # fmt: skip
def test_each_drift_is_reported_first_and_repaired_once(
    prepared: Stores, change: Change, drift: str, status: str
) -> None:
    change(prepared)
    before = prepared.state()
    assert found(repair=False) == {drift: 1, "not_repaired": 1}
    assert prepared.state() == before, "a dry run changes nothing"
    counted = found(repair=True)
    assert counted.pop(drift) == 1
    assert counted in ({}, {"access_ended": 1})
    prepared.settle()
    assert prepared.disagreements() == []
    statuses = dict(prepared.database.run("SELECT uid::text, status FROM users"))
    assert statuses[uid(prepared, MEMBER)] == status
    repaired = prepared.state()
    assert found(repair=True) == {}
    assert prepared.state() == repaired


def test_stores_that_agree_have_no_drift(prepared: Stores) -> None:
    assert found(repair=False) == {}
    delete_own(prepared)
    assert found(repair=True) == {}, "the operation is pending"
    prepared.settle()
    assert found(repair=True) == {}, "the grace period has begun"


def test_a_user_with_a_pending_operation_is_left_alone(prepared: Stores) -> None:
    set_status("disabled")(prepared)  # the pool has not been changed yet
    assert found(repair=True) == {}


@pytest.mark.parametrize("change", [import_account, change_address])
def test_an_address_of_another_user_is_left_to_an_operator(
    prepared: Stores, change: Change
) -> None:
    change(prepared)
    users.find_or_create("cognito:old_pool", "old", GUEST, {})
    before = prepared.state()
    assert found(repair=True)["not_repaired"] == 1
    assert prepared.state() == before


@pytest.mark.parametrize("status", ["disabled", "deleted"])
def test_access_that_ended_in_the_table_is_not_restored(prepared: Stores, status: str) -> None:
    """Restore a backup of Postgres from before the end of access."""
    set_in_table(status)(prepared)
    before = prepared.state()
    assert found(repair=True) == {"table_differs": 1, "not_repaired": 1}
    assert prepared.state() == before


def test_access_that_ended_in_pool_and_table_is_not_restored(prepared: Stores) -> None:
    set_in_table("disabled")(prepared)
    disable_account(prepared)
    counted = found(repair=True)
    assert (counted["table_differs"], counted["access_differs"]) == (1, 1)
    prepared.settle()
    assert prepared.disagreements() == []
    statuses = dict(prepared.database.run("SELECT uid::text, status FROM users"))
    assert statuses[uid(prepared, MEMBER)] == "disabled"


def test_the_last_administrator_keeps_access(prepared: Stores) -> None:
    prepared.cognito.admin_delete_user(UserPoolId=prepared.pool, Username=ADMIN)
    assert found(repair=True) == {"missing_account": 1, "not_repaired": 1}


def test_many_missing_accounts_stop_the_run(
    prepared: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile_records.repairs.MOST_ENDED", 1)
    prepared.sign_up(GUEST)
    delete_account(prepared)
    prepared.cognito.admin_delete_user(UserPoolId=prepared.pool, Username=GUEST)
    assert found(repair=True) == {"missing_account": 2, "not_repaired": 1, "access_ended": 1}


def test_a_run_continues_where_the_last_one_ran_out_of_time(
    prepared: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PAGE", 1)
    change_address(prepared)
    states = []
    for run in range(5):
        looks = iter([True, False])
        states.append(passes.run(repair=False, restart=run == 0, has_time=lambda: next(looks)))  # noqa: B023
    assert [each["state"] for each in states] == ["pool", "missing", "ended", "not due", "not due"]
    assert states[2]["found"] == {"email_differs": 1, "not_repaired": 1}


def test_only_one_run_at_a_time(prepared: Stores) -> None:
    prepared.database.run("INSERT INTO reconciliations (provider, claimed_until) VALUES (:p, now() + interval '1 minute')", p=prepared.provider)  # fmt: skip
    assert reconcile({"restart": True}) == {"state": "not due", "found": {}}


def test_the_schedule_repairs_only_if_configured(
    prepared: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_address(prepared)
    before = prepared.state()
    assert reconcile({"detail-type": "Scheduled Event"})["found"]["not_repaired"] == 1
    assert prepared.state() == before
    prepared.database.run("UPDATE reconciliations SET started_at = now() - interval '25 hours'")
    monkeypatch.setenv("RECONCILE_REPAIR", "1")
    forget()
    assert "not_repaired" not in reconcile({"detail-type": "Scheduled Event"})["found"]


@pytest.mark.parametrize(
    ("state", "counts", "last"),
    [
        ("ended", {}, "The user pool and the records agree."),
        ("ended", {"email_differs": 1}, "All were repaired. A change of status takes up to two minutes."),
        ("ended", {"email_differs": 1, "not_repaired": 1}, "1 not repaired. `make logs SERVICE=reconcile_records` names the users."),
        ("pool", {}, "The time limit of the run is reached. The schedule continues it within 15 minutes."),
        ("not due", {}, "Another run is in progress. Retry in 15 minutes."),
    ],
)  # fmt: skip
def test_the_command_reports_what_remains(state: str, counts: dict[str, int], last: str) -> None:
    assert text({"state": state, "found": counts}).splitlines()[-1] == last
