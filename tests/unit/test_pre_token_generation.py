"""The claims of an access token, through the trigger's handler, on real stores."""

import json
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from atrium.identity import grants, namespaces, token_size
from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import postgres, user_table
from pre_token_generation import scopes
from pre_token_generation.handler import handler
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import SUB, Context, trigger_event

ADA = {
    "sub": SUB,
    "email": "ada@example.org",
    "email_verified": "true",
    "cognito:user_status": "CONFIRMED",
}
ADMIN_SCOPES = [
    "atrium/access.read",
    "atrium/access.write",
    "atrium/me",
    "atrium/users.read",
    "atrium/users.write",
]


COGNITO_CLAIMS = {
    "sub": SUB,
    "cognito:groups": ["x" * 128],
    "iss": "https://cognito-idp.ap-southeast-2.amazonaws.com/ap-southeast-2_AbCdEfGhI",
    "version": 2,
    "client_id": "1example23456789abcdefghij",
    "origin_jti": SUB,
    "event_id": SUB,
    "device_key": f"ap-southeast-2_{SUB}",
    "token_use": "access",
    "auth_time": 1767225600,
    "exp": 1767225600,
    "iat": 1767225600,
    "jti": SUB,
    "username": SUB,
}
"""Cognito's own claims of an access token, with the longest values."""


pytestmark = pytest.mark.usefixtures("contract")


def generate(
    source: str = "TokenGeneration_Authentication", scopes: list[str] | None = None
) -> dict[str, Any]:
    """Return the access token's part of the V2 response."""
    groups: dict[str, Any] = {
        "groupsToOverride": [],
        "iamRolesToOverride": [],
        "preferredRole": None,
    }
    event = trigger_event(
        source, ADA, groupConfiguration=groups, scopes=scopes or ["aws.cognito.signin.user.admin"]
    )
    event["response"] = {"claimsAndScopeOverrideDetails": None}
    details = handler(event, Context())["response"]["claimsAndScopeOverrideDetails"]
    assert set(details) == {"accessTokenGeneration"}
    part: dict[str, Any] = details["accessTokenGeneration"]
    return part


def grant(table: Any, uid: str, role: str, scope: str = "*", **attributes: Any) -> None:
    item = {"role": {"S": role}, "scope": {"S": scope}} | attributes
    key = {"pk": {"S": f"G#{uid}"}, "sk": {"S": f"{scope}#ROLE#{role}"}, "id": {"S": "g1"}}
    table.put_item(TableName=TABLE, Item=key | item)


@pytest.fixture
def uid(database: pg8000.native.Connection, table: Any) -> str:
    """Prepare Ada, who has signed in before."""
    generated: str = generate()["claimsToAddOrOverride"]["uid"]
    return generated


def test_a_first_sign_in_creates_the_user_if_confirmation_did_not(
    database: pg8000.native.Connection, table: Any
) -> None:
    claims = generate()["claimsToAddOrOverride"]
    assert database.run("SELECT uid::text, email FROM users") == [
        [claims["uid"], "ada@example.org"]
    ]
    meta = user_table.meta(claims["uid"])
    assert meta is not None
    assert claims == {"uid": claims["uid"], "roles": "", "access_epoch": str(meta.access_epoch)}


@pytest.mark.parametrize(
    "source",
    [
        "TokenGeneration_HostedAuth",
        "TokenGeneration_NewPasswordChallenge",
        "TokenGeneration_RefreshTokens",
    ],
)
def test_every_trigger_source_gives_the_same_claims(uid: str, source: str) -> None:
    assert generate(source)["claimsToAddOrOverride"]["uid"] == uid


def test_a_person_without_roles_gets_the_base_scope(uid: str) -> None:
    assert generate()["scopesToAdd"] == ["atrium/me"]


def test_an_administrator_gets_every_scope_and_the_current_epoch(uid: str, table: Any) -> None:
    grant(table, uid, "admin")
    grant(table, uid, "editor")
    table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
        UpdateExpression="ADD access_epoch :one",
        ExpressionAttributeValues={":one": {"N": "6"}},
    )
    part = generate()
    assert part["claimsToAddOrOverride"] == {
        "uid": uid,
        "roles": "admin editor",
        "access_epoch": "7",
    }
    assert part["scopesToAdd"] == ADMIN_SCOPES


@pytest.mark.parametrize(
    ("role", "more", "suppressed"),
    [
        ("admin", {}, ["aws.cognito.signin.user.admin"]),
        ("admin", {"expires_at": {"N": "4000000000"}}, []),
        ("editor", {}, []),
    ],
)
def test_an_administrator_cannot_delete_their_account_with_their_token(
    uid: str, table: Any, role: str, more: Any, suppressed: list[str]
) -> None:
    """Cognito's DeleteUser requires a scope that every other user has."""
    grant(table, uid, role, **more)
    for source in ("TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"):
        assert generate(source)["scopesToSuppress"] == suppressed


def test_a_token_names_the_generation_of_its_roles(uid: str, table: Any) -> None:
    """Check this, because otherwise the token would count for the next role of that name."""
    for role in ("editor", "reader"):
        key = {"pk": {"S": f"R#{role}"}, "sk": {"S": "META"}}
        numbers = {"version": {"N": "3"}, "generation": {"N": "3"}} if role == "editor" else {}
        table.put_item(TableName=TABLE, Item=key | numbers)
    grant(table, uid, "editor", role_generation={"N": "3"})
    grant(table, uid, "reader")
    claims = generate()["claimsToAddOrOverride"]
    assert (claims["roles"], claims["role_generations"]) == ("editor reader", "editor=3")


def put_attribute(
    table: Any, uid: str, namespace: str, value: str, *, in_token: bool = True
) -> None:
    """Put the attribute `level` of a namespace, and the namespace."""
    texts = {"pk": "NAMESPACES", "sk": namespace, "description": "x", "schema": "{}", "visible_to": "self", "writable_by": "nobody"}  # fmt: skip
    item: dict[str, Any] = {key: {"S": value} for key, value in texts.items()}
    rest = {"personal": {"BOOL": False}, "in_token": {"BOOL": in_token}, "version": {"N": "1"}}
    table.put_item(TableName=TABLE, Item=item | rest)
    key = {"pk": {"S": f"U#{uid}"}, "sk": {"S": f"ATTR#{namespace}#level"}}
    table.put_item(TableName=TABLE, Item=key | {"value": {"S": value}, "version": {"N": "1"}})


def test_attributes_of_namespaces_in_tokens_are_in_the_token(uid: str, table: Any) -> None:
    for name, in_token in (("plan", True), ("profile", False)):
        put_attribute(table, uid, name, "gold", in_token=in_token)
    assert json.loads(generate()["claimsToAddOrOverride"]["attributes"]) == {
        "plan": {"level": "gold"}
    }


def test_attributes_that_do_not_fit_are_left_out_by_namespace(
    uid: str, table: Any, logs: Logs
) -> None:
    for name, length in (("a", 900), ("b", 900), ("c", 10), ("d", 6000)):
        put_attribute(table, uid, name, "x" * length)
    logs.lines()
    attributes = json.loads(generate()["claimsToAddOrOverride"]["attributes"])
    assert attributes.keys() == {"a", "c"}
    line = logs.lines()[0]
    assert (line["level"], line["uid"], line["namespaces"]) == ("WARN", uid, ["b", "d"])
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["FunctionName"]]
    assert directive["Metrics"] == [{"Name": "ClaimsLeftOut", "Unit": "Count"}]
    assert (line["ClaimsLeftOut"], line["FunctionName"]) == (2, "unknown")


def test_roles_that_do_not_fit_are_left_out_after_admin(uid: str, table: Any, logs: Logs) -> None:
    for number in range(40):
        grant(table, uid, f"a{number:02}{'r' * 57}")
    grant(table, uid, "admin")
    logs.lines()
    claims = generate()["claimsToAddOrOverride"]
    kept = claims["roles"].split()
    assert "admin" in kept
    assert len(kept) == 1 + (1024 - len('"admin"')) // 61
    assert (logs.lines()[0]["roles"], claims["uid"]) == (
        [f"a{number:02}{'r' * 57}" for number in range(len(kept) - 1, 40)],
        uid,
    )


@pytest.mark.parametrize("text", ["x", "é", "🙂", '"'])
def test_the_largest_token_leaves_space_for_other_headers(uid: str, table: Any, text: str) -> None:
    """Check the sum: API Gateway accepts 10,240 bytes of headers."""
    grant(table, uid, "admin", expires_at={"N": "4000000000"})
    for number in range(60):
        grant(table, uid, f"role{number:02}{'r' * (number % 57)}")
        put_attribute(table, uid, f"n{number}", text * (number * 3))
    part = generate()
    added = part["claimsToAddOrOverride"]
    assert len(added["roles"]) > 900
    assert token_size.of_attributes(json.loads(added["attributes"])) > 1200
    scopes = "aws.cognito.signin.user.admin openid profile email phone " + "s" * 1024
    body = json.dumps(
        COGNITO_CLAIMS | added | {"scope": scopes}, separators=(",", ":")
    )  # escapes characters outside ASCII
    header = "Authorization: Bearer " + ".".join(
        ["x" * 110, "x" * (len(body) * 4 // 3 + 1), "x" * 342]
    )
    assert len(header) < 6500


@pytest.mark.parametrize(
    "error", [user_table.TableUnavailableError("throttled"), KeyError("schema")]
)
def test_a_failure_with_attributes_does_not_remove_roles_from_the_token(
    uid: str, table: Any, monkeypatch: pytest.MonkeyPatch, logs: Logs, error: Exception
) -> None:
    def broken(attributes: Any) -> None:
        raise error

    grant(table, uid, "admin")
    put_attribute(table, uid, "plan", "gold")
    monkeypatch.setattr(namespaces, "in_token", broken)
    claims = generate()["claimsToAddOrOverride"]
    assert ("attributes" in claims, claims["roles"]) == (False, "admin")
    assert "token without attributes" in [line["message"] for line in logs.lines()]


def test_unreadable_items_do_not_prevent_a_sign_in(uid: str, table: Any) -> None:
    """Check an attribute without a value and a grant without a role: both give nothing and are
    logged.
    """
    for pk, sk in ((f"U#{uid}", "ATTR#plan#level"), (f"G#{uid}", "*#ROLE#admin")):
        table.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": sk}})
    claims = generate()["claimsToAddOrOverride"]
    assert claims == {"uid": uid, "roles": "", "access_epoch": "1"}


def test_a_role_on_one_resource_or_an_expired_one_is_not_in_the_token(uid: str, table: Any) -> None:
    grant(table, uid, "admin", scope="team:7")
    grant(table, uid, "admin", expires_at={"N": "1000000000"})
    part = generate()
    assert (part["claimsToAddOrOverride"]["roles"], part["scopesToAdd"]) == ("", ["atrium/me"])


def test_a_token_has_the_end_of_its_first_expiring_role(uid: str, table: Any) -> None:
    grant(table, uid, "editor")
    assert "roles_until" not in generate()["claimsToAddOrOverride"]
    grant(table, uid, "admin", expires_at={"N": "4000000000"})
    grant(table, uid, "support", expires_at={"N": "3000000000"})
    grant(table, uid, "guest", expires_at={"N": "1000000000"})
    grant(table, uid, "guest", scope="team:7", expires_at={"N": "2500000000"})
    claims = generate()["claimsToAddOrOverride"]
    assert (claims["roles"], claims["roles_until"]) == ("admin editor support", "3000000000")


def test_requested_scopes_are_removed_unless_the_user_holds_them(uid: str, table: Any) -> None:
    asked = ["openid", "email", "atrium/me", "atrium/users.write"]
    assert generate("TokenGeneration_HostedAuth", asked)["scopesToSuppress"] == [
        "atrium/users.write"
    ]
    grant(table, uid, "admin")
    assert generate("TokenGeneration_HostedAuth", asked)["scopesToSuppress"] == [
        "aws.cognito.signin.user.admin"
    ]


def test_a_token_made_while_the_table_is_down_has_no_roles(
    uid: str, table: Any, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def throttled(uid: str) -> None:
        raise user_table.TableUnavailableError("throttled")

    grant(table, uid, "admin")
    monkeypatch.setattr(grants, "everywhere", throttled)
    part = generate()
    assert part["claimsToAddOrOverride"] == {"uid": uid, "roles": "", "access_epoch": "1"}
    assert part["scopesToAdd"] == ["atrium/me"]
    assert [(line["level"], line["message"]) for line in logs.lines()[-2:]] == [
        ("ERROR", "token without roles"),
        ("INFO", "trigger"),
    ]


def test_a_disabled_user_gets_no_token_even_when_the_table_is_down(
    uid: str, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.run("UPDATE users SET status = 'disabled'")
    with pytest.raises(RefusalError, match="disabled"):
        generate()
    monkeypatch.delenv("USER_ATTRIBUTES_TABLE")
    with pytest.raises(RefusalError, match="disabled"):
        generate()


def sign_in(email: str, verified: str = "true") -> dict[str, Any]:
    attributes = ADA | {"email": email, "email_verified": verified}
    answer: dict[str, Any] = handler(
        trigger_event("TokenGeneration_RefreshTokens", attributes), Context()
    )
    return answer


def emails(database: pg8000.native.Connection) -> list[Any]:
    return [email for (email,) in database.run("SELECT email::text FROM users ORDER BY created_at")]


def test_a_new_verified_address_is_stored_at_the_next_token(
    uid: str, database: pg8000.native.Connection
) -> None:
    for _ in range(2):
        sign_in("ada@example.com")
    assert emails(database) == ["ada@example.com"]
    trail = database.run("SELECT action, actor, changes FROM audit_events ORDER BY id")
    assert trail[1:] == [["user.email_changed", uid, {"fields": ["email"]}]]


def test_a_conflict_does_not_lose_the_mail_about_a_new_address(
    uid: str, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact, refusals = (
        user_table.transact,
        [user_table.TransactionCanceledError(frozenset(), frozenset({0}))],
    )

    def conflicting(items: Any) -> None:
        if refusals:
            raise refusals.pop()
        transact(items)

    monkeypatch.setattr(user_table, "transact", conflicting)
    sign_in("ada@example.com")
    items = table.scan(TableName=TABLE)["Items"]
    assert [each["command"]["S"] for each in items if "command" in each] == ["tell_email_changed"]


def test_an_unverified_address_changes_nothing(
    uid: str, database: pg8000.native.Connection
) -> None:
    sign_in("ada@example.com", verified="false")
    sign_in("ADA@example.org")
    assert emails(database) == ["ada@example.org"]
    assert database.run("SELECT version FROM users") == [[1]]


def test_an_address_of_another_user_is_not_taken(
    uid: str, database: pg8000.native.Connection, logs: Logs
) -> None:
    database.run("INSERT INTO users (uid, email) VALUES (gen_random_uuid(), 'grace@example.org')")
    sign_in("grace@example.org")
    assert emails(database) == ["ada@example.org", "grace@example.org"]
    [error] = [line for line in logs.lines() if line["level"] == "ERROR"]
    assert (error["message"], error["uid"]) == ("e-mail not changed", uid)
    assert "grace" not in json.dumps(error)


def test_a_status_that_is_only_in_the_table_counts(uid: str, table: Any) -> None:
    table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
        UpdateExpression="SET #status = :disabled",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":disabled": {"S": "disabled"}},
    )
    with pytest.raises(RefusalError, match="in progress"):  # Postgres gets the status soon
        generate()


def test_an_outage_of_the_database_refuses_sign_ins_without_details(
    uid: str, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def down(sql: str, **parameters: object) -> None:
        raise postgres.DatabaseUnavailableError("proxy.internal:5432 refused app")

    monkeypatch.setattr(postgres, "query", down)
    with pytest.raises(RefusalError) as refused:
        generate()
    assert str(refused.value) == "An internal error occurred. Please try again in a moment"
    line = logs.lines()[-1]
    assert (line["level"], line["outcome"]) == ("ERROR", "failed")
    assert "proxy.internal" in line["error"]["message"]


def test_a_usual_sign_in_costs_one_round_trip_and_three_calls(uid: str, logs: Logs) -> None:
    generate()  # also reads the layout of grants, which is then cached
    logs.lines()
    generate()
    line = logs.line()
    assert (line["sql_round_trips"], line["dynamodb_calls"]) == (1, 3)


def test_a_role_with_a_permission_gets_the_scope_of_the_same_name(uid: str, table: Any) -> None:
    """Check a role with a parent, too: `support` builds on `reader`."""
    parents = {"L": [{"S": "reader"}]}
    table.put_item(
        TableName=TABLE, Item={"pk": {"S": "R#support"}, "sk": {"S": "META"}, "parents": parents}
    )
    for role, permission in [
        ("support", "users.write"),
        ("support", "no.scope"),
        ("reader", "users.read"),
    ]:
        key = {"pk": {"S": f"R#{role}"}, "sk": {"S": f"PERM#{permission}"}}
        table.put_item(TableName=TABLE, Item=key | {"permission": {"S": permission}})
    grant(table, uid, "support")
    part = generate()
    assert part["claimsToAddOrOverride"]["roles"] == "support"
    assert part["scopesToAdd"] == ["atrium/me", "atrium/users.read", "atrium/users.write"]


def test_a_grant_of_a_deleted_role_gives_nothing(uid: str, table: Any) -> None:
    """Create a role of the same name afterwards; it has another generation."""
    meta = {
        "pk": {"S": "R#support"},
        "sk": {"S": "META"},
        "parents": {"L": []},
        "generation": {"N": "3"},
    }
    table.put_item(TableName=TABLE, Item=meta)
    key = {"pk": {"S": "R#support"}, "sk": {"S": "PERM#users.read"}}
    table.put_item(TableName=TABLE, Item=key | {"permission": {"S": "users.read"}})
    for generation, roles in ((None, ""), ("2", ""), ("3", "support")):
        grant(table, uid, "support", expires_at={"N": "4102444800"}, **generation_of(generation))
        part = generate()
        assert part["claimsToAddOrOverride"]["roles"] == roles
        assert ("atrium/users.read" in part["scopesToAdd"]) is bool(roles)
        assert ("roles_until" in part["claimsToAddOrOverride"]) is bool(roles)


def generation_of(generation: str | None) -> dict[str, Any]:
    return {} if generation is None else {"role_generation": {"N": generation}}


def test_a_package_without_the_contract_fails_with_the_remedy(
    uid: str, table: Any, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    grant(table, uid, "admin")
    scopes.declared.cache_clear()
    monkeypatch.setattr(scopes, "DOCUMENT", Path("nowhere/openapi.json"))
    with pytest.raises(RefusalError):
        generate()
    assert "make build" in logs.lines()[-1]["error"]["message"]
