"""The certification scenario of the AuthZEN 1.0 working group, by HTTP: Basic, Batch, Search (Core
each) and Discovery.

https://github.com/openid/authzen/blob/main/certification/authorization-api-1_0-scenario.md, whose
numbers the tests have. Its levels "Properties" demand decisions by properties in the request; ours
depend on the table (docs/authzen.md).
"""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from access.tests.conftest import Ask
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person

READ, WRITE = {"name": "read"}, {"name": "write"}
Post = Callable[..., Answer]


@dataclass(frozen=True)
class Fixture:
    """The fixture of section 1: alice may read and write record-1, bob may read it.

    Their ids are those of users.
    """

    post: Post
    alice: dict[str, Any]
    bob: dict[str, Any]
    record: dict[str, Any]
    other: dict[str, Any]

    def question(self, **parts: Any) -> dict[str, Any]:
        """Return the question of rule 1 with some members replaced; None removes a member."""
        asked = {"subject": self.alice, "action": READ, "resource": self.record} | parts
        return {name: part for name, part in asked.items() if part is not None}

    def everything(self, endpoint: str, **parts: Any) -> list[dict[str, Any]]:
        """Return the results of all pages, as section 4.5.2 describes."""
        found, token = list[dict[str, Any]](), ""
        while True:
            page = {"token": token} if token else {"limit": 100}
            answer = self.post(endpoint, self.question(page=page, **parts))
            assert (answer.status, type(answer.json["results"])) == (200, list)
            found += answer.json["results"]
            token = answer.json["page"]["next_token"]
            if not token:
                return found


@pytest.fixture(scope="module")
def fixture(client: Client, ask: Ask) -> Fixture:
    name = uuid.uuid4().hex[:8]
    people = [client.new_member() for _ in range(2)]
    for role, held in ((f"reads-{name}", "record.read"), (f"writes-{name}", "record.write")):
        body = {"description": role, "permissions": [held]}
        assert ask("PUT", f"/v1/roles/{role}", body, If_None_Match="*").status == 201
    for person, role in ((people[0], "reads"), (people[0], "writes"), (people[1], "reads")):
        grant = {"role": f"{role}-{name}", "scope": f"record:record-1-{name}"}
        assert ask("POST", f"/v1/users/{person.uid}/grants", grant).status == 201

    def post(endpoint: str, body: Any, **headers: str) -> Answer:
        return ask("POST", f"/access/v1/{endpoint}", body, **headers)

    alice, bob = ({"type": "user", "id": person.uid} for person in people)
    record, other = ({"type": "record", "id": f"record-{number}-{name}"} for number in (1, 2))
    return Fixture(post, alice, bob, record, other)


CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}


def test_2_2_fixture_requests_are_decided(fixture: Fixture) -> None:
    rules = [
        (fixture.alice, READ),
        (fixture.alice, WRITE),
        (fixture.bob, READ),
        (fixture.bob, WRITE),
    ]
    answers = [
        fixture.post("evaluation", fixture.question(subject=who, action=what))
        for who, what in rules
    ]
    assert [answer.json["decision"] for answer in answers] == [True, True, True, False]
    assert {answer.status for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


def test_2_2_optional_members_change_nothing(fixture: Fixture) -> None:
    more = {"department": "Sales", "role": "manager"}
    described = fixture.question(
        subject=fixture.alice | {"properties": more},
        action=READ | {"properties": {"method": "GET"}},
        resource=fixture.record | {"properties": {"status": "active"}},
    )
    unknown = fixture.question(foo="bar", futureField={"nested": True})
    for body in (fixture.question(context=CONTEXT), described, unknown):
        answer = fixture.post("evaluation", body)
        assert (answer.status, answer.json["decision"]) == (200, True)


@pytest.mark.parametrize("part", ["subject", "action", "resource"])
def test_2_4_1_a_missing_required_member_is_400(fixture: Fixture, part: str) -> None:
    assert fixture.post("evaluation", fixture.question(**{part: None})).status == 400


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("subject", {"id": "alice"}),
        ("subject", {"type": "user"}),
        ("action", {}),
        ("resource", {"id": "record-1"}),
        ("resource", {"type": "record"}),
        ("subject", "alice"),
        ("action", {"name": 123}),
    ],
)
def test_2_4_2_and_2_4_6_a_member_of_another_type_is_400(
    fixture: Fixture, part: str, value: Any
) -> None:
    assert fixture.post("evaluation", fixture.question(**{part: value})).status == 400


def test_2_4_3_to_2_4_5_a_malformed_body_is_400(
    fixture: Fixture, client: Client, admin: Person
) -> None:
    good = json.dumps(fixture.question()).encode()
    for body, kind in ((good, "text/plain"), (b"{", "application/json"), (b"", "application/json")):
        headers = {"Authorization": f"Bearer {admin.token}", "Content-Type": kind}
        url = f"{client.outputs.api_url}/access/v1/evaluation"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(url, body, headers, method="POST"), timeout=35
            )
        with refused.value as answer:
            assert (answer.code, answer.headers["Content-Type"]) == (
                400,
                "text/plain; charset=utf-8",
            )


def test_2_5_the_request_id_is_returned(fixture: Fixture) -> None:
    sent = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
    assert (
        fixture.post("evaluation", fixture.question(), X_Request_ID=sent).headers["x-request-id"]
        == sent
    )
    assert fixture.post("evaluation", fixture.question()).status == 200


def test_2_6_the_same_request_has_the_same_decision(fixture: Fixture) -> None:
    assert {fixture.post("evaluation", fixture.question()).json["decision"] for _ in range(5)} == {
        True
    }


def decisions(fixture: Fixture, **body: Any) -> list[bool]:
    answer = fixture.post("evaluations", body)
    assert answer.status == 200, answer.body
    assert "decision" not in answer.json
    return [each["decision"] for each in answer.json["evaluations"]]


def test_3_2_many_evaluations_are_decided(fixture: Fixture) -> None:
    alice, bob, record, other = fixture.alice, fixture.bob, fixture.record, fixture.other
    resources = [{"resource": record}, {"resource": other, "context": {"source": "batch-override"}}]
    assert decisions(
        fixture, subject=alice, action=READ, context=CONTEXT, evaluations=resources
    ) == [True, False]
    actions = [{"action": READ}, {"action": WRITE}]
    assert decisions(fixture, subject=bob, resource=record, evaluations=actions) == [True, False]
    whole = [fixture.question(), fixture.question(subject=bob, action=WRITE)]
    assert decisions(fixture, evaluations=whole) == [True, False]


def test_3_4_1_an_incomplete_evaluation_is_denied(fixture: Fixture) -> None:
    parts = [{"resource": fixture.record}, {}]
    options = {"evaluations_semantic": "execute_all"}
    assert decisions(
        fixture, subject=fixture.alice, action=READ, options=options, evaluations=parts
    ) == [True, False]


def test_3_4_a_request_without_evaluations_is_a_single_one(fixture: Fixture) -> None:
    for body in (fixture.question(), fixture.question(evaluations=[])):
        answer = fixture.post("evaluations", body)
        assert (answer.status, answer.json["decision"]) == (200, True)


@pytest.mark.parametrize("more", [{}, {"context": CONTEXT}])
def test_4_2_subjects_are_found(fixture: Fixture, more: dict[str, Any]) -> None:
    found = fixture.everything("search/subject", subject={"type": "user"}, **more)
    assert all(each.keys() == {"type", "id"} and each["type"] == "user" for each in found)
    assert fixture.alice in found
    assert fixture.bob in found
    assert fixture.everything("search/subject", **more) == found, (
        "the subject's id is to be ignored"
    )


@pytest.mark.parametrize("more", [{}, {"context": CONTEXT}])
def test_4_3_resources_are_found(fixture: Fixture, more: dict[str, Any]) -> None:
    assert fixture.everything("search/resource", resource={"type": "record"}, **more) == [
        fixture.record
    ]
    assert fixture.everything("search/resource", **more) == [fixture.record], (
        "the resource's id is to be ignored"
    )


@pytest.mark.parametrize("more", [{}, {"context": CONTEXT}])
def test_4_4_actions_are_found(fixture: Fixture, more: dict[str, Any]) -> None:
    assert fixture.everything("search/action", action=None, **more) == [READ, WRITE]


def test_4_5_results_come_in_pages(fixture: Fixture) -> None:
    first = fixture.post("search/action", fixture.question(page={"limit": 1})).json
    assert (first["results"], first["page"]["count"], next(iter(first))) == ([READ], 1, "page")
    second = fixture.post(
        "search/action", fixture.question(page={"token": first["page"]["next_token"]})
    ).json
    assert (second["results"], second["page"]["next_token"]) == ([WRITE], "")


@pytest.mark.parametrize("endpoint", ["subject", "resource", "action"])
def test_4_6_an_empty_result_is_no_error(fixture: Fixture, endpoint: str) -> None:
    unknown = fixture.bob | {"id": "nonexistent-user"}
    asked = {"subject": fixture.question(subject={"type": "spaceship"})}
    body = asked.get(endpoint, fixture.question(subject=unknown))
    assert fixture.post(f"search/{endpoint}", body).json["results"] == []
    body = fixture.question(resource={"type": "spaceship", "id": "1"}, subject=fixture.bob)
    found = fixture.post(f"search/{endpoint}", body).json["results"]
    assert [
        each
        for each in found
        if each == fixture.bob or "name" in each or each["type"] == "spaceship"
    ] == []


@pytest.mark.parametrize(
    ("endpoint", "parts"),
    [
        ("subject", {"action": None}),
        ("resource", {"subject": None}),
        ("action", {"resource": None}),
        ("subject", {"resource": {"type": "record"}}),
        ("resource", {"subject": {"type": "user"}}),
        ("action", {"subject": {"type": "user"}}),
    ],
)
def test_4_7_an_incomplete_search_is_400(
    fixture: Fixture, endpoint: str, parts: dict[str, Any]
) -> None:
    assert fixture.post(f"search/{endpoint}", fixture.question(**parts)).status == 400


def test_6_the_metadata_lists_the_endpoints(client: Client) -> None:
    """Ignore the scheme: on AWS these are HTTPS addresses, but a laptop has no certificate."""
    answer = client.call("GET", "/.well-known/authzen-configuration")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    base = urlsplit(client.outputs.api_url)
    document = answer.json
    assert document.pop("policy_decision_point") == f"{base.scheme}://{base.netloc}"
    assert {name: urlsplit(url).path for name, url in document.items()} == {
        "access_evaluation_endpoint": "/access/v1/evaluation",
        "access_evaluations_endpoint": "/access/v1/evaluations",
        "search_subject_endpoint": "/access/v1/search/subject",
        "search_resource_endpoint": "/access/v1/search/resource",
        "search_action_endpoint": "/access/v1/search/action",
    }
