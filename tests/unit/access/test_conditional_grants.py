"""Grants with a condition: their routes, decisions, searches, and what their holders can grant."""

import json
from typing import Any

import pytest

from access import search
from atrium.identity import decision, namespaces, personal_items, rights
from atrium.identity.grant_items import Grant
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tools.laptop.answer import Answer

OWNS = {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]}
IN_SALES = {"==": [{"var": "subject.attributes.work.department"}, "sales"]}
NOT_7 = {"!=": [{"var": "resource.id"}, "7"]}


@pytest.fixture
def people(service: Service) -> Service:
    for uid in (ADA, BOB, EVE):
        service.new_user(uid)
    service.new_role("reader", "document.read")
    service.new_role("clerk", "access.write")
    return service


def grant(service: Service, condition: Any, uid: str = ADA, **more: Any) -> Answer:
    body = {"role": "reader", "scope": "document:*", "condition": condition} | more
    return service.post(f"/v1/users/{uid}/grants", body)


def question(uid: str = ADA, thing: str = "7", **stated: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": uid, "properties": stated.get("subject", {})},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": thing, "properties": stated.get("resource", {})},
        "context": stated.get("context", {}),
    }


def ask(service: Service, endpoint: str, body: Any) -> Any:
    answer = service.ask("POST", f"/access/v1/{endpoint}", body)
    assert answer.status == 200, answer.text
    return answer.json


def permitted(service: Service, **asked: Any) -> bool:
    return bool(ask(service, "evaluation", question(**asked))["decision"])


def test_a_condition_is_shown_and_survives_a_new_end(people: Service) -> None:
    made = grant(people, OWNS)
    assert (made.status, made.json["condition"]) == (201, OWNS)
    path = made.headers["location"]
    end = {"expires_at": "2100-01-01T00:00:00Z"}
    assert people.ask("PUT", path, end, If_Match="*").json["condition"] == OWNS
    assert people.ask("GET", path).json["condition"] == OWNS
    of_resource = people.ask("GET", "/v1/grants", query={"resource": "document:*"})
    assert [each["condition"] for each in of_resource.json["items"]] == [OWNS]
    assert not permitted(people, resource={"owner": BOB})
    assert permitted(people, resource={"owner": ADA})


@pytest.mark.parametrize(
    ("condition", "scope", "pointer"),
    [
        (OWNS, "*", "#/condition"),
        ({"matches": []}, "document:*", "#/condition"),
        ({"==": [1, {"var": "env.HOME"}]}, "document:*", "#/condition/==/1"),
        ("true", "document:*", "#/condition"),
    ],
)
def test_an_invalid_condition_is_refused(
    people: Service, condition: Any, scope: str, pointer: str
) -> None:
    refused = grant(people, condition, scope=scope)
    assert refused.status == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]
    assert people.items(f"G#{ADA}") == []


def test_only_values_of_namespaces_in_tokens_count(people: Service) -> None:
    grant(people, IN_SALES)
    schema = {"type": "object", "properties": {"department": {"type": "string"}}}
    draft = {"description": "Work", "schema": schema, "personal": False, "in_token": True}
    assert people.ask("PUT", "/v1/namespaces/work", draft, If_None_Match="*").status == 201
    forged = {"attributes": {"work": {"department": "sales"}}}
    assert not permitted(people, subject=forged)
    value = {"value": "sales"}
    path = f"/v1/users/{ADA}/attributes/work/department"
    assert people.ask("PUT", path, value, If_None_Match="*").status in (200, 201)
    assert permitted(people)
    closed = draft | {"in_token": False}
    assert people.ask("PUT", "/v1/namespaces/work", closed, If_Match="*").status == 200
    namespaces.cache.clear()
    assert not permitted(people)


def test_each_evaluation_has_its_own_context_or_the_default(people: Service) -> None:
    grant(people, {"<": [{"var": "context.amount"}, 100]})
    parts = [
        {},
        {"context": {"amount": 100}},
        {"context": {}},
        {"resource": {"type": "order", "id": "7"}},
    ]
    asked = question(context={"amount": 99}) | {"evaluations": parts}
    decided = ask(people, "evaluations", asked)["evaluations"]
    assert [each["decision"] for each in decided] == [True, False, False, False]
    single = question(context={"amount": 99}) | {"evaluations": []}
    assert ask(people, "evaluations", single)["decision"]


def test_administrators_see_which_condition_is_not_true(people: Service) -> None:
    made = grant(people, OWNS).json["id"]
    heard = ask(people, "evaluation", question())["context"]["reason_admin"]["en"]
    assert heard.endswith(f"; the condition of {made} is not true.")


def explained(service: Service, body: Any) -> Any:
    answer = service.ask("POST", "/v1/decisions/explain", body)
    assert answer.status == 200, answer.text
    return answer.json


def test_an_explanation_shows_grants_roles_conditions_and_values(people: Service) -> None:
    made = grant(people, {"and": [OWNS, IN_SALES]}).json["id"]
    people.grant(ADA, "document:7", action="write")
    found = explained(people, question(resource={"owner": ADA}))
    assert found["decision"] is False
    assert found["reason"].endswith(f"the condition of {made} is not true.")
    (shown,) = found["grants"]
    assert (shown["id"], shown["role"], shown["through"]) == (made, "reader", "reader")
    assert (shown["condition"], shown["result"]) == ({"and": [OWNS, IN_SALES]}, None)
    assert shown["values"] == {"resource.owner": ADA, "subject.id": ADA}
    assert shown["missing"] == ["subject.attributes.work.department"]
    found = explained(people, question(resource={"owner": BOB}))
    assert [each["result"] for each in found["grants"]] == [False]
    plain = people.grant(ADA, role="reader")
    found = explained(people, question())
    assert (found["decision"], found["reason"]) == (
        True,
        f"Allowed by grant {plain} through role reader.",
    )
    assert {each["id"]: each["result"] for each in found["grants"]} == {made: None, plain: True}


def test_every_evaluation_can_be_explained(people: Service) -> None:
    """Check values that other bodies refuse, but AuthZEN accepts."""
    people.grant(ADA, role="reader")
    for value in (1e308, 2**60, "a\u0000b"):
        asked = question(context={"value": value})
        assert explained(people, asked)["decision"] is ask(people, "evaluation", asked)["decision"]


def test_the_audit_trail_says_that_a_grant_has_a_condition(people: Service) -> None:
    made = grant(people, OWNS)
    assert people.ask("DELETE", made.headers["location"], If_Match="*").status == 204
    grant(people, None)
    trail = sorted(people.items("AUDIT#"), key=lambda item: str(item["pk"]))
    marked = [json.loads(item["changes"]).get("conditional") for item in trail]
    assert marked == [True, True, None]


def test_only_administrators_get_an_explanation(people: Service) -> None:
    people.new_role("gatekeeper", "access.read")
    people.grant(BOB, role="gatekeeper")
    refused = people.ask("POST", "/v1/decisions/explain", question(), uid=BOB, roles="gatekeeper")
    assert refused.status == 403
    unknown = people.ask("POST", "/v1/decisions/explain", question() | {"subjects": 1})
    assert (unknown.status, unknown.json["errors"][0]["pointer"]) == (422, "#/subjects")
    assert explained(people, question(uid="nobody"))["grants"] == []


def test_a_search_finds_what_conditions_permit(people: Service) -> None:
    for uid in (ADA, BOB):
        grant(people, OWNS, uid)
    found = ask(people, "search/subject", question(resource={"owner": BOB}))
    assert [each["id"] for each in found["results"] if each["id"] in (ADA, BOB)] == [BOB]
    for owner, actions in ((ADA, ["read"]), (BOB, [])):
        found = ask(people, "search/action", question(resource={"owner": owner}))
        assert [each["name"] for each in found["results"]] == actions


def test_a_page_of_a_search_evaluates_a_bounded_number_of_users(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_CANDIDATES", 2)
    for uid in (ADA, BOB, EVE):
        grant(people, OWNS, uid)
    asked, pages = question(resource={"owner": EVE}), list[list[str]]()
    token = ""
    while token or not pages:
        found = ask(people, "search/subject", asked | {"page": {"token": token} if token else {}})
        pages.append([each["id"] for each in found["results"]])
        token = found["page"]["next_token"]
    # candidates of the first page: administrator and Ada; of the second: Bob and Eve
    assert pages == [[ADMIN], [EVE], []]


def test_a_condition_on_the_id_does_not_permit_all_resources(people: Service) -> None:
    grant(people, NOT_7)
    for thing in ("7", "8"):
        people.grant(ADA, f"document:{thing}", action="write")
    asked = question(resource={"id": "8"})
    assert not permitted(people, resource={"id": "8"}), "a property replaces no id"
    found = ask(people, "search/resource", asked)
    assert [each["id"] for each in found["results"]] == ["8"]
    assert "all" not in found.get("context", {})


def test_a_conditional_right_cannot_be_delegated(people: Service) -> None:
    people.grant(BOB, role="clerk")
    grant(people, OWNS, BOB)
    body = {"role": "reader", "scope": "document:7"}
    for given in (body, body | {"condition": OWNS}):
        refused = people.post(f"/v1/users/{EVE}/grants", given, uid=BOB, roles="clerk")
        assert (refused.status, refused.json["code"]) == (403, "rights_exceeded")
    people.grant(BOB, "document:7", role="reader")
    allowed = people.post(
        f"/v1/users/{EVE}/grants", body | {"condition": OWNS}, uid=BOB, roles="clerk"
    )
    assert allowed.status == 201


def test_an_earlier_release_does_not_read_a_conditional_grant_as_unconditional(
    people: Service,
) -> None:
    """Read the stored copies as a release from before conditions does."""
    document = "document:7"
    assert grant(people, OWNS, scope=document).status == 201
    copies = [item for item in people.items("") if item.get("role") == "reader"]
    assert len(copies) == 2
    for item in copies:
        read = Grant("", item["scope"], "reader")
        assert not decision.covers(read.scope, decision.Resource("document", "7"))
        assert not rights.contains(read, Grant("", document, "reader")), "the holder may grant it"
        assert not rights.contains(Grant("", document, "reader"), read), "others may change them"


def test_an_export_shows_the_scope_of_a_conditional_grant(people: Service) -> None:
    grant(people, OWNS)
    shown = personal_items.exported(personal_items.find(ADA, []))
    [of_role] = shown["grants_of_roles"]
    [on_resource] = shown["grants_on_resources"]
    assert of_role["scope"] == on_resource["scope"] == "document:*"
