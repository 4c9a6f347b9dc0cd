"""The Postman collection: each operation once, and requests that the running stack accepts."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tools import ROOT
from tools.laptop.client import Client, Person
from tools.setup import collection

CONTRACT = json.loads((ROOT / "build/openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")


def requests() -> Iterator[dict[str, Any]]:
    for folder in collection.collection(CONTRACT)["item"]:
        for item in folder["item"]:
            yield item["request"]


def test_each_operation_is_a_request() -> None:
    listed = [
        f"{request['method']} {re.sub(r':(\w+)', r'{\1}', '/' + '/'.join(request['url']['path']))}"
        for request in requests()
    ]
    declared = [
        f"{method.upper()} {path}"
        for path, item in CONTRACT["paths"].items()
        for method in METHODS
        if method in item
    ]
    assert sorted(listed) == sorted(declared)


@pytest.fixture(scope="module")
def variables(client: Client) -> dict[str, str]:
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    etag = client.call("GET", "/v1/me", admin.token).headers["etag"]
    return {"token": admin.token, "etag": etag, "$guid": "5d0c5b9e-8a0f-4a8a-9d8e-6f0f3c1b2a49"}


def test_unchanged_requests_of_the_collection_are_accepted(
    client: Client, variables: dict[str, str]
) -> None:
    """Send the requests that need no values of the reader: reads, questions, and changes of one's
    own record.
    """
    sent = 0
    for request in requests():
        path = "/" + "/".join(request["url"]["path"])
        is_free = request["method"] == "GET" or path.startswith("/access/")
        if ":" in path or not (is_free or (request["method"], path) == ("PATCH", "/v1/me")):
            continue
        # exports the administrator's whole record; tests of `users` do that
        if path.endswith("/export"):
            continue
        headers = {
            header["key"].replace("-", "_"): re.sub(
                r"\{\{(.+)\}\}", lambda name: variables[name[1]], header["value"]
            )
            for header in request["header"]
        }
        body = json.loads(request["body"]["raw"]) if "body" in request else None
        assert all(query["disabled"] for query in request["url"]["query"]), path
        answer = client.call(request["method"], path, variables["token"], body, **headers)
        assert answer.status == 200, f"{request['method']} {path}: {answer.body!r}"
        sent += 1
    assert sent > 15
