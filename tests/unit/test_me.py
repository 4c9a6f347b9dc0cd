"""`/v1/me` through the handler, with a real Postgres, the real migrations and moto's DynamoDB."""

import re
import threading
from dataclasses import dataclass, field
from typing import Any

import pg8000.native
import pytest

from atrium.stores import postgres, user_table
from tests.unit.conftest import TABLE, Logs, wait_until_blocked
from tests.unit.events import UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler


@dataclass
class Member:
    """The active user Ada, and her requests."""

    database: pg8000.native.Connection
    table: Any
    roles: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database.run(
            "INSERT INTO users (uid, email, given_name, family_name) VALUES (:uid, :email, 'Ada', 'Lovelace')",
            uid=UID,
            email="ada@example.org",
        )
        user_table.create_meta(UID)
        self.put_namespace("profile")

    def get(self, **headers: str) -> Answer:
        return self._call("GET /v1/me", None, headers)

    def patch(self, body: str, **headers: str) -> Answer:
        return self._call(
            "PATCH /v1/me", body, {"Content_Type": "application/merge-patch+json"} | headers
        )

    def _call(self, route: str, body: str | None, headers: dict[str, str]) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return answer(
            handler(api_event(route, body, sent, token=claims(roles=self.roles)), Context())
        )

    def etag(self) -> str:
        return self.get().headers["etag"]

    def put(self, sk: str, **attributes: Any) -> None:
        self.table.put_item(
            TableName=TABLE, Item={"pk": {"S": f"U#{UID}"}, "sk": {"S": sk}} | attributes
        )

    def put_namespace(self, name: str, visible_to: str = "self") -> None:
        texts = {
            "pk": "NAMESPACES",
            "sk": name,
            "description": name,
            "schema": "{}",
            "visible_to": visible_to,
            "writable_by": "nobody",
        }
        item: dict[str, Any] = {key: {"S": value} for key, value in texts.items()}
        rest = {"personal": {"BOOL": True}, "in_token": {"BOOL": False}, "version": {"N": "1"}}
        self.table.put_item(TableName=TABLE, Item=item | rest)

    def trail(self) -> list[Any]:
        return list(
            self.database.run(
                "SELECT actor, action, changes, request_id FROM audit_events ORDER BY id"
            )
        )


@pytest.fixture
def member(database: pg8000.native.Connection, table: Any) -> Member:
    return Member(database, table)


def test_the_record_holds_the_row_the_attributes_and_the_roles(member: Member) -> None:
    member.put("ATTR#profile#team", value={"S": "platform"}, version={"N": "1"})
    member.roles = "editor auditor"
    got = member.get()
    assert got.status == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", got.json["created_at"])
    expected = {
        "uid": UID,
        "email": "ada@example.org",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "locale": None,
        "status": "active",
        "attributes": {"profile": {"team": "platform"}},
        "roles": ["auditor", "editor"],
    }
    assert expected.items() <= got.json.items()
    assert got.headers["cache-control"] == "no-store"


def test_a_read_costs_one_round_trip_to_postgres_and_at_most_two_calls_to_the_table(
    member: Member, logs: Logs
) -> None:
    member.get()
    member.get()
    first, second = logs.lines()
    assert (first["sql_round_trips"], first["dynamodb_calls"]) == (1, 2)
    assert (second["sql_round_trips"], second["dynamodb_calls"]) == (1, 1)
    assert "ada" not in str(first).lower()


def test_an_unchanged_record_is_304(member: Member) -> None:
    tag = member.etag()
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        got = member.get(If_None_Match=condition)
        assert (got.status, got.text, got.headers["etag"]) == (304, "", tag)
    assert member.get(If_None_Match='"other"').status == 200


def test_attributes_hidden_from_their_user_are_not_shown(member: Member) -> None:
    member.put_namespace("notes", visible_to="nobody")
    for namespace in ("notes", "profile", "unheard_of"):
        member.put(f"ATTR#{namespace}#team", value={"S": "platform"}, version={"N": "1"})
    assert member.get().json["attributes"] == {"profile": {"team": "platform"}}


def test_the_etag_covers_the_row_the_attributes_and_the_roles(member: Member) -> None:
    tags = [member.etag(), member.etag()]
    member.put("ATTR#profile#team", value={"S": "platform"}, version={"N": "1"})
    tags.append(member.etag())
    member.roles = "editor"
    tags.append(member.etag())
    tags.append(member.patch('{"locale":"de"}', If_Match=tags[-1]).headers["etag"])
    assert tags[0] == tags[1]
    assert len(set(tags)) == 4
    assert tags[-1] == member.etag()


def test_a_patch_changes_named_fields_clears_nulls_and_keeps_the_rest(member: Member) -> None:
    changed = member.patch('{"given_name":" Augusta ","locale":"en-GB"}', If_Match=member.etag())
    assert changed.status == 200
    assert (changed.json["given_name"], changed.json["family_name"]) == ("Augusta", "Lovelace")
    cleared = member.patch('{"family_name":null}', If_Match=changed.headers["etag"])
    assert (cleared.json["family_name"], cleared.json["locale"]) == (None, "en-GB")
    assert cleared.json == member.get().json
    assert cleared.json["updated_at"] > cleared.json["created_at"]


def test_plain_json_is_accepted_as_a_merge_patch(member: Member) -> None:
    assert (
        member.patch('{"locale":"fr"}', If_Match="*", Content_Type="application/json").json[
            "locale"
        ]
        == "fr"
    )


def test_a_change_writes_one_audit_event_without_personal_data(member: Member) -> None:
    member.patch('{"given_name":"Augusta","locale":null}', If_Match=member.etag())
    request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert member.trail() == [
        [UID, "user.changed", {"fields": ["given_name", "locale"]}, request_id]
    ]


def test_a_change_needs_the_current_etag(member: Member) -> None:
    old = member.etag()
    assert (
        member.patch('{"locale":"de"}').status,
        member.patch('{"locale":"de"}').json["code"],
    ) == (
        428,
        "if_match_required",
    )
    current = member.patch('{"locale":"de"}', If_Match=old).headers["etag"]
    for condition in (old, f"W/{current}", '"garbage"', f'{old}, "garbage"', '"é"', f"{old},"):
        refused = member.patch('{"locale":"fr"}', If_Match=condition)
        assert (refused.status, refused.json["code"]) == (412, "stale"), condition
    for condition in (current.strip('"'), f"{current} {current}", f"{current},*", ",", ""):
        refused = member.patch('{"locale":"fr"}', If_Match=condition)
        assert (refused.status, refused.json["code"]) == (400, "if_match_invalid"), condition
        assert [error["header"] for error in refused.json["errors"]] == ["If-Match"]
    refused = member.patch('{"locale":"fr"}', If_Match=current, If_None_Match="*")
    assert refused.status == 412, "both conditions must hold"
    refused = member.patch("locale=fr", If_Match=current, Content_Type="text/plain")
    accepted = "application/merge-patch+json, application/json"
    assert (refused.status, refused.headers["accept-patch"]) == (415, accepted)
    assert member.get().json["locale"] == "de"
    assert len(member.trail()) == 1
    assert member.patch('{"locale":"fr"}', If_Match=f", {old},, {current},").status == 200
    assert member.patch('{"locale":"it"}', If_Match="*").status == 200


def test_an_etag_from_before_a_change_of_attributes_is_stale(member: Member) -> None:
    old = member.etag()
    member.put("ATTR#profile#team", value={"S": "platform"}, version={"N": "1"})
    assert member.patch('{"locale":"de"}', If_Match=old).status == 412


def test_a_concurrent_change_between_read_and_update_is_not_lost(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = member.etag()
    attributes = user_table.attributes

    def slow(uid: str) -> dict[str, dict[str, Any]]:
        member.database.run("UPDATE users SET given_name = 'Other', version = version + 1")
        return attributes(uid)

    monkeypatch.setattr(user_table, "attributes", slow)
    assert member.patch('{"given_name":"Mine"}', If_Match=tag).status == 412
    monkeypatch.undo()


def test_the_loser_of_a_race_for_the_row_gets_412(member: Member) -> None:
    """Let another writer hold the row, so that the UPDATE waits and then finds another version."""
    tag = member.etag()
    member.database.run("BEGIN")
    member.database.run("UPDATE users SET given_name = 'Other', version = version + 1")
    answers: list[Answer] = []
    thread = threading.Thread(
        target=lambda: answers.append(member.patch('{"given_name":"Mine"}', If_Match=tag))
    )
    thread.start()
    wait_until_blocked(member.database, 1)
    member.database.run("COMMIT")
    thread.join(60)
    assert [one.status for one in answers] == [412]
    assert member.get().json["given_name"] == "Other"
    assert member.trail() == []


def test_an_empty_patch_changes_nothing(member: Member) -> None:
    tag = member.etag()
    unchanged = member.patch("{}", If_Match=tag)
    assert (unchanged.status, unchanged.headers["etag"]) == (200, tag)
    assert member.trail() == []
    digest = tag.partition("-")[2]
    assert member.patch("{}", If_Match=f'"99-{digest}').status == 412


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('{"email":"x@example.org"}', "#/email", "This field is read-only"),
        ('{"uid":"1"}', "#/uid", "This field is read-only"),
        ('{"status":"disabled"}', "#/status", "This field is read-only"),
        ('{"roles":["admin"]}', "#/roles", "This field is read-only"),
        ('{"nickname":"A"}', "#/nickname", "This field is unknown"),
        ('{"given_name":7}', "#/given_name", "Must be text"),
        ('{"given_name":""}', "#/given_name", "Must have 1 to 100 characters; it has 0"),
        ('{"locale":"en_GB"}', "#/locale", "Must be a language tag such as `en` or `pt-BR`"),
    ],
)
def test_an_invalid_field_is_named(member: Member, body: str, pointer: str, detail: str) -> None:
    refused = member.patch(body, If_Match=member.etag())
    assert refused.status == 422
    assert refused.json["errors"] == [{"pointer": pointer, "detail": detail}]
    assert member.trail() == []


def test_text_that_looks_like_sql_or_json_is_only_text(member: Member) -> None:
    name = "'; DROP TABLE users; -- \\\" {}"
    sent = '{"given_name":"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"}'
    assert member.patch(sent, If_Match="*").json["given_name"] == name
    assert member.get().json["given_name"] == name


@pytest.mark.parametrize("erase", ["DELETE FROM users", "UPDATE users SET status = 'erased'"])
def test_a_deleted_user_is_404(member: Member, erase: str) -> None:
    tag = member.etag()
    member.database.run(erase)
    for gone in (
        member.get(),
        member.patch('{"locale":"de"}', If_Match=tag),
        member.patch("{}", If_Match="*"),
    ):
        assert (gone.status, gone.json["code"]) == (404, "user_gone")
    assert member.trail() == []


def test_an_unreachable_database_is_503(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(user: str) -> None:
        raise postgres.DatabaseUnavailableError("no answer")

    monkeypatch.setattr(postgres, "connect", refuse)
    down = member.get()
    assert (down.status, down.json["code"]) == (503, "unavailable")
    assert "retry-after" in down.headers
