"""Attributes and their namespaces, by HTTP."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from atrium.identity import namespaces, token_size
from atrium.stores import dynamodb, user_table
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tests.unit.concurrent_writers import WRITERS, Crowd
from tests.unit.conftest import TABLE
from tools.laptop.answer import Answer

SCHEMA = {
    "type": "object",
    "properties": {
        "nickname": {"type": "string", "maxLength": 10},
        "age": {"type": "integer", "minimum": 0},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "additionalProperties": False,
}


def put_namespace(
    service: Service, name: str, condition: str = "If_None_Match", tag: str = "*", **more: Any
) -> Answer:
    body = {"description": name, "schema": SCHEMA, "personal": True} | more
    conditions: dict[str, Any] = {condition: tag}
    return service.ask("PUT", f"/v1/namespaces/{name}", body, **conditions)


@pytest.fixture
def profiles(service: Service) -> Service:
    """Prepare two users and three namespaces: `own`, one that only administrators see, one in
    tokens.
    """
    for uid in (ADA, BOB):
        service.new_user(uid)
    assert put_namespace(service, "profile", writable_by="self").status == 201
    assert put_namespace(service, "notes", visible_to="nobody").status == 201
    assert put_namespace(service, "plan", in_token=True).status == 201
    return service


def change(
    service: Service, uid: str, attributes: Any, tag: str = "*", caller: str = ADMIN
) -> Answer:
    return service.ask(
        "PATCH", f"/v1/users/{uid}/attributes", {"attributes": attributes}, uid=caller, If_Match=tag
    )


def read(service: Service, uid: str, caller: str = ADMIN) -> Any:
    return service.ask("GET", f"/v1/users/{uid}/attributes", uid=caller).json["attributes"]


def test_several_attributes_change_together(profiles: Service) -> None:
    changed = change(
        profiles, ADA, {"profile": {"nickname": "Countess", "age": 36}, "notes": {"nickname": "n"}}
    )
    assert changed.status == 200
    assert changed.json["attributes"] == {
        "profile": {"nickname": "Countess", "age": 36},
        "notes": {"nickname": "n"},
    }
    assert read(profiles, ADA) == changed.json["attributes"]
    merged = change(
        profiles, ADA, {"profile": {"age": None, "address": {"city": "London"}}, "notes": None}
    )
    assert merged.json["attributes"] == {
        "profile": {"nickname": "Countess", "address": {"city": "London"}}
    }


def test_a_patch_changes_all_attributes_or_none(profiles: Service) -> None:
    refused = change(profiles, ADA, {"profile": {"nickname": "Countess"}, "notes": {"age": -1}})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/attributes/notes/age")
    assert read(profiles, ADA) == {}


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"profile": {"nickname": 7}}, "#/attributes/profile/nickname"),
        ({"profile": {"nickname": "x" * 11}}, "#/attributes/profile/nickname"),
        ({"profile": {"unheard_of": 1}}, "#/attributes/profile/unheard_of"),
        ({"profile": {"No Name": 1}}, "#/attributes/profile/No Name"),
        ({"profile": {"address": {"city": "x" * 9000}}}, "#/attributes/profile/address"),
        ({"unheard_of": {"x": 1}}, "#/attributes/unheard_of"),
        ({"profile": 7}, "#/attributes/profile"),
    ],
)
def test_an_invalid_value_is_named_in_the_error(
    profiles: Service, attributes: Any, pointer: str
) -> None:
    refused = change(profiles, ADA, attributes)
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (
        422,
        [pointer],
    )


def test_a_namespace_decides_who_reads_and_writes_its_values(profiles: Service) -> None:
    change(
        profiles,
        ADA,
        {"profile": {"age": 36}, "notes": {"nickname": "n"}, "plan": {"nickname": "gold"}},
    )
    assert read(profiles, ADA, ADA) == {"profile": {"age": 36}, "plan": {"nickname": "gold"}}
    assert profiles.ask("GET", f"/v1/users/{ADA}/attributes", uid=BOB).status == 404
    assert change(profiles, ADA, {"profile": {"age": 37}}, caller=ADA).status == 200
    for namespace in ("notes", "plan"):
        refused = change(profiles, ADA, {namespace: {"age": 1}}, caller=ADA)
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (
            422,
            f"#/attributes/{namespace}",
        )
    path = f"/v1/users/{ADA}/attributes/notes/nickname"
    assert [profiles.ask("GET", path, uid=uid).status for uid in (ADMIN, ADA)] == [200, 404]
    assert profiles.ask("PUT", path, {"value": "x"}, uid=ADA, If_Match="*").status == 404
    assert profiles.ask("DELETE", path, uid=ADA, If_Match="*").status == 404


def test_a_single_attribute_is_created_changed_and_deleted(profiles: Service) -> None:
    path = f"/v1/users/{ADA}/attributes/profile/nickname"
    assert profiles.ask("GET", path).status == 404
    for missing in (
        profiles.ask("PUT", path, {"value": "Ada"}, If_Match="*"),
        profiles.ask("DELETE", path, If_Match="*"),
    ):
        assert (missing.status, missing.json["code"]) == (404, "attribute_not_found")
    made = profiles.ask("PUT", path, {"value": "Ada"}, If_None_Match="*")
    assert (made.status, made.json) == (
        201,
        {"namespace": "profile", "name": "nickname", "value": "Ada", "version": 1},
    )
    assert (
        profiles.ask("PUT", path, {"value": "Ada"}, If_None_Match="*").json["code"]
        == "attribute_exists"
    )
    changed = profiles.ask("PUT", path, {"value": "Countess"}, If_Match=made.headers["etag"])
    assert (changed.status, profiles.ask("GET", path).json) == (200, changed.json)
    assert profiles.ask("PUT", path, {"value": "x"}, If_Match=made.headers["etag"]).status == 412
    refused = profiles.ask("PUT", path, {"value": 7}, If_Match="*")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/value")
    assert profiles.ask("DELETE", path).status == 428
    assert profiles.ask("DELETE", path, If_Match=changed.headers["etag"]).status == 204
    assert profiles.ask("GET", path).status == 404


def test_every_json_value_comes_back_as_it_was(service: Service) -> None:
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"})
    values = {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": [1, [], {"e": {}}],
        "f": "",
        "g": -0.25,
        "h": {"i": [False, "é"]},
        "j": 2**53 - 1,
        "k": 5e-324,
        "l": 1e-131,
        "m": -0.0,
        "n": 0.1 + 0.2,
    }
    assert change(service, ADA, {"any": values}).status == 200
    assert json.dumps(read(service, ADA)) == json.dumps({"any": values}), "-0.0 is 0.0 to Python"


@pytest.mark.parametrize(
    "value", [{"": 0}, {"a": {"": [1]}}, [{"": {"": ""}}], {"": {"": {"": {}}}}]
)
def test_an_empty_member_name_is_stored_read_and_deleted(service: Service, value: Any) -> None:
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"}, writable_by="self")
    path = f"/v1/users/{ADA}/attributes/any/x"
    assert service.ask("PUT", path, {"value": value}, uid=ADA, If_None_Match="*").status == 201
    assert service.ask("GET", path, uid=ADA).json["value"] == value
    assert user_table.attributes(ADA) == {"any": {"x": value}}
    assert change(service, ADA, {"any": {"y": value}}).json["attributes"] == {
        "any": {"x": value, "y": value}
    }
    assert service.ask("DELETE", path, If_Match="*").status == 204
    assert read(service, ADA) == {"any": {"y": value}}


def test_a_typed_value_of_an_earlier_version_is_read_and_replaced(profiles: Service) -> None:
    profiles.table.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": f"U#{ADA}"},
            "sk": {"S": "ATTR#profile#address"},
            "value": {"M": {"city": {"S": "London"}}},
            "version": {"N": "3"},
        },
    )
    assert read(profiles, ADA) == {"profile": {"address": {"city": "London"}}}
    merged = change(profiles, ADA, {"profile": {"address": {"city": "Paris"}}})
    assert merged.json["attributes"] == {"profile": {"address": {"city": "Paris"}}}
    assert profiles.ask("GET", f"/v1/users/{ADA}/attributes/profile/address").json["version"] == 4


BROKEN = [
    {"value": "{", "encoding": "json"},
    {"encoding": "json"},
    {},
    {"value": 7, "encoding": "json"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_unreadable_value_does_not_block_other_values(
    service: Service, broken: dict[str, Any]
) -> None:
    service.new_user(ADA)
    put_namespace(
        service, "profile", schema=SCHEMA | {"required": ["nickname"]}, writable_by="self"
    )
    service.put(pk=f"U#{ADA}", sk="ATTR#profile#nickname", version=1, **broken)
    path = f"/v1/users/{ADA}/attributes/profile/nickname"
    assert (service.ask("GET", path).status, read(service, ADA, ADA)) == (404, {"profile": {}})
    assert user_table.attributes(ADA) == {}
    assert change(service, ADA, {"profile": {"age": 1}}, caller=ADA).status == 422, (
        "nickname is required"
    )
    assert (
        service.ask("PUT", path, {"value": "Ada"}, uid=ADA, If_None_Match="*").json["version"] == 2
    )
    service.put(pk=f"U#{ADA}", sk="ATTR#profile#nickname", version=1, **broken)
    assert service.ask("PUT", path, {"value": "Ada"}, uid=ADA, If_Match="*").json["version"] == 2
    service.put(pk=f"U#{ADA}", sk="ATTR#profile#nickname", version=1, **broken)
    assert service.ask("DELETE", path, uid=ADA, If_Match="*").status == 204
    assert service.item(f"U#{ADA}", "ATTR#profile#nickname") is None


def test_only_a_patch_that_clears_an_unreadable_value_deletes_it(profiles: Service) -> None:
    for patch in ({"profile": {"nickname": None}}, {"profile": None}):
        profiles.put(pk=f"U#{ADA}", sk="ATTR#profile#nickname", version=1)
        assert change(profiles, ADA, {"profile": {"age": 1}}).json["attributes"] == {
            "profile": {"age": 1}
        }
        assert profiles.item(f"U#{ADA}", "ATTR#profile#nickname") is not None, (
            "nobody asked to delete it"
        )
        assert change(profiles, ADA, patch).status == 200
        assert profiles.item(f"U#{ADA}", "ATTR#profile#nickname") is None


@pytest.mark.parametrize(
    "broken", [{"schema": "{"}, {"schema": "[]"}, {"visible_to": "everyone"}, {"personal": "no"}]
)
def test_an_unreadable_namespace_is_closed_and_can_be_deleted(
    profiles: Service, broken: Any
) -> None:
    change(profiles, ADA, {"profile": {"age": 1}, "plan": {"age": 2}})
    item = profiles.item(namespaces.PK, "plan")
    profiles.put(**(item or {}) | broken)
    namespaces.cache.clear()
    assert read(profiles, ADA, ADA) == {"profile": {"age": 1}}
    assert namespaces.in_token(user_table.stored_attributes(ADA)) == {}
    assert profiles.ask("GET", "/v1/namespaces").status == 200
    assert profiles.ask("DELETE", "/v1/namespaces/plan", If_Match="*").status == 204


def test_values_that_only_python_considers_equal_are_different(profiles: Service) -> None:
    put_namespace(profiles, "any", schema={"type": "object"})
    for value in (1, True, [1], [True], {"a": 0}, {"a": False}):
        changed = change(profiles, ADA, {"any": {"x": value}}).json["attributes"]
        assert (
            json.dumps(changed)
            == json.dumps(read(profiles, ADA))
            == json.dumps({"any": {"x": value}})
        )
    change(profiles, ADA, {"profile": {"age": 1}})
    assert change(profiles, ADA, {"profile": {"age": True}}).status == 422


def test_an_old_version_is_412(profiles: Service) -> None:
    tag = profiles.ask("GET", f"/v1/users/{ADA}/attributes").headers["etag"]
    assert change(profiles, ADA, {"profile": {"age": 1}}, tag).status == 200
    assert change(profiles, ADA, {"profile": {"age": 2}}, tag).status == 412
    assert read(profiles, ADA) == {"profile": {"age": 1}}
    service = profiles.ask("PATCH", f"/v1/users/{ADA}/attributes", {"attributes": {}})
    assert service.status == 428


def test_the_etag_covers_what_the_caller_sees(profiles: Service) -> None:
    def tag(caller: str) -> str:
        return profiles.ask("GET", f"/v1/users/{ADA}/attributes", uid=caller).headers["etag"]

    change(profiles, ADA, {"profile": {"age": 1}})
    before = tag(ADA), tag(ADMIN)
    change(profiles, ADA, {"notes": {"age": 1}})
    assert (tag(ADA) == before[0], tag(ADMIN) == before[1]) == (True, False), (
        "Ada cannot see `notes`"
    )
    assert change(profiles, ADA, {"profile": {"age": 2}}, before[0], ADA).status == 200
    assert change(profiles, ADA, {"profile": {"age": 3}}, before[0], ADA).status == 412
    assert change(profiles, ADA, {"profile": {"age": 3}}, before[1]).status == 412


def test_the_tag_of_a_deleted_attribute_does_not_match_a_new_one(profiles: Service) -> None:
    path = f"/v1/users/{ADA}/attributes/profile/nickname"
    old = profiles.ask("PUT", path, {"value": "Ada"}, If_None_Match="*")
    assert profiles.ask("DELETE", path, If_Match=old.headers["etag"]).status == 204
    new = profiles.ask("PUT", path, {"value": "Countess"}, If_None_Match="*")
    assert old.json["version"] == new.json["version"] == 1
    assert profiles.ask("PUT", path, {"value": "x"}, If_Match=old.headers["etag"]).status == 412
    assert profiles.ask("DELETE", path, If_Match=old.headers["etag"]).status == 412


def test_only_values_that_change_count_towards_the_limit(service: Service) -> None:
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"})
    many = {f"a{number}": number for number in range(91)}
    refused = change(service, ADA, {"any": many})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/attributes")
    last = many.popitem()[0]
    assert change(service, ADA, {"any": many}).status == 200
    path = f"/v1/users/{ADA}/attributes/any/{last}"
    assert service.ask("PUT", path, {"value": 1}, If_None_Match="*").status == 201
    assert service.ask("PUT", path, {"value": 2}, If_Match="*").status == 200
    assert change(service, ADA, {"any": {"a0": 7}}).status == 200
    assert service.ask("DELETE", path, If_Match="*").status == 204


def test_all_values_of_a_user_together_are_bounded(service: Service) -> None:
    """Check the limit that keeps each sign-in's read of them small."""
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"})
    full = {f"a{number}": "x" * 8000 for number in range(65)}
    assert change(service, ADA, {"any": full}).status == 200
    path = f"/v1/users/{ADA}/attributes/any"
    refused = service.ask("PUT", f"{path}/b", {"value": "x" * 8000}, If_None_Match="*")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/value")
    assert service.ask("PUT", f"{path}/a0", {"value": "x" * 7000}, If_Match="*").status == 200
    assert service.ask("DELETE", f"{path}/a0", If_Match="*").status == 204
    assert service.ask("PUT", f"{path}/b", {"value": "x" * 8000}, If_None_Match="*").status == 201


@pytest.mark.parametrize("text", ["x", "é", "🙂", '"'])
def test_a_value_too_large_for_the_token_is_refused(profiles: Service, text: str) -> None:
    put_namespace(profiles, "told", in_token=True, schema={"type": "object"})
    path = f"/v1/users/{ADA}/attributes/told"
    small, large = text * 80, text * 2000
    assert profiles.ask("PUT", f"{path}/a", {"value": small}, If_None_Match="*").status == 201
    refused = profiles.ask("PUT", f"{path}/b", {"value": large}, If_None_Match="*")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/value")
    assert change(profiles, ADA, {"told": {"b": large}}).status == 422
    assert change(profiles, ADA, {"profile": {"nickname": "x"}}).status == 200


def test_a_value_that_became_too_large_for_the_token_can_shrink(
    profiles: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check values from before a release that lowers the limit."""
    put_namespace(profiles, "told", in_token=True, schema={"type": "object"})
    with monkeypatch.context() as earlier:
        earlier.setattr(token_size, "MAX_ATTRIBUTES", 9000)
        assert change(profiles, ADA, {"told": {"a": "x" * 3000, "b": "x" * 3000}}).status == 200
    assert change(profiles, ADA, {"told": {"a": "y" * 3001}}).status == 422
    assert change(profiles, ADA, {"told": {"a": "y" * 2999}}).status == 200
    assert change(profiles, ADA, {"told": {"a": None}}).status == 200
    assert change(profiles, ADA, {"profile": {"nickname": "x"}}).status == 200


def test_a_required_attribute_cannot_be_deleted(service: Service) -> None:
    service.new_user(ADA)
    put_namespace(service, "profile", schema=SCHEMA | {"required": ["nickname"]})
    assert change(service, ADA, {"profile": {"age": 1}}).status == 422
    assert change(service, ADA, {"profile": {"nickname": "Ada"}}).status == 200
    assert (
        service.ask("DELETE", f"/v1/users/{ADA}/attributes/profile/nickname", If_Match="*").status
        == 422
    )


def test_one_of_many_writers_of_one_version_wins(profiles: Service, patient_crowd: Crowd) -> None:
    tag = profiles.ask("GET", f"/v1/users/{ADA}/attributes").headers["etag"]
    writes = [
        partial(change, profiles, ADA, {"profile": {"age": age}}, tag) for age in range(WRITERS)
    ]
    answers = patient_crowd.at_once(writes)
    assert Counter(answer.status for answer in answers) == {200: 1, 412: WRITERS - 1}


@pytest.mark.trials
def test_concurrent_writers_of_different_values_lose_no_update(
    service: Service, patient_crowd: Crowd
) -> None:
    """Each writer sets its own value with `If-Match: *` or gets a conflict."""
    service.new_user(ADA)
    put_namespace(service, "any", schema={"type": "object"})
    writes = [
        partial(change, service, ADA, {"any": {f"a{number}": number}}) for number in range(WRITERS)
    ]
    with ThreadPoolExecutor(WRITERS) as pool:
        answers = [future.result() for future in [pool.submit(write) for write in writes]]
    assert {answer.status for answer in answers} <= {200, 503}
    written = {
        f"a{number}": number for number, answer in enumerate(answers) if answer.status == 200
    }
    assert read(service, ADA)["any"] == written
    assert len(written) > WRITERS // 2


def test_the_audit_event_of_a_change_has_no_values(profiles: Service) -> None:
    change(profiles, ADA, {"profile": {"nickname": "Countess", "age": 36}})
    [trail] = [item for item in profiles.items("AUDIT#") if item["action"] == "attributes.changed"]
    assert (trail["uid"], trail["actor"]) == (ADA, ADMIN)
    assert trail["changes"] == '{"fields":["profile.age","profile.nickname"]}'


def test_a_changed_value_in_tokens_makes_them_stale(profiles: Service) -> None:
    change(profiles, ADA, {"profile": {"age": 36}})
    assert profiles.epoch(ADA) == 1
    change(profiles, ADA, {"plan": {"nickname": "gold"}})
    assert profiles.epoch(ADA) == 2
    stored = user_table.stored_attributes(ADA)
    assert namespaces.in_token(stored) == {"plan": {"nickname": "gold"}}
    seen = namespaces.visible_to_user(user_table.by_namespace(stored))
    assert seen.keys() == {"plan", "profile"}


def test_attributes_of_an_unknown_user_are_404(profiles: Service) -> None:
    assert profiles.ask("GET", f"/v1/users/{EVE}/attributes").status == 404
    assert change(profiles, EVE, {"profile": {"age": 1}}).status == 404


def test_a_namespace_is_changed_and_deleted(profiles: Service) -> None:
    change(profiles, ADA, {"profile": {"age": 1}})
    read_one = profiles.ask("GET", "/v1/namespaces/profile")
    changed = put_namespace(
        profiles, "profile", "If_Match", read_one.headers["etag"], description="More"
    )
    assert (changed.status, changed.json["version"]) == (200, 2)
    assert put_namespace(profiles, "profile", "If_Match", read_one.headers["etag"]).status == 412
    assert put_namespace(profiles, "profile").json["code"] == "namespace_exists"
    listed = profiles.ask("GET", "/v1/namespaces", query={"limit": "2"}).json
    assert [each["namespace"] for each in listed["items"]] == ["notes", "plan"]
    assert (
        profiles.ask("DELETE", "/v1/namespaces/profile", If_Match=changed.headers["etag"]).status
        == 204
    )
    assert profiles.ask("GET", "/v1/namespaces/profile").status == 404
    namespaces.cache.clear()
    assert read(profiles, ADA) == {}


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "string"}, "#/schema"),
        (
            {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/x"}}},
            "#/schema/properties/a/$ref",
        ),
        (
            {"type": "object", "properties": {"a": {"maxLenght": 3}}},
            "#/schema/properties/a/maxLenght",
        ),
        (
            {"type": "object", "properties": {"a": {"format": "nope"}}},
            "#/schema/properties/a/format",
        ),
        ({"type": "object", "properties": {"a": {"type": "strin"}}}, "#/schema/properties/a/type"),
        (
            {"type": "object", "properties": {"a": {"pattern": "("}}},
            "#/schema/properties/a/pattern",
        ),
        (
            {"type": "object", "properties": {"a": {"minimum": "x"}}},
            "#/schema/properties/a/minimum",
        ),
        (
            {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, 3]}}},
            "#/schema/properties/a/anyOf/1",
        ),
        ({"type": "object", "description": "x" * 20_000}, "#/schema"),
    ],
)
def test_an_unsupported_schema_is_refused_with_its_pointer(
    service: Service, schema: Any, pointer: str
) -> None:
    refused = put_namespace(service, "profile", schema=schema)
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (
        422,
        [pointer],
    )


def test_an_unreachable_table_is_503(profiles: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(**_: Any) -> Any:
        raise BotoCoreError

    for operation in ("query", "transact_write_items"):
        with monkeypatch.context() as patch:
            patch.setattr(dynamodb.client(), operation, down)
            answer = change(profiles, ADA, {"profile": {"age": 1}})
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert read(profiles, ADA) == {}
