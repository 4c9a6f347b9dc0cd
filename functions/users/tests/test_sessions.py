"""Sessions: a user lists them and ends foreign ones; Cognito and the API agree."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.support.waiting import settle
from tools.laptop.client import Person, claims
from users.tests.conftest import Office, code


def session_of(person: Person) -> str:
    return str(claims(person.token)["origin_jti"])


def listed(office: Office, person: Person) -> dict[str, Any]:
    """Return the user's sessions by id."""
    got = office.call("GET", "/v1/me/sessions", person=person)
    assert got.status == 200, got.body
    return {each["id"]: each for each in got.json["items"]}


def refreshed(office: Office, person: Person) -> Person:
    answer = office.client.cognito.initiate_auth(
        ClientId=office.client.outputs.user_pool_client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": person.tokens["RefreshToken"]},
    )
    return Person(person.email, person.password, person.tokens | answer["AuthenticationResult"])


def test_a_stolen_session_is_listed_and_ended(office: Office) -> None:
    laptop = office.client.new_member()
    stolen = office.client.sign_in(laptop)
    assert office.call("GET", "/v1/me", person=stolen, User_Agent="Thief/1.0").status == 200
    found = listed(office, laptop)
    assert {id: each["current"] for id, each in found.items()} == {
        session_of(laptop): True,
        session_of(stolen): False,
    }
    assert found[session_of(stolen)]["device"] == "Thief/1.0"

    ended = office.call("DELETE", f"/v1/me/sessions/{session_of(stolen)}", person=laptop)
    assert ended.status == 204, ended.body
    # Changes are refused at once. Reads may succeed for 30 seconds where META is in a cache.
    again = refreshed(office, stolen)  # Cognito does not know that the session has ended
    for person in (stolen, again):
        refused = office.call("DELETE", "/v1/me/sessions", person=person, If_Match="*")
        assert (refused.status, code(refused)) == (401, "session_ended")
    assert listed(office, refreshed(office, laptop)).keys() == {session_of(laptop)}


def test_an_administrator_signs_a_user_out_everywhere(office: Office) -> None:
    person = office.client.new_member()
    listed(office, person)
    path = f"/v1/users/{person.uid}/sessions"
    assert [each["id"] for each in office.call("GET", path).json["items"]] == [session_of(person)]
    assert office.call("DELETE", path).status == 428
    assert office.call("DELETE", path, If_Match="*").status == 204
    refused = office.call("DELETE", "/v1/me/sessions", person=person, If_Match="*")
    assert (refused.status, code(refused)) == (401, "session_ended")
    assert office.call("GET", path).json["items"] == []
    assert settle(lambda: not can_refresh(office, person), 120)


def can_refresh(office: Office, person: Person) -> bool:
    try:
        refreshed(office, person)
    except ClientError as error:
        return error.response["Error"]["Code"] != "NotAuthorizedException"
    return True


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_sessions_of_others_need_an_administrator(office: Office, method: str) -> None:
    person = office.client.new_member()
    other = office.client.new_member()
    refused = office.call(method, f"/v1/users/{other.uid}/sessions", person=person, If_Match="*")
    assert (refused.status, code(refused)) == (403, "insufficient_scope")
