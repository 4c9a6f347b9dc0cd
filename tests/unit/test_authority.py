"""Current authority: requests that change something read the caller's rights from the table."""

from collections.abc import Callable
from typing import Any

import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity.rules import Alternative
from atrium.runtime import parallel
from atrium.stores import authority, dynamodb, user_table
from atrium.stores.user_table import TransactionCanceledError
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import PUBLIC, SELF, service
from tools.laptop.answer import Answer

READ, WRITE, OWN, ASK = "GET /v1/things", "POST /v1/things", "PATCH /v1/me", "POST /v1/questions"
EDIT = (Alternative("permission", "things.write"),)
META = {"pk": {"S": f"U#{UID}"}, "sk": {"S": "META"}}
THING = {"pk": {"S": "THING"}, "sk": {"S": "META"}}

Work = Callable[[], object]


class Things:
    """A service whose operations do what the test defines."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.work: Work = lambda: None
        allow = {READ: EDIT, WRITE: EDIT, OWN: SELF, ASK: EDIT}
        self.handler = service(dict.fromkeys(allow, self.operation), allow, cached=(OWN, ASK))

    def operation(self, _: Request) -> Response:
        self.work()
        return response.json({})

    def call(self, route: str, work: Work = lambda: None, epoch: int = 1) -> Answer:
        self.work = work
        return answer(
            self.handler(
                api_event(route, token=claims(roles="editor", access_epoch=str(epoch))), Context()
            )
        )

    def set_caller(self, status: str, epoch: int) -> None:
        self.table.put_item(TableName=TABLE, Item=meta(status, epoch))

    def has(self, key: dict[str, Any]) -> bool:
        return "Item" in self.table.get_item(TableName=TABLE, Key=key)


def meta(status: str, epoch: int, version: int = 1) -> dict[str, Any]:
    return META | {
        "status": {"S": status},
        "access_epoch": {"N": str(epoch)},
        "version": {"N": str(version)},
    }


def write(*more: dict[str, Any]) -> None:
    user_table.transact([{"Put": {"Item": THING}}, *more])


def rise(version: int = 1) -> dict[str, Any]:
    """Change the caller's own META, with a condition of the operation."""
    return {
        "Update": {
            "Key": META,
            "UpdateExpression": "SET version = :next",
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {
                ":version": {"N": str(version)},
                ":next": {"N": str(version + 1)},
            },
        }
    }


@pytest.fixture
def things(table: Any) -> Things:
    made = Things(table)
    made.set_caller("active", 1)
    permission = {
        "pk": {"S": "R#editor"},
        "sk": {"S": "PERM#things.write"},
        "permission": {"S": "things.write"},
    }
    table.put_item(TableName=TABLE, Item=permission)
    return made


@pytest.fixture
def warm(things: Things) -> Things:
    """Cache that the caller is active and that their role permits the operation."""
    assert [things.call(route).status for route in (READ, WRITE, OWN, ASK)] == [200] * 4
    return things


def code(refused: Answer) -> str:
    return f"{refused.status} {refused.json['code']}"


@pytest.mark.parametrize(
    ("status", "epoch"), [("disabled", 2), ("deleted", 2), ("active", 2), ("disabled", 1)]
)
def test_a_cached_session_permits_reads_but_no_changes(
    warm: Things, status: str, epoch: int
) -> None:
    warm.set_caller(status, epoch)
    assert [warm.call(route).status for route in (READ, OWN, ASK)] == [200] * 3
    assert code(warm.call(WRITE, write)) == "401 token_stale"
    assert not warm.has(THING)
    assert (
        code(warm.call(READ)) == "401 token_stale"
    )  # the data that the write has read is in the cache, too


def test_a_disabled_or_deleted_caller_changes_nothing(warm: Things) -> None:
    warm.table.delete_item(TableName=TABLE, Key=META)
    assert code(warm.call(WRITE, write)) == "401 token_stale"


def test_a_cached_permission_permits_reads_but_no_changes(warm: Things) -> None:
    warm.table.delete_item(
        TableName=TABLE, Key={"pk": {"S": "R#editor"}, "sk": {"S": "PERM#things.write"}}
    )
    assert [warm.call(route).status for route in (READ, ASK)] == [200] * 2
    assert code(warm.call(WRITE, write)) == "403 permission_missing"


def test_permissions_of_ancestors_are_read_from_the_table(warm: Things) -> None:
    """Let `editor` hold the permission through two ancestors, and remove one link."""
    warm.table.delete_item(
        TableName=TABLE, Key={"pk": {"S": "R#editor"}, "sk": {"S": "PERM#things.write"}}
    )
    chain = {"editor": ["clerk"], "clerk": ["reader"], "reader": []}
    for role, parents in chain.items():
        put_role(warm, role, parents)
    holds = {
        "pk": {"S": "R#reader"},
        "sk": {"S": "PERM#things.write"},
        "permission": {"S": "things.write"},
    }
    warm.table.put_item(TableName=TABLE, Item=holds)
    assert warm.call(WRITE, write).status == 200
    put_role(warm, "clerk", [])
    assert code(warm.call(WRITE, write)) == "403 permission_missing"


def put_role(things: Things, role: str, parents: list[str]) -> None:
    key = {"pk": {"S": f"R#{role}"}, "sk": {"S": "META"}}
    things.table.put_item(
        TableName=TABLE, Item=key | {"parents": {"L": [{"S": parent} for parent in parents]}}
    )


@pytest.mark.parametrize(("status", "epoch"), [("disabled", 2), ("active", 2), ("disabled", 1)])
@pytest.mark.parametrize("own", [(), (rise(),)], ids=["check", "joined"])
def test_a_caller_revoked_during_the_request_writes_nothing(
    things: Things, own: tuple[dict[str, Any], ...], status: str, epoch: int
) -> None:
    """Change META between the kernel's reads and the transaction."""

    def lose_the_race() -> None:
        things.set_caller(status, epoch)
        write(*own)

    assert code(things.call(WRITE, lose_the_race)) == "401 token_stale"
    assert not things.has(THING)


def test_a_caller_whose_meta_is_deleted_during_the_request_is_stale(things: Things) -> None:
    def vanish() -> None:
        things.table.delete_item(TableName=TABLE, Key=META)
        write(rise())

    assert code(things.call(WRITE, vanish)) == "401 token_stale"


def test_a_failed_condition_of_the_operation_is_not_taken_for_the_callers(things: Things) -> None:
    def conflict() -> None:
        with pytest.raises(TransactionCanceledError) as refused:
            write(rise(version=7))
        assert refused.value.conditions == {1}

    assert things.call(WRITE, conflict).status == 200
    assert things.call(WRITE, lambda: write(rise())).status == 200
    assert things.has(THING)


@pytest.mark.parametrize("kind", ["Put", "Delete", "ConditionCheck"])
def test_every_kind_of_item_can_carry_the_callers_condition(things: Things, kind: str) -> None:
    known = {"ConditionExpression": "attribute_exists(pk)"}
    item = {kind: ({"Item": meta("active", 1)} if kind == "Put" else {"Key": META}) | known}

    def lose_the_race() -> None:
        things.set_caller("active", 2)
        write(item)

    assert code(things.call(WRITE, lose_the_race)) == "401 token_stale"
    things.set_caller("active", 1)
    assert things.call(WRITE, lambda: write(item)).status == 200


def test_failed_conditions_of_the_operation_are_reported_beside_a_stale_caller(
    things: Things,
) -> None:
    def fail_twice() -> None:
        things.set_caller("active", 2)
        with pytest.raises(authority.TokenStaleError) as stale:
            user_table.transact(
                [{"Put": {"Item": THING, "ConditionExpression": "attribute_exists(pk)"}}]
            )
        assert stale.value.conditions == {0}

    assert things.call(WRITE, fail_twice).status == 200


SINGLE_WRITES: dict[str, Work] = {
    "UpdateItem": lambda: user_table.update("THING", "META", UpdateExpression="SET a = pk"),
    "META": lambda: user_table.create_meta("01890a5d-ac96-774b-bcce-0000000000ff"),
    "key": lambda: user_table.create_signing_key("cursor", 1, b"secret"),
}


@pytest.mark.parametrize("work", SINGLE_WRITES.values(), ids=SINGLE_WRITES)
def test_a_write_outside_a_transaction_is_a_programming_error(
    things: Things, work: Work, logs: Logs
) -> None:
    before = things.table.scan(TableName=TABLE)["Count"]
    assert things.call(WRITE, work).status == 500
    assert "Use user_table.transact instead" in logs.line()["error"]["stack"]
    assert things.table.scan(TableName=TABLE)["Count"] == before


@pytest.mark.parametrize("route", [READ, OWN, ASK])
def test_a_route_without_current_authority_cannot_write(
    things: Things, route: str, logs: Logs
) -> None:
    assert things.call(route, write).status == 500
    assert f"{route} writes to the table" in logs.line()["error"]["stack"]
    assert not things.has(THING)


def test_there_is_no_caller_on_public_routes_and_outside_requests(things: Things) -> None:
    """Check the context of a request: it ends with the request, even when that fails."""
    for work in (write, lambda: 1 / 0):
        things.call(WRITE, work)
    things.set_caller("disabled", 2)
    write(rise())
    things.table.delete_item(TableName=TABLE, Key=THING)

    def operation(_: Request) -> Response:
        write()
        return response.json({})

    handler = service({WRITE: operation}, {WRITE: PUBLIC})
    assert answer(handler(api_event(WRITE), Context())).status == 200
    assert things.has(THING)


def test_a_write_in_another_thread_carries_the_callers_condition(things: Things) -> None:
    def lose_the_race() -> None:
        things.set_caller("active", 2)
        parallel.start(write).result()

    assert code(things.call(WRITE, lose_the_race)) == "401 token_stale"
    assert not things.has(THING)


def test_a_transaction_leaves_space_for_the_callers_condition(things: Things) -> None:
    def fill(count: int) -> Work:
        puts = [
            {"Put": {"Item": {"pk": {"S": "THING"}, "sk": {"S": str(number)}}}}
            for number in range(count)
        ]
        return lambda: user_table.transact(puts)

    sent: list[int] = []

    def keep(params: Any, **_: object) -> None:
        sent.append(params["body"].count(b'"Put"') + params["body"].count(b'"ConditionCheck"'))

    events = dynamodb.client().meta.events
    events.register("before-call.dynamodb.TransactWriteItems", keep)
    assert things.call(WRITE, fill(user_table.MAX_ITEMS)).status == 200
    events.unregister("before-call.dynamodb.TransactWriteItems", keep)
    assert sent == [100]
    assert things.call(WRITE, fill(user_table.MAX_ITEMS + 1)).status == 500
