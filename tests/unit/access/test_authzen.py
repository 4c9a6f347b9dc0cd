"""The sections of AuthZEN 1.0: https://openid.net/specs/authorization-api-1_0.html."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from atrium.identity import subject_grants
from atrium.stores import dynamodb
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tests.unit.conftest import finish_reads
from tools.laptop.answer import Answer

POINTS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")


def user(uid: str) -> dict[str, str]:
    return {"type": "user", "id": uid}


def document(id: str) -> dict[str, str]:
    return {"type": "document", "id": id}


READ, WRITE = {"name": "read"}, {"name": "write"}


@pytest.fixture
def point(service: Service) -> Service:
    """Prepare grants: Ada may read all documents and write number 7, Bob may write number 8.

    Both also had a grant that has expired.
    """
    service.new_role("reader", "document.read")
    service.new_role("editor", "document.write", parents=["reader"])
    for uid in (ADA, BOB):
        service.new_user(uid)
    service.grant(ADA, "document:*", role="reader")
    service.grant(ADA, "document:7", action="write")
    service.grant(BOB, "document:8", role="editor")
    for uid in (ADA, BOB):
        service.grant(uid, role="admin", expires_at=int(time.time()) - 1)
    return service


def ask(point: Service, endpoint: str, body: Any, **more: Any) -> Answer:
    return point.ask("POST", f"/access/v1/{endpoint}", body, **more)


def decision(point: Service, subject: str, action: dict[str, str], id: str, **more: Any) -> bool:
    question = {"subject": user(subject), "action": action, "resource": document(id)}
    answer = ask(point, "evaluation", question, **more)
    assert answer.status == 200, answer.text
    return bool(answer.json["decision"])


def test_6_an_evaluation(point: Service) -> None:
    asked = [
        (ADA, READ, "1"),
        (ADA, WRITE, "7"),
        (ADA, WRITE, "8"),
        (BOB, READ, "8"),
        (BOB, READ, "7"),
        (EVE, READ, "1"),
    ]
    assert [decision(point, *each) for each in asked] == [True, True, False, True, False, False]


def test_6_a_subject_that_is_no_user_is_denied(point: Service) -> None:
    for subject in (
        {"type": "service", "id": ADA},
        {"type": "user", "id": ""},
        {"type": "user", "id": "x" * 5000},
    ):
        answer = ask(
            point, "evaluation", {"subject": subject, "action": READ, "resource": document("1")}
        )
        assert (answer.status, answer.json["decision"]) == (200, False)


def test_5_5_1_administrators_get_the_reason(point: Service) -> None:
    question = {"subject": user(BOB), "action": READ, "resource": document("8")}
    [name] = [item["id"] for item in point.items(f"G#{BOB}") if item.get("role") == "editor"]
    heard = ask(point, "evaluation", question).json["context"]["reason_admin"]["en"]
    assert heard == f"Allowed by grant {name} of role editor, through role reader."
    denied = ask(point, "evaluation", question | {"action": WRITE, "resource": document("7")}).json
    assert (
        denied["context"]["reason_admin"]["en"]
        == "Denied: no grant in force gives document.write on document:7."
    )


def test_other_callers_get_no_reason(point: Service) -> None:
    point.new_role("gatekeeper", "access.read")
    question = {"subject": user(BOB), "action": READ, "resource": document("8")}
    assert ask(point, "evaluation", question, uid=ADA, roles="gatekeeper").json == {
        "decision": True
    }


def test_a_decision_makes_a_fixed_number_of_table_calls(point: Service, logs: Any) -> None:
    for _ in range(2):
        decision(point, BOB, READ, "8")
    # First META of the caller and of the subject, the layout, three scopes and two roles; later,
    # from the cache, only META and the scopes.
    assert [line["dynamodb_calls"] for line in logs.lines()] == [8, 4]


@pytest.mark.parametrize("grants", [10, 1000])
def test_a_decision_reads_three_scopes_however_many_grants(
    point: Service, logs: Any, grants: int
) -> None:
    keys = [
        {"pk": f"G#{EVE}", "sk": f"document:{number}#ROLE#reader", "id": str(number)}
        for number in range(grants)
    ]
    items = [
        key | {"role": "reader", "scope": f"document:{number}"} for number, key in enumerate(keys)
    ]
    point.new_user(EVE)
    point.put_all(items)
    for _ in range(2):
        assert decision(point, EVE, READ, str(grants - 1))
        assert not decision(point, EVE, READ, str(grants))
    assert [line["dynamodb_calls"] for line in logs.lines()][1:] == [4, 4, 4]


def test_an_id_may_look_like_the_end_of_a_key(point: Service) -> None:
    """Check ids that are a prefix of another grant's sort key `<scope>#ROLE#<role>`."""
    point.new_user(EVE)
    point.grant(EVE, "document:7#ROLE#reader", role="reader")
    point.grant(EVE, "document:8#9", action="read")
    asked = ("7", "7#ROLE#reader", "7#ROLE#reader#ROLE#reader", "8", "8#9", "9")
    assert [id for id in asked if decision(point, EVE, READ, id)] == ["7#ROLE#reader", "8#9"]
    parts = [{"resource": document(id)} for id in asked]
    batch = ask(point, "evaluations", {"subject": user(EVE), "action": READ, "evaluations": parts})
    assert [each["decision"] for each in batch.json["evaluations"]] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_the_longest_ids_fit_into_the_keys(point: Service) -> None:
    longest = "𐍈" * 200  # four bytes each
    assert (
        point.post(
            f"/v1/users/{BOB}/grants", {"role": "reader", "scope": f"{'k' * 64}:{longest}"}
        ).status
        == 201
    )
    asked = {
        "subject": user(BOB),
        "action": {"name": "a" * 64},
        "resource": {"type": "k" * 64, "id": longest},
    }
    grant = {"action": "a" * 64, "scope": f"{'k' * 64}:{longest}"}
    assert point.post(f"/v1/users/{BOB}/grants", grant).status == 201
    assert ask(point, "evaluation", asked).json["decision"] is True


@pytest.mark.parametrize("endpoint", POINTS)
def test_an_id_too_long_for_a_key_is_denied_without_an_error(point: Service, endpoint: str) -> None:
    body = {"subject": user(ADA), "action": WRITE, "resource": document("x" * 3000)}
    answer = ask(point, endpoint, body)
    assert (answer.status, answer.json.get("decision", False)) == (200, False)


def test_7_1_1_an_evaluation_overrides_the_defaults(point: Service) -> None:
    parts = [
        {"resource": document("1")},
        {"resource": document("7"), "action": WRITE},
        {"subject": user(BOB)},
    ]
    body = {"subject": user(ADA), "action": READ, "resource": document("9"), "evaluations": parts}
    assert ask(point, "evaluations", body, uid=ADMIN).json["evaluations"] == [
        {"decision": made, "context": {"reason_admin": {"en": reason}}}
        for made, reason in zip((True, True, False), reasons(point, body), strict=True)
    ]


def reasons(point: Service, body: Any) -> list[str]:
    made = ask(point, "evaluations", body).json["evaluations"]
    return [each["context"]["reason_admin"]["en"] for each in made]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
        (None, [True, False, True, False]),
    ],
)
def test_7_1_2_1_each_semantics_stops_where_it_should(
    point: Service, semantic: str | None, expected: list[bool]
) -> None:
    parts = [
        {"resource": document(id), "action": action}
        for id, action in zip("7878", (READ, WRITE) * 2, strict=True)
    ]
    options = (
        {"options": {"evaluations_semantic": semantic, "another_option": 1}} if semantic else {}
    )
    answer = ask(point, "evaluations", {"subject": user(ADA), "evaluations": parts} | options)
    assert [each["decision"] for each in answer.json["evaluations"]] == expected
    assert "decision" not in answer.json


@pytest.mark.parametrize("parts", [{}, {"evaluations": []}])
def test_7_1_a_request_without_evaluations_is_a_single_evaluation(
    point: Service, parts: dict[str, Any]
) -> None:
    body = {"subject": user(ADA), "action": READ, "resource": document("1")} | parts
    assert ask(point, "evaluations", body).json["decision"] is True
    refused = ask(point, "evaluations", {"action": READ} | parts)
    assert refused.status == 400
    assert refused.text.splitlines()[1:] == [
        "#/subject: This field is required",
        "#/resource: This field is required",
    ]


def test_7_1_1_a_member_of_an_evaluation_replaces_the_whole_default(point: Service) -> None:
    body = {
        "subject": user(ADA),
        "action": READ,
        "resource": document("1"),
        "evaluations": [{"resource": {"id": "8"}}],
    }
    (denied,) = ask(point, "evaluations", body).json["evaluations"]
    assert denied["decision"] is False
    assert denied["context"]["error"]["message"].startswith("#/resource: ")


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_7_3_an_evaluation_that_is_not_complete_is_denied_alone(
    point: Service, semantic: str, expected: list[bool]
) -> None:
    parts = [{"resource": document("1")}, {}, {"resource": document("2")}]
    body = {
        "subject": user(ADA),
        "action": READ,
        "evaluations": parts,
        "options": {"evaluations_semantic": semantic},
    }
    made = ask(point, "evaluations", body).json["evaluations"]
    assert [each["decision"] for each in made] == expected
    errors = [each["context"]["error"] for each in made if "error" in each["context"]]
    message = "It lacks resource, and the request has no default value."
    assert errors == [{"status": 400, "message": message}] * (len(expected) > 1)


@pytest.mark.parametrize(
    ("invalid", "message"),
    [
        ({"resource": {"type": "document", "id": 7}}, "#/resource/id: Expected `str`, got `int`"),
        ({"resource": {"id": "7"}}, "#/resource: Object missing required field `type`"),
        ({"resource": document("\x00")}, "#/resource/id: Control characters are not allowed"),
        ({"action": "read"}, "#/action: Expected `object`, got `str`"),
        (7, "#: Expected an object"),
    ],
)
def test_7_3_an_invalid_evaluation_is_denied_alone(
    point: Service, invalid: object, message: str
) -> None:
    parts = [{"resource": document("1")}, invalid, {"resource": document("2")}]
    body = {"subject": user(ADA), "action": READ, "evaluations": parts}
    answer = ask(point, "evaluations", body)
    assert answer.status == 200, answer.text
    made = answer.json["evaluations"]
    assert [each["decision"] for each in made] == [True, False, True]
    assert made[1]["context"] == {"error": {"status": 400, "message": message}}


def test_7_3_an_invalid_default_is_an_error_of_the_request(point: Service) -> None:
    body = {"subject": {"type": "user"}, "action": READ, "evaluations": [{}]}
    refused = ask(point, "evaluations", body)
    assert (refused.status, "#/subject: Object missing required field `id`" in refused.text) == (
        400,
        True,
    )


def test_7_1_2_1_an_unknown_semantics_is_refused(point: Service) -> None:
    body = {"subject": user(ADA), "action": READ, "evaluations": [{"resource": document("1")}]}
    assert (
        ask(point, "evaluations", body | {"options": {"evaluations_semantic": "guess"}}).status
        == 400
    )


def test_7_a_subject_of_another_type_does_not_get_the_users_rights(point: Service) -> None:
    subjects = [{"subject": user(ADA)}, {"subject": {"type": "service", "id": ADA}}]
    asked = {"action": READ, "resource": document("1"), "evaluations": subjects}
    decided = ask(point, "evaluations", asked).json["evaluations"]
    assert [each["decision"] for each in decided] == [True, False]


def test_7_an_evaluation_reads_each_subject_once(point: Service, logs: Any) -> None:
    parts = [{"resource": document(str(id))} for id in range(50)]
    for _ in range(2):
        ask(point, "evaluations", {"subject": user(ADA), "action": READ, "evaluations": parts})
    assert logs.lines()[-1]["dynamodb_calls"] == 2, (
        "META, and all of her grants at once, for they are few"
    )


def test_7_a_batch_about_a_user_with_many_grants_reads_by_scope(point: Service, logs: Any) -> None:
    for id in range(subject_grants.FEW_GRANTS + 1):
        point.grant(BOB, f"document:{id}", action="write")
    parts = [{"resource": document(str(id))} for id in (7, 8, 98, 500)]
    for _ in range(2):
        answer = ask(
            point, "evaluations", {"subject": user(BOB), "action": WRITE, "evaluations": parts}
        )
        assert [each["decision"] for each in answer.json["evaluations"]] == [
            True,
            True,
            True,
            False,
        ]
    assert logs.lines()[-1]["dynamodb_calls"] == 2 + 2 + 4, (
        "META, the attempt, two wide scopes, four documents"
    )


def pages(point: Service, endpoint: str, body: dict[str, Any], limit: int) -> list[dict[str, str]]:
    found, token = list[dict[str, str]](), ""
    while True:
        page = {"limit": limit} | ({"token": token} if token else {})
        answer = ask(point, endpoint, body | {"page": page})
        assert answer.status == 200, answer.text
        assert len(answer.json["results"]) == answer.json["page"]["count"] <= limit
        found += answer.json["results"]
        token = answer.json["page"]["next_token"]
        if not token:
            return found


def test_8_4_subjects_are_found(point: Service) -> None:
    point.grant(EVE, role="admin")  # Eve is not a user of Atrium
    body = {"subject": {"type": "user", "id": "ignored"}, "action": READ, "resource": document("8")}
    for limit in (1, 2, 20):
        assert pages(point, "search/subject", body, limit) == [user(ADMIN), user(ADA), user(BOB)]
    writers = pages(point, "search/subject", body | {"action": WRITE}, 1)
    assert writers == [user(ADMIN), user(BOB)]
    assert pages(point, "search/subject", body | {"subject": {"type": "service"}}, 1) == []


def test_8_5_resources_are_found(point: Service) -> None:
    for id in ("3", "5"):
        point.grant(BOB, f"document:{id}", action="write")
    body = {
        "subject": user(BOB),
        "action": WRITE,
        "resource": {"type": "document", "id": "ignored"},
    }
    assert pages(point, "search/resource", body, 2) == [document(id) for id in ("3", "5", "8")]
    everything = ask(point, "search/resource", body | {"subject": user(ADA), "action": READ}).json
    assert (everything["results"], everything["context"]) == ([document("7")], {"all": True})


def test_8_6_actions_are_found(point: Service) -> None:
    body = {"subject": user(ADA), "resource": document("7")}
    assert pages(point, "search/action", body, 1) == [READ, WRITE]
    assert pages(point, "search/action", body | {"resource": document("8")}, 5) == [READ]
    assert pages(point, "search/action", body | {"resource": {"type": "order", "id": "1"}}, 5) == []
    point.grant(ADA, "document:8", role="admin")
    assert pages(point, "search/action", body | {"resource": document("8")}, 5) == [READ, WRITE]


def test_8_1_every_result_of_a_search_is_permitted(point: Service) -> None:
    for action in (READ, WRITE):
        for id in ("7", "8", "9"):
            body = {"subject": {"type": "user"}, "action": action, "resource": document(id)}
            found = {each["id"] for each in pages(point, "search/subject", body, 1)}
            assert found == {uid for uid in (ADMIN, ADA, BOB) if decision(point, uid, action, id)}


def test_8_2_a_page_token_is_refused_by_another_search(point: Service) -> None:
    body = {
        "subject": {"type": "user"},
        "action": READ,
        "resource": document("8"),
        "page": {"limit": 1},
    }
    token = ask(point, "search/subject", body).json["page"]["next_token"]
    # The limit is missing, as in the specification's example.
    assert ask(point, "search/subject", body | {"page": {"token": token}}).json["results"] == [
        user(ADA)
    ]
    for changed in (
        {"action": WRITE},
        {"resource": document("7")},
        {"page": {"token": token, "limit": 2}},
        {"page": {"token": "x"}},
    ):
        assert (
            ask(
                point, "search/subject", body | {"page": {"token": token, "limit": 1}} | changed
            ).status
            == 400
        )


def test_8_2_1_a_page_of_no_results_is_the_last_one(point: Service) -> None:
    body = {
        "subject": {"type": "user"},
        "action": READ,
        "resource": document("8"),
        "page": {"limit": 0},
    }
    empty = ask(point, "search/subject", body).json
    assert (empty["results"], empty["page"]) == ([], {"next_token": "", "count": 0})


def test_9_the_metadata_lists_every_endpoint(point: Service) -> None:
    answer = point.ask(
        "GET",
        "/.well-known/authzen-configuration",
        Host="api.example.com",
        X_Forwarded_Proto="https",
    )
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=3600"
    base = "https://api.example.com"
    assert answer.json.pop("policy_decision_point") == base
    endpoints = {value for name, value in answer.json.items() if name.endswith("_endpoint")}
    assert endpoints == {f"{base}/access/v1/{each}" for each in POINTS}


@pytest.mark.parametrize("endpoint", POINTS)
def test_10_1_1_unknown_fields_are_ignored(point: Service, endpoint: str) -> None:
    known = {
        "subject": user(ADA) | {"more": 1},
        "action": READ | {"more": 1},
        "resource": document("1") | {"more": [1]},
    }
    body = known | {"context": {"time": "now"}, "more": {"x": None}}
    assert ask(point, endpoint, body).status == 200


ANY_JSON = {"big": 2**53, "low": -(2**70), "float": 1e300, "text": "a\x00b\x85", "\x01": None}


@pytest.mark.parametrize("endpoint", POINTS)
def test_11_5_properties_may_hold_any_json(point: Service, endpoint: str) -> None:
    def with_properties(part: dict[str, str]) -> dict[str, Any]:
        return part | {"properties": ANY_JSON, "more": ANY_JSON}

    parts = {
        "subject": with_properties(user(ADA)),
        "action": with_properties(READ),
        "resource": with_properties(document("1")),
    }
    extra = {"context": ANY_JSON, "more": [ANY_JSON]}
    answer = ask(point, endpoint, parts | extra)
    assert answer.status == 200, answer.text
    if endpoint == "evaluations":
        batch = ask(point, endpoint, {"evaluations": [parts | extra]} | extra)
        assert batch.json["evaluations"][0]["decision"] is True


@pytest.mark.parametrize("endpoint", POINTS)
def test_11_5_types_ids_and_names_with_control_characters_are_refused(
    point: Service, endpoint: str
) -> None:
    body = {"subject": user(ADA), "action": READ, "resource": document("1")}
    part = "subject" if endpoint == "search/action" else "action"
    key = "id" if endpoint == "search/action" else "name"
    refused = ask(point, endpoint, body | {part: body[part] | {key: "re\x00ad"}})
    assert refused.status == 400
    assert f"#/{part}/{key}: Control characters are not allowed" in refused.text


@pytest.mark.parametrize("endpoint", POINTS)
def test_10_1_2_an_error_is_a_text(point: Service, endpoint: str) -> None:
    for body, status in (
        ({"subject": {}}, 400),
        ("[]", 400),
        ("{", 400),
        ("{" + " " * (1 << 20) + "}", 413),
    ):
        refused = ask(point, endpoint, body, X_Request_ID="r-1")
        assert refused.status == status
        assert refused.headers["content-type"] == "text/plain; charset=utf-8"
        assert refused.headers["x-request-id"] == "r-1"
    assert ask(point, endpoint, "{}", Content_Type="text/xml").status == 400
    stale = ask(point, endpoint, {}, epoch=7)
    assert (stale.status, stale.headers["content-type"]) == (401, "text/plain; charset=utf-8")
    assert ask(point, endpoint, {}, uid=ADA).status == 403


@pytest.mark.parametrize("endpoint", POINTS)
def test_10_1_3_a_request_id_comes_back(point: Service, endpoint: str) -> None:
    body = {"subject": user(ADA), "action": READ, "resource": document("1")}
    assert (
        ask(point, endpoint, body, X_Request_ID="any thing/1").headers["x-request-id"]
        == "any thing/1"
    )
    assert "x-request-id" not in ask(point, endpoint, body).headers


class Failing:
    """A client operation that fails from a given call on."""

    def __init__(self, operation: str, code: str, good_calls: int) -> None:
        self.operation, self.code, self.good_calls, self.calls = operation, code, good_calls, 0
        self.right = getattr(dynamodb.client(), operation)

    def __call__(self, **parameters: Any) -> Any:
        self.calls += 1
        if self.calls > self.good_calls:
            raise ClientError({"Error": {"Code": self.code}}, self.operation)
        return self.right(**parameters)


FAULTS = (
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "InternalServerError",
    "AccessDeniedException",
)


@pytest.mark.parametrize("endpoint", POINTS)
@pytest.mark.parametrize("operation", ["query", "batch_get_item", "get_item"])
def test_an_unreachable_table_is_503_and_never_a_permit(
    point: Service, monkeypatch: pytest.MonkeyPatch, endpoint: str, operation: str
) -> None:
    body = {"subject": user(ADA), "action": READ, "resource": document("1")}
    for good_calls, fault in enumerate(FAULTS):
        with monkeypatch.context() as patch:
            failing = Failing(operation, fault, good_calls)
            patch.setattr(dynamodb.client(), operation, failing)
            answer = ask(point, endpoint, body)
            finish_reads()
        if failing.calls > good_calls:
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            assert "decision" not in answer.text
        else:
            assert answer.status == 200


def test_unprocessed_items_of_a_batch_are_503(
    point: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = dynamodb.client().batch_get_item

    def throttled(**parameters: Any) -> Any:
        return right(**parameters) | {"UnprocessedKeys": parameters["RequestItems"]}

    monkeypatch.setattr(dynamodb.client(), "batch_get_item", throttled)
    body = {"subject": {"type": "user"}, "action": READ, "resource": document("1")}
    assert ask(point, "search/subject", body).status == 503
