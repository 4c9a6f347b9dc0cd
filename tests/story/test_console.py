"""The laptop's console shows what a request did in the running stack."""

import json
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlencode

from tools.deploy import stack_settings
from tools.laptop.client import Client, Person
from tools.laptop.stack import show


def read(client: Client, path: str, **query: str) -> Any:
    url = f"{client.outputs.aws_endpoint_url}/_local/console/{path}?{urlencode(query)}"
    with urllib.request.urlopen(url, timeout=35) as response:
        return json.load(response)


def test_a_request_is_shown_with_its_sql_its_aws_calls_and_its_log(
    client: Client, member: Person
) -> None:
    request_id = client.call("GET", "/v1/me", member.token).headers["x-amzn-requestid"]
    [summary] = read(client, "requests", text=request_id)["requests"]
    page = read(client, f"requests/{summary['number']}")
    bars = {bar["kind"]: bar for bar in page["bars"] if bar["name"] != "connect"}
    assert bars["sql"]["name"].startswith("SELECT uid, email")
    assert bars["dynamodb"]["target"] == client.outputs.user_attributes_table
    assert summary["units"] >= 0.5
    for kind in ("authorizer", "function", "sql", "dynamodb"):
        end = bars[kind]["start"] + bars[kind]["ms"]
        assert 0 <= bars[kind]["start"] <= end <= bars["gateway"]["ms"]
    assert any(request_id in line for line in page["log"])
    assert member.token not in json.dumps(page)


def test_the_map_has_the_ways_that_calls_take(client: Client, member: Person) -> None:
    client.call("GET", "/v1/me", member.token)
    edges = {tuple(edge) for edge in read(client, "map")["edges"]}
    users = f"function:{client.outputs.functions['users']}"
    table = f"table:{client.outputs.user_attributes_table}"
    taken = {(source, to) for source, to, *_ in read(client, "traffic")["traffic"]}
    for way in (("api", users), (users, "database"), (users, table)):
        assert way in edges
        assert way in taken


def test_decisions_are_logged_with_their_reasons_for_the_console(
    client: Client, member: Person
) -> None:
    document = {"type": "document", "id": uuid.uuid4().hex}
    admin = show.access_token(stack_settings.from_environment(), client.outputs)
    question = {
        "subject": {"type": "user", "id": member.uid},
        "action": {"name": "read"},
        "resource": document,
    }
    assert client.call("POST", "/access/v1/evaluation", admin, question).status == 200
    [line] = read(client, "log", text=f'"resource":"document:{document["id"]}"')["lines"]
    record = json.loads(line["text"])
    assert (record["message"], record["decision"]) == ("decision", False)
    assert record["reason"].startswith("Denied")
