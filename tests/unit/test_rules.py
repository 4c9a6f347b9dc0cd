"""Rules about who may call an operation, through a service's handler, with roles in moto's table."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import permissions
from atrium.identity.rules import Alternative
from atrium.runtime import clock
from atrium.stores import user_table
from atrium.stores.user_table import Meta, RoleDefinition
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import service
from tools.laptop.answer import Answer

OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
READ = Alternative("permission", "orders.read")
ADMIN = Alternative("role", "admin")
AUDITOR = Alternative("role", "auditor")
SELF = Alternative("self")
OWN = Alternative("self", "id")
ROUTE = "GET /v1/users/{id}"


def reach(request: Request) -> Response:
    return response.json({"reach": request.row_access})


def call(
    alternatives: Sequence[Alternative], roles: str = "", id: str = OTHER, token: bool = True
) -> Answer:
    event = api_event(ROUTE, token=claims(roles=roles) if token else None) | {
        "pathParameters": {"id": id}
    }
    return answer(service({ROUTE: reach}, {ROUTE: alternatives})(event, Context()))


def outcome(*arguments: Any, **named: Any) -> str:
    got = call(*arguments, **named)
    return str(got.json.get("reach") or f"{got.status} {got.json['code']}")


@pytest.fixture(autouse=True)
def definitions(table: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define `reader`, which holds orders.read, `clerk`, a child of it, and `cook`, with another
    permission.
    """
    monkeypatch.setattr(user_table, "meta", lambda uid: Meta("active", 1, 1))
    put(table, "R#reader", "PERM#orders.read", permission={"S": "orders.read"})
    put(table, "R#clerk", "META", parents={"SS": ["reader", "clerk"]})
    put(table, "R#auditor", "META", version={"N": "1"})
    put(table, "R#cook", "PERM#coffees.write", permission={"S": "coffees.write"})
    return table


def put(table: Any, pk: str, sk: str, **attributes: Any) -> None:
    table.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": sk}} | attributes)


@pytest.mark.parametrize(
    ("alternatives", "roles", "id", "expected"),
    [
        ([Alternative("public")], "", OTHER, "all"),
        ([SELF], "", OTHER, "self"),
        ([SELF], "admin", OTHER, "self"),
        ([OWN], "", UID, "self"),
        ([OWN], "", UID.upper(), "self"),
        ([OWN], "", OTHER, "404 not_found"),
        ([OWN], "admin", OTHER, "404 not_found"),
        ([OWN], "", "7", "400 parameters_invalid"),
        ([READ], "", OTHER, "403 permission_missing"),
        ([READ], "cook unknown", OTHER, "403 permission_missing"),
        ([READ], "cook reader", OTHER, "all"),
        ([READ], "clerk", OTHER, "all"),
        ([READ], "admin", OTHER, "all"),
        ([READ, SELF], "", OTHER, "self"),
        ([READ, SELF], "reader", OTHER, "all"),
        ([READ, OWN], "", OTHER, "404 not_found"),
        ([READ, OWN], "reader", OTHER, "all"),
        ([READ, OWN], "reader", UID, "all"),
        ([ADMIN], "reader", OTHER, "403 permission_missing"),
        ([ADMIN], "admin", OTHER, "all"),
        ([AUDITOR], "admin", OTHER, "403 permission_missing"),
        ([READ, AUDITOR], "auditor", OTHER, "all"),
        ([], "admin", OTHER, "403 permission_missing"),
    ],
)
def test_a_caller_without_any_alternative_is_refused(
    alternatives: Sequence[Alternative], roles: str, id: str, expected: str
) -> None:
    assert outcome(alternatives, roles, id) == expected


@pytest.mark.parametrize("alternative", [SELF, OWN, READ, ADMIN])
def test_without_a_token_only_public_routes_are_open(alternative: Alternative) -> None:
    assert outcome([alternative], token=False, id=UID) == "401 token_unusable"
    assert outcome([Alternative("public")], token=False) == "all"


def test_a_revoked_permission_ends_within_30_seconds(
    definitions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: now, time=lambda: now))
    assert outcome([READ], "reader") == "all"
    definitions.delete_item(
        TableName=TABLE, Key={"pk": {"S": "R#reader"}, "sk": {"S": "PERM#orders.read"}}
    )
    now += 29.9
    assert outcome([READ], "reader") == "all"
    now += 0.2
    assert outcome([READ], "reader") == "403 permission_missing"


def test_a_role_is_read_once_in_30_seconds_and_admin_never(logs: Logs) -> None:
    for held in ("reader", "reader", "admin"):
        assert outcome([READ], held) == "all"
    assert [line["dynamodb_calls"] for line in logs.lines()] == [1, 0, 0]


def test_an_unreachable_table_closes_routes_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(role: str) -> RoleDefinition:
        raise user_table.TableUnavailableError("throttled")

    monkeypatch.setattr(user_table, "role_definition", down)
    assert outcome([READ, SELF], "reader") == "503 unavailable"
    assert outcome([READ], "admin") == "all"


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "_CACHE_ENTRIES", 3)
    monkeypatch.setattr(
        user_table, "role_definition", lambda role: RoleDefinition(frozenset(), frozenset())
    )
    for number in range(10):
        outcome([READ], f"role{number}")
    assert len(permissions.cache) <= 3


@pytest.mark.parametrize("scope", ["", "openid", "atrium/users.read", "atrium/me.x", "me"])
def test_a_token_without_the_scope_is_403_and_the_scope_is_named(scope: str) -> None:
    """Check the routes of tests/unit/service.py, which need atrium/me."""
    event = api_event(ROUTE, token=claims(roles="admin", scope=scope))
    refused = answer(service({ROUTE: reach}, {ROUTE: [ADMIN]})(event, Context()))
    assert (refused.status, refused.json["code"]) == (403, "insufficient_scope")
    challenge = refused.headers["www-authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="atrium/me"'
