"""Role, grant and decision by HTTP, with real tokens, roles and policies.

The unit tests cover the same in process.
"""

import uuid

import pytest

from access.tests.conftest import Ask, evaluation
from tools.laptop.client import Client, Person, claims


def test_a_grant_permits_until_it_is_revoked(ask: Ask, someone: Person, reader: str) -> None:
    thing = uuid.uuid4().hex
    question = evaluation(someone.uid, thing)
    assert ask("POST", "/access/v1/evaluation", question).json["decision"] is False
    made = ask(
        "POST", f"/v1/users/{someone.uid}/grants", {"role": reader, "scope": f"document:{thing}"}
    )
    assert made.status == 201, made.body
    decided = ask("POST", "/access/v1/evaluation", question, X_Request_ID="r-1")
    assert (decided.json["decision"], decided.headers["x-request-id"]) == (True, "r-1")
    assert made.json["id"] in decided.json["context"]["reason_admin"]["en"]
    assert [
        each["id"] for each in ask("GET", f"/v1/grants?resource=document:{thing}").json["items"]
    ] == [made.json["id"]]
    assert ask("DELETE", made.headers["location"], If_Match=made.headers["etag"]).status == 204
    assert ask("POST", "/access/v1/evaluation", question).json["decision"] is False


@pytest.mark.parametrize("past", ["2026-11-28T10:00:00Z", "0044-03-15T00:00:00Z"])
def test_no_grant_ends_before_a_time_in_the_past(ask: Ask, past: str) -> None:
    """Ask the stack, since moto accepts bounds in the wrong order, which DynamoDB refuses."""
    found = ask("GET", f"/v1/grants?expiring_before={past}")
    assert (found.status, found.json["items"]) == (200, [])


def test_a_conditional_grant_is_decided_and_explained(
    ask: Ask, someone: Person, reader: str
) -> None:
    owns = {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]}
    in_sales = {"==": [{"var": "subject.attributes.work.department"}, "sales"]}
    grant = {"role": reader, "scope": "document:*", "condition": {"or": [owns, in_sales]}}
    made = ask("POST", f"/v1/users/{someone.uid}/grants", grant)
    assert (made.status, made.json["condition"]) == (201, grant["condition"])
    question = evaluation(someone.uid, "7")
    assert ask("POST", "/access/v1/evaluation", question).json["decision"] is False
    question["resource"]["properties"] = {"owner": someone.uid}
    assert ask("POST", "/access/v1/evaluation", question).json["decision"] is True
    (shown,) = ask("POST", "/v1/decisions/explain", question).json["grants"]
    assert (shown["id"], shown["result"]) == (made.json["id"], True)
    assert shown["missing"] == ["subject.attributes.work.department"]


def test_a_grant_makes_earlier_tokens_stale(client: Client, ask: Ask, reader: str) -> None:
    person = client.new_member()
    ask("POST", f"/v1/users/{person.uid}/grants", {"role": reader})
    assert ask("GET", f"/v1/users/{person.uid}/grants", person=person).json["code"] == "token_stale"
    renewed = client.sign_in(person)
    assert reader in claims(renewed.token)["roles"].split()
    assert [
        each["role"]
        for each in ask("GET", f"/v1/users/{person.uid}/grants", person=renewed).json["items"]
    ] == [reader]


def test_searches_find_what_evaluations_permit(ask: Ask, someone: Person, reader: str) -> None:
    thing = uuid.uuid4().hex
    ask("POST", f"/v1/users/{someone.uid}/grants", {"role": reader, "scope": f"document:{thing}"})
    question = evaluation(someone.uid, thing)
    resources = ask(
        "POST", "/access/v1/search/resource", {**question, "resource": {"type": "document"}}
    ).json["results"]
    assert {"type": "document", "id": thing} in resources
    assert {"name": "read"} in ask("POST", "/access/v1/search/action", question).json["results"]
    found, token = set(), ""
    while True:  # other tests create administrators, who may do everything
        page = {"token": token} if token else {}
        answer = ask(
            "POST",
            "/access/v1/search/subject",
            {**question, "subject": {"type": "user"}, "page": page},
        ).json
        found |= {each["id"] for each in answer["results"]}
        token = answer["page"]["next_token"]
        if not token:
            break
    assert someone.uid in found


def test_the_metadata_lists_the_endpoints(client: Client) -> None:
    document = client.call("GET", "/.well-known/authzen-configuration").json
    assert (
        document["access_evaluation_endpoint"]
        == f"{document['policy_decision_point']}/access/v1/evaluation"
    )
