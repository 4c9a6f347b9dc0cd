"""Values that users set themselves are never trusted, whatever happens to their namespace."""

from typing import Any

import pytest

from atrium.identity import namespaces
from atrium.stores import user_table
from tests.unit.access.conftest import ADA, ADMIN, Service
from tools.laptop.answer import Answer

ANY: dict[str, Any] = {"If_Match": "*"}
NEW: dict[str, Any] = {"If_None_Match": "*"}


def put_namespace(service: Service, condition: dict[str, Any], **flags: Any) -> None:
    body = {"description": "Plans", "schema": {"type": "object"}, "personal": False} | flags
    answer = service.ask("PUT", "/v1/namespaces/plan", body, **condition)
    assert answer.status < 300, answer.text
    assert "trust" not in answer.json


def own(service: Service) -> None:
    put_namespace(service, ANY, writable_by="self")


def trusted(service: Service) -> None:
    put_namespace(service, ANY, in_token=True)


def created_again(service: Service) -> None:
    assert service.ask("DELETE", "/v1/namespaces/plan", **ANY).status == 204
    put_namespace(service, NEW, in_token=True)


def put(service: Service, value: Any, uid: str = ADMIN, **condition: Any) -> Answer:
    body = {"value": value}
    path = f"/v1/users/{ADA}/attributes/plan/level"
    return service.ask("PUT", path, body, uid=uid, **(condition or ANY))


def patch(service: Service, value: Any) -> Answer:
    body = {"attributes": {"plan": {"level": value}}}
    return service.ask("PATCH", f"/v1/users/{ADA}/attributes", body, **ANY)


def token_attributes() -> dict[str, Any]:
    """Return the attributes of Ada's next token."""
    namespaces.cache.clear()
    return namespaces.in_token(user_table.stored_attributes(ADA))


@pytest.fixture
def plans(service: Service) -> Service:
    """Let Ada set her attribute `plan/level`, while the namespace is writable by its users."""
    service.new_user(ADA)
    put_namespace(service, NEW, writable_by="self")
    assert put(service, "gold", ADA, **NEW).status == 201
    return service


@pytest.mark.parametrize(
    "steps",
    [
        [trusted],
        [created_again],
        [trusted, own, trusted],
        [trusted, created_again],
        [created_again, own, created_again],
    ],
    ids=lambda steps: ", ".join(step.__name__ for step in steps),
)
def test_values_set_under_earlier_rules_are_in_no_token(plans: Service, steps: list[Any]) -> None:
    for step in steps:
        step(plans)
        assert token_attributes() == {}
    assert plans.ask("GET", f"/v1/users/{ADA}/attributes").json["attributes"] == {
        "plan": {"level": "gold"}
    }
    assert put(plans, "gold").status == 200, "an administrator confirms the value by writing it"
    assert token_attributes() == {"plan": {"level": "gold"}}


def test_trusted_values_lose_trust_once_users_could_set_them(plans: Service) -> None:
    trusted(plans)
    put(plans, "silver")
    own(plans)
    assert put(plans, "gold", ADA).status == 200
    trusted(plans)
    assert token_attributes() == {}


def test_a_stale_cached_namespace_trusts_no_value_of_its_owner(plans: Service) -> None:
    """Check a container that for 30 s still has `in_token` in its cache, while users may set
    values.
    """
    trusted(plans)
    put(plans, "silver")
    assert token_attributes() == {"plan": {"level": "silver"}}
    own(plans)
    assert put(plans, "gold", ADA).status == 200
    assert namespaces.in_token(user_table.stored_attributes(ADA)) == {}


def test_a_value_written_during_a_change_of_rules_is_in_no_token(
    plans: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Change the namespace after Ada's request has read the old rules and before it writes."""
    transact, changed = user_table.transact, list[bool]()

    def be_late(items: Any) -> None:
        if not changed:
            changed.append(True)
            trusted(plans)
        transact(items)

    monkeypatch.setattr(user_table, "transact", be_late)
    assert put(plans, "platinum", ADA).status == 200
    assert token_attributes() == {}


def test_other_changes_of_a_namespace_keep_its_values(plans: Service) -> None:
    trusted(plans)
    put(plans, "silver")
    put_namespace(plans, ANY, in_token=True, description="Other", visible_to="nobody")
    assert token_attributes() == {"plan": {"level": "silver"}}


def test_a_patch_confirms_replaced_values_but_not_merged_ones(plans: Service) -> None:
    put(plans, {"name": "gold"}, ADA)
    trusted(plans)
    assert patch(plans, {"until": 2030}).json["attributes"]["plan"]["level"] == {
        "name": "gold",
        "until": 2030,
    }
    assert token_attributes() == {}, "Ada has set its name"
    patch(plans, "silver")
    assert token_attributes() == {"plan": {"level": "silver"}}
    patch(plans, {"name": "bronze"})
    assert token_attributes() == {"plan": {"level": {"name": "bronze"}}}
    patch(plans, {"until": 2031})
    assert token_attributes() == {"plan": {"level": {"name": "bronze", "until": 2031}}}


def test_confirming_a_value_makes_tokens_stale_once(plans: Service) -> None:
    trusted(plans)
    before = plans.epoch(ADA)
    for _ in range(2):
        assert put(plans, "gold").status == 200
    assert plans.epoch(ADA) == before + 1


def test_values_of_earlier_releases_keep_their_trust(plans: Service) -> None:
    trusted(plans)
    put(plans, "gold")
    for pk, sk in (("NAMESPACES", "plan"), (f"U#{ADA}", "ATTR#plan#level")):
        item = plans.item(pk, sk) or {}
        del item["trust"]
        plans.put(**item)
    assert token_attributes() == {"plan": {"level": "gold"}}
    own(plans)
    trusted(plans)
    assert token_attributes() == {}


def test_untrusted_values_take_no_space_in_a_token(plans: Service) -> None:
    put(plans, "x" * 1400, ADA)
    trusted(plans)
    path = f"/v1/users/{ADA}/attributes/plan/other"
    assert plans.ask("PUT", path, {"value": "y" * 1400}, **NEW).status == 201
    assert put(plans, "x" * 1400).status == 422
