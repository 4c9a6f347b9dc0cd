"""Accepted values can be read, do not prevent a sign-in, and are gone after DELETE.

Generated bodies are sent to every operation that stores a caller's values. The functions are the
real ones, with Postgres and the table.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pg8000.native
import pytest
from hypothesis import strategies as st

from atrium.stores import dynamodb
from local_aws_tests.support.generated import given
from pre_token_generation.handler import handler as generate_token
from tests.unit.access.conftest import Service
from tests.unit.events import SUB, Context, answer, api_event, claims, trigger_event
from tools.laptop.answer import Answer
from users.handler import handler as users
from users.model import ProfilePatch

ADA = {
    "sub": SUB,
    "email": "ada@example.org",
    "email_verified": "true",
    "cognito:user_status": "CONFIRMED",
}
ANY: dict[str, Any] = {"type": "object"}
_ODD_NUMBERS = (
    5e-324,
    1e-131,
    1e-130,
    -0.0,
    0.1 + 0.2,
    1e15 + 0.3,
    2**53 - 1,
    2**53,
    2**64,
    10**39,
    1.7e308,
    1e400,
)
_ODD_TEXTS = (
    "",
    "\x00",
    "\ud800",
    "\ufffd",
    "\u202e",
    "\u200b",
    "é",
    "e\u0301",
    "#",
    "/",
    "~",
    "__proto__",
    "x" * 9000,
)

numbers = st.sampled_from(_ODD_NUMBERS) | st.floats(allow_nan=False) | st.integers()
texts = st.sampled_from(_ODD_TEXTS) | st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
nested = st.builds(lambda depth, value: json.loads("[" * depth + json.dumps(value) + "]" * depth), st.integers(0, 40), st.none())  # fmt: skip
names = st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)


@dataclass
class Member:
    """Ada, who has signed in once, and the administrator who changes her data."""

    service: Service
    uid: str

    def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Answer:
        got = self.service.ask(method, path, body, **headers)
        assert got.status < 500, (method, path, body, got.text)
        return got

    def me(self, method: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {
            "Content-Type": "application/json"
        }
        token = claims(uid=self.uid, access_epoch=str(self.service.epoch(self.uid)))
        event = api_event(
            f"{method} /v1/me", None if body is None else json.dumps(body), sent, token=token
        )
        got = answer(users(event, Context()))
        assert got.status < 500, (method, body, got.text)
        return got

    def sign_in(self) -> dict[str, str]:
        return sign_in()

    def check_all_reads(self) -> None:
        assert self.sign_in()["uid"] == self.uid
        assert self.me("GET").status == 200
        for path in (f"/v1/users/{self.uid}/attributes", "/v1/namespaces", "/v1/roles"):
            assert self.ask("GET", path).status == 200


def sign_in() -> dict[str, str]:
    """Return the claims that the trigger adds."""
    event = trigger_event(
        "TokenGeneration_Authentication", ADA, groupConfiguration={}, scopes=["openid"]
    )
    details = generate_token(event, Context())["response"]["claimsAndScopeOverrideDetails"][
        "accessTokenGeneration"
    ]
    added: dict[str, str] = details["claimsToAddOrOverride"]
    return added


@pytest.fixture
def member(service: Service, database: pg8000.native.Connection, contract: None) -> Member:
    made = Member(service, sign_in()["uid"])
    body = {"description": "Anything", "schema": ANY, "personal": True, "in_token": True}
    assert made.ask("PUT", "/v1/namespaces/any", body, If_None_Match="*").status == 201
    return made


def as_json(value: Any) -> str:
    """Return JSON text, because 0.0 == -0.0 and 1 == True in Python."""
    return json.dumps(value, sort_keys=True)


def test_an_accepted_attribute_can_be_read_and_deleted(member: Member) -> None:
    path = f"/v1/users/{member.uid}/attributes/any"

    @given(names, values | nested, max_examples=40)
    def check(name: str, value: Any) -> None:
        put = member.ask("PUT", f"{path}/{name}", {"value": value}, If_None_Match="*")
        if put.status != 201:
            assert put.status in (400, 422), put.text
            return
        read = member.ask("GET", f"{path}/{name}")
        assert as_json(read.json["value"]) == as_json(put.json["value"]) == as_json(value)
        member.check_all_reads()
        assert member.ask("DELETE", f"{path}/{name}", If_Match=read.headers["etag"]).status == 204
        assert member.ask("GET", f"{path}/{name}").status == 404

    check()


def test_accepted_attributes_of_one_patch_can_be_read(member: Member) -> None:
    path = f"/v1/users/{member.uid}/attributes"

    @given(st.dictionaries(names | texts, values | nested, max_size=4), max_examples=40)
    def check(patch: dict[str, Any]) -> None:
        changed = member.ask("PATCH", path, {"attributes": {"any": patch}}, If_Match="*")
        if changed.status != 200:
            assert changed.status in (400, 422), changed.text
            return
        assert as_json(member.ask("GET", path).json) == as_json(changed.json)
        member.check_all_reads()
        cleared = member.ask(
            "PATCH", path, {"attributes": {"any": None}}, If_Match=changed.headers["etag"]
        )
        assert (cleared.status, cleared.json) == (200, {"attributes": {}})
        assert not [
            item
            for item in member.service.items(f"U#{member.uid}")
            if item["sk"].startswith("ATTR#")
        ]

    check()


def test_an_accepted_profile_can_be_read(member: Member) -> None:
    fields = st.sampled_from(ProfilePatch.__struct_fields__)

    good = st.sampled_from(["en", "pt-BR"]) | st.text(
        st.characters(categories=["L", "M", "S"]), min_size=1, max_size=9
    )

    @given(
        st.dictionaries(fields, good, max_size=3) | st.dictionaries(fields, values, max_size=3),
        max_examples=40,
    )
    def check(patch: dict[str, Any]) -> None:
        changed = member.me("PATCH", patch, If_Match="*")
        assert changed.status in (200, 400, 422), changed.text
        if changed.status == 200:
            assert member.me("GET").json == changed.json
            member.sign_in()
            assert member.me("PATCH", dict.fromkeys(patch), If_Match="*").status == 200

    check()


def test_an_accepted_role_can_be_read_and_deleted(member: Member) -> None:
    permission = st.from_regex(r"[a-z][a-z0-9_]{0,5}\.[a-z]{1,5}", fullmatch=True)
    permissions = st.lists(permission, max_size=4, unique=True) | st.lists(texts, max_size=2)

    descriptions = st.text("aé\u200d🙂 ", min_size=1, max_size=9) | texts

    @given(
        names,
        st.fixed_dictionaries({"description": descriptions, "permissions": permissions}),
        max_examples=20,
    )
    def check(role: str, body: dict[str, Any]) -> None:
        made = member.ask("PUT", f"/v1/roles/{role}", body, If_None_Match="*")
        if made.status != 201:
            assert made.status in (400, 422), made.text
            return
        path = f"/v1/users/{member.uid}/grants"
        granted = member.service.post(path, {"role": role})
        assert granted.status == 201, granted.text
        assert member.ask("GET", f"/v1/roles/{role}").json == made.json
        member.check_all_reads()
        assert role in member.sign_in()["roles"].split()
        assert member.ask("DELETE", f"{path}/{granted.json['id']}", If_Match="*").status == 204
        assert member.ask("DELETE", f"/v1/roles/{role}", If_Match="*").status == 204
        assert member.ask("GET", f"/v1/roles/{role}").status == 404

    check()


odd: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, -1, 2**40, 1e300, 0.5, [], [None], {}, "", "a", True, None]
)
schemas: st.SearchStrategy[Any] = st.recursive(
    st.just({})
    | st.booleans()
    | st.sampled_from([{"type": kind} for kind in ("string", "number", "object", "array")]),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "additionalProperties": inner,
            "allOf": st.lists(inner, max_size=2),
            "const": values,
            "default": values,
            "enum": st.lists(values, max_size=3) | odd,
            "exclusiveMinimum": odd,
            "format": st.sampled_from(["date", "email", "time", "uri", "x"]),
            "items": inner | odd,
            "maxLength": odd,
            "minItems": odd,
            "multipleOf": st.sampled_from([1, 0.1]) | odd,
            "not": inner,
            "oneOf": st.lists(inner, max_size=2),
            "pattern": st.sampled_from(["^a", "[", "(a+)+$", "\\d"]) | odd,
            "properties": st.dictionaries(texts, inner, max_size=2),
            "required": st.lists(texts, max_size=2) | odd,
            "type": st.sampled_from(["string", "integer", ["array", "null"], [], "x"]),
            "uniqueItems": odd,
        },
    ),
    max_leaves=4,
)


def test_an_accepted_namespace_can_be_read_and_deleted(member: Member) -> None:
    @given(
        names,
        schemas,
        st.fixed_dictionaries(
            {}, optional={"properties": st.dictionaries(texts, schemas, max_size=2)}
        ),
        values,
        max_examples=60,
    )
    def check(name: str, schema: Any, root: Any, value: Any) -> None:
        body = {
            "description": "Generated",
            "schema": {"type": "object", "additionalProperties": schema, **root},
        }
        rest = {"personal": False, "in_token": True}
        path = f"/v1/namespaces/n_{name[:60]}"
        made = member.ask("PUT", path, body | rest, If_None_Match="*")
        if made.status != 201:
            assert made.status in (400, 422), made.text
            return
        assert as_json(member.ask("GET", path).json["schema"]) == as_json(body["schema"])
        attribute = f"/v1/users/{member.uid}/attributes/n_{name[:60]}/value"
        put = member.ask("PUT", attribute, {"value": value}, If_None_Match="*")
        member.check_all_reads()
        if put.status == 201:
            member.ask("DELETE", attribute, If_Match="*")
        assert member.ask("DELETE", path, If_Match="*").status == 204
        assert member.ask("GET", path).status == 404
        member.check_all_reads()

    check()


def test_any_accepted_evaluation_gets_a_decision(member: Member) -> None:
    entities = st.fixed_dictionaries(
        {"type": texts | st.sampled_from(["user", "document"]), "id": texts},
        optional={"properties": values},
    )
    actions = st.fixed_dictionaries({"name": texts | names}, optional={"properties": values})
    questions = st.fixed_dictionaries(
        {"subject": entities, "action": actions, "resource": entities}, optional={"context": values}
    )

    @given(questions, max_examples=40)
    def check(question: Any) -> None:
        member.ask("POST", "/access/v1/evaluation", question)
        member.ask("POST", "/access/v1/evaluations", {"evaluations": [question, question]})
        for search in ("subject", "resource", "action"):
            member.ask("POST", f"/access/v1/search/{search}", question)

    check()


@pytest.fixture(autouse=True)
def keys_that_dynamodb_takes(aws: Any) -> Iterator[None]:
    """Fail if a key exceeds DynamoDB's limits, which moto does not enforce."""

    def check(params: dict[str, Any], **_: Any) -> None:
        for name, limit in (("pk", 2048), ("sk", 1024)):
            for key in _texts_of(params, name):
                assert 1 <= len(key.encode()) <= limit, f"{name} has {len(key.encode())} bytes"

    events = dynamodb.client().meta.events
    events.register("provide-client-params.dynamodb", check)
    yield
    events.unregister("provide-client-params.dynamodb", check)


def _texts_of(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key in (name, f":{name}") and isinstance(member, dict) and "S" in member:
                yield member["S"]
            yield from _texts_of(member, name)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_of(each, name)
