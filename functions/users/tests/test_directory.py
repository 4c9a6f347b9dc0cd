"""`GET /v1/users`, and reads and changes of a single user."""

import uuid
from collections import Counter
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

import pytest

from tools.laptop.client import Client
from users.tests.conftest import ONE_USER, Office, new_email

NAMES = ["Ada", "Barbara", "Donald", "Edsger", "Grace"]
COUNT = len(NAMES)


@pytest.fixture(scope="module")
def crowd(office: Office) -> str:
    """Return a family name that five users share, created one after the other."""
    family = f"Quux{uuid.uuid4().hex[:8]}"
    for number, given in enumerate(NAMES):
        office.database.run(
            "INSERT INTO users (uid, email, given_name, family_name, created_at) "
            "VALUES (gen_random_uuid(), :email, :given, :family, timestamptz '2001-01-01Z' + :day * interval '1 day')",
            email=f"{given}.{family}@example.org",
            given=given,
            family=family,
            day=number,
        )
    return family


def found(office: Office, query: str) -> list[str]:
    answer = office.call("GET", f"/v1/users?{query}")
    assert answer.status == 200, answer.body
    return [user["given_name"] for user in answer.json["items"]]


def named(*numbers: int) -> list[str]:
    return [NAMES[number] for number in numbers]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("q={family}", range(COUNT)),
        ("q={prefix}", range(COUNT)),
        ("q=edsger {prefix}", [3]),
        ("q={prefix} donald.{prefix}", [2]),
        ("q={typo}", range(COUNT)),
        ("q=_dsger {prefix}", []),
        ("q={family}&sort=-created_at", [4, 3, 2, 1, 0]),
        ("q={family}&sort=email", range(COUNT)),
        ("q={family}&sort=-email", [4, 3, 2, 1, 0]),
        (
            "q={family}&created_from=2001-01-02T00:00:00Z&created_before=2001-01-04T00:00:00Z",
            [1, 2],
        ),
        ("email=barbara.{family}@EXAMPLE.org", [1]),
        ("q={family}&status=disabled", []),
        ("q={family}&status=active", range(COUNT)),
    ],
)
def test_the_list_is_filtered_and_sorted(
    office: Office, crowd: str, query: str, numbers: Sequence[int]
) -> None:
    typo = crowd[:-2] + crowd[-1] + crowd[-2] + "x"
    filled = query.format(family=crowd, prefix=crowd[:8].lower(), typo=typo)
    assert found(office, quote(filled, safe="=&%:")) == named(*numbers)


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "email", "-email"])
def test_pages_contain_each_user_once(office: Office, crowd: str, sort: str) -> None:
    whole = office.call("GET", f"/v1/users?q={crowd}&sort={sort}").json["items"]
    address, seen = f"/v1/users?q={crowd}&sort={sort}&limit=2", []
    while address:
        page = office.call("GET", address)
        seen += page.json["items"]
        address = page.headers.get("link", "").removeprefix("<").partition(">")[0]
    assert seen == whole
    assert len(seen) == COUNT


def test_the_list_needs_the_permission(office: Office, client: Client) -> None:
    """Check this with a token of another user, which lacks the scope."""
    assert office.call("GET", "/v1/users", person=client.new_member()).status == 403
    reader = client.new_holder("user_reader", ["users.read"])
    assert office.call("GET", "/v1/users", person=reader).status == 200
    assert (
        office.call("POST", "/v1/users", {"email": new_email()}, reader, Idempotency_Key="a").status
        == 403
    )


def test_users_read_and_change_only_themselves(office: Office) -> None:
    person, path = office.client.new_member(), f"/v1/users/{office.admin.uid}"
    own = f"/v1/users/{person.uid}"
    etag = office.call("GET", own, person=person).headers["etag"]
    changed = office.call("PATCH", own, {"family_name": "King"}, person, If_Match=etag)
    assert (changed.status, changed.json["family_name"]) == (200, "King")
    for method, body in (("GET", None), ("PATCH", {"family_name": "King"})):
        assert office.call(method, path, body, person, If_Match="*").status == 404


def test_the_audit_event_of_a_change_names_its_actor(office: Office) -> None:
    person = office.client.new_member()
    changed = office.call("PATCH", f"/v1/users/{person.uid}", {"locale": "de"}, If_Match="*")
    assert (changed.status, changed.json["locale"]) == (200, "de")
    assert office.trail(person.uid)[-1] == (office.admin.uid, "user.changed")


def test_no_update_is_lost(office: Office) -> None:
    """Let one of fifty concurrent changes of the same version succeed; the others are 412."""
    person = office.client.new_member()
    path = f"/v1/users/{person.uid}"
    etag = office.call("GET", path).headers["etag"]
    names = [f"King {number}" for number in range(50)]
    answers = office.at_once(
        [
            partial(office.call, "PATCH", path, {"family_name": name}, If_Match=etag)
            for name in names
        ],
        ONE_USER,
        uid=person.uid,
    )
    assert Counter(answer.status for answer in answers) == {200: 1, 412: 49}
    [winner] = [name for name, answer in zip(names, answers, strict=True) if answer.status == 200]
    assert office.call("GET", path).json["family_name"] == winner
    assert [action for _, action in office.trail(person.uid)] == ["user.created", "user.changed"]


def test_users_see_their_own_permissions(office: Office) -> None:
    assert office.call("GET", "/v1/me/permissions").json == {
        "roles": ["admin"],
        "permissions": [],
        "all": True,
    }
    holder = office.client.new_holder("helper", ["users.read", "orders.read"])
    assert office.call("GET", "/v1/me/permissions", person=holder).json == {
        "roles": ["helper"],
        "permissions": ["orders.read", "users.read"],
        "all": False,
    }
