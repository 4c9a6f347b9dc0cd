"""`/v1/me`: a user reads and changes their record, under the HTTP rules."""

from tools.laptop.client import Client, Person


def token(person: Person) -> str:
    return person.tokens["AccessToken"]


def test_the_record_comes_from_postgres_with_attributes_and_roles(
    client: Client, member: Person
) -> None:
    answer = client.call("GET", "/v1/me", token(member))
    assert answer.status == 200, answer.body
    assert answer.json["email"] == member.email
    assert answer.json["given_name"] == "Ada"
    assert answer.json["attributes"] == {}
    assert answer.json["roles"] == []
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["cache-control"] == "no-store"


def test_attributes_and_roles_come_from_dynamodb(client: Client) -> None:
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    record = client.call("GET", "/v1/me", token(admin)).json
    assert "admin" in record["roles"]
    schema = {"type": "object", "properties": {"team": {"type": "string"}}}
    namespace = {"description": "Where people work", "personal": False, "schema": schema}
    made = client.call("PUT", "/v1/namespaces/work", token(admin), namespace, If_None_Match="*")
    assert made.status in (201, 412), made.body
    path = f"/v1/users/{record['uid']}/attributes/work/team"
    assert client.call(
        "PUT", path, token(admin), {"value": "platform"}, If_None_Match="*"
    ).status in (201, 412)
    assert client.call("GET", "/v1/me", token(admin)).json["attributes"]["work"] == {
        "team": "platform"
    }


def test_an_unchanged_record_is_304(client: Client, member: Person) -> None:
    etag = client.call("GET", "/v1/me", token(member)).headers["etag"]
    again = client.call("GET", "/v1/me", token(member), If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")


def test_a_change_needs_the_current_etag_in_if_match(client: Client, member: Person) -> None:
    before = client.call("GET", "/v1/me", token(member))
    missing = client.call("PATCH", "/v1/me", token(member), {"family_name": "Byron"})
    assert (missing.status, missing.headers["content-type"]) == (428, "application/problem+json")
    changed = client.call(
        "PATCH", "/v1/me", token(member), {"family_name": "King"}, If_Match=before.headers["etag"]
    )
    assert (changed.status, changed.json["family_name"]) == (200, "King")
    assert changed.headers["etag"] != before.headers["etag"]
    stale = client.call(
        "PATCH", "/v1/me", token(member), {"family_name": "Byron"}, If_Match=before.headers["etag"]
    )
    assert stale.status == 412
    assert client.call("GET", "/v1/me", token(member)).json["family_name"] == "King"


def test_null_clears_a_field_and_other_fields_stay(client: Client, member: Person) -> None:
    before = client.call("GET", "/v1/me", token(member))
    sent = {"locale": None, "given_name": "Augusta"}
    after = client.call("PATCH", "/v1/me", token(member), sent, If_Match=before.headers["etag"])
    assert (after.json["given_name"], after.json["locale"]) == ("Augusta", None)
    assert after.json["family_name"] == before.json["family_name"]


def test_an_invalid_field_is_named(client: Client, member: Person) -> None:
    etag = client.call("GET", "/v1/me", token(member)).headers["etag"]
    answer = client.call("PATCH", "/v1/me", token(member), {"given_name": 7}, If_Match=etag)
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/given_name"]


def test_the_stage_prefix_names_the_same_resource(client: Client, member: Person) -> None:
    assert (
        client.call("GET", "/dev/v1/me", token(member)).json
        == client.call("GET", "/v1/me", token(member)).json
    )


def test_an_unknown_route_is_404_and_another_method_405(client: Client, member: Person) -> None:
    unknown = client.call("GET", "/v1/nothing", token(member))
    assert (unknown.status, unknown.headers["content-type"]) == (404, "application/problem+json")
    other = client.call("DELETE", "/v1/health")
    assert (other.status, other.headers["content-type"]) == (405, "application/problem+json")
    assert "GET" in other.headers["allow"]
