"""A valid request for each operation of the service, and the data that it needs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from atrium.identity import admins
from atrium.stores import user_table
from tests.unit.access.conftest import ADA, ADMIN, BOB, Service
from tools.laptop.answer import Answer

SCHEMA = {"type": "object", "properties": {"level": {"type": "string"}}}
NAMESPACE = {"description": "Plans", "schema": SCHEMA, "personal": False, "in_token": True}
ROLE = {"description": "Reads", "permissions": ["document.read"]}
SUBJECT, RESOURCE = {"type": "user", "id": ADA}, {"type": "document", "id": "7"}
QUESTION = {"subject": SUBJECT, "action": {"name": "read"}, "resource": RESOURCE}

Key = tuple[str, str, str]
"""Partition key, sort key and attribute of a number in the table."""


class SampleRequest(NamedTuple):
    """A request. `{grant}` in its path stands for a grant of Ada.

    `rises` is the number that the change increments, None where the change deletes the item.
    """

    route: str
    path: str
    body: Any = None
    headers: Mapping[str, Any] = MappingProxyType({})
    rises: Key | None = None
    trail: str | None = None

    def send(self, service: Service) -> Answer:
        method = self.route.split()[0]
        path = self.path.format(grant=service.grants["reader"], right=service.grants["right"])
        if method == "POST" and path.startswith("/v1/"):
            return service.post(path, self.body, **self.headers)
        return service.ask(method, path, self.body, **self.headers)


EPOCH = (f"U#{ADA}", "META", "access_epoch")
GRAPH = ("ROLES", "GRAPH", "version")
ANY: dict[str, Any] = {"If_Match": "*"}
NEW: dict[str, Any] = {"If_None_Match": "*"}
_OF_ADA = f"/v1/users/{ADA}"
_ATTRIBUTE = "/v1/users/{id}/attributes/{namespace}/{name}"

CHANGES = [
    SampleRequest(
        "PATCH /v1/users/{id}/attributes",
        f"{_OF_ADA}/attributes",
        {"attributes": {"plan": {"level": "gold"}}},
        ANY,
        EPOCH,
        "attributes.changed",
    ),
    SampleRequest(
        f"PUT {_ATTRIBUTE}",
        f"{_OF_ADA}/attributes/plan/level",
        {"value": "gold"},
        ANY,
        EPOCH,
        "attributes.changed",
    ),
    SampleRequest(
        f"DELETE {_ATTRIBUTE}",
        f"{_OF_ADA}/attributes/plan/level",
        None,
        ANY,
        EPOCH,
        "attributes.changed",
    ),
    SampleRequest(
        "PUT /v1/namespaces/{namespace}",
        "/v1/namespaces/plan",
        NAMESPACE | {"in_token": False},
        ANY,
        ("NAMESPACES", "plan", "version"),
        "namespace.changed",
    ),
    SampleRequest(
        "PUT /v1/namespaces/{namespace}",
        "/v1/namespaces/new",
        NAMESPACE,
        NEW,
        None,
        "namespace.created",
    ),
    SampleRequest(
        "DELETE /v1/namespaces/{namespace}",
        "/v1/namespaces/plan",
        None,
        ANY,
        None,
        "namespace.deleted",
    ),
    SampleRequest("PUT /v1/roles/{role}", "/v1/roles/new", ROLE, NEW, GRAPH, "role.created"),
    SampleRequest(
        "PUT /v1/roles/{role}",
        "/v1/roles/reader",
        ROLE | {"permissions": []},
        ANY,
        ("R#reader", "META", "version"),
        "role.changed",
    ),
    SampleRequest("DELETE /v1/roles/{role}", "/v1/roles/spare", None, ANY, GRAPH, "role.deleted"),
    SampleRequest(
        "POST /v1/users/{id}/grants",
        f"{_OF_ADA}/grants",
        {"role": "spare"},
        {},
        EPOCH,
        "role.granted",
    ),
    SampleRequest(
        "POST /v1/users/{id}/grants",
        f"{_OF_ADA}/grants",
        {"role": "admin"},
        {},
        EPOCH,
        "role.granted",
    ),
    SampleRequest(
        "POST /v1/users/{id}/grants",
        f"{_OF_ADA}/grants",
        {"action": "write", "scope": "document:7"},
        {},
        EPOCH,
        "right.granted",
    ),
    SampleRequest(
        "PUT /v1/users/{id}/grants/{grant}",
        f"{_OF_ADA}/grants/{{grant}}",
        {"expires_at": "2100-01-01T00:00:00Z"},
        ANY,
        EPOCH,
        "role.end_changed",
    ),
    SampleRequest(
        "DELETE /v1/users/{id}/grants/{grant}",
        f"{_OF_ADA}/grants/{{grant}}",
        None,
        ANY,
        EPOCH,
        "role.revoked",
    ),
    SampleRequest(
        "DELETE /v1/users/{id}/grants/{grant}",
        f"{_OF_ADA}/grants/{{right}}",
        None,
        ANY,
        EPOCH,
        "right.revoked",
    ),
]
"""Each changing operation, once for each way in which it writes."""

READS = [
    SampleRequest("GET /v1/users/{id}/attributes", f"{_OF_ADA}/attributes"),
    SampleRequest(f"GET {_ATTRIBUTE}", f"{_OF_ADA}/attributes/plan/level"),
    SampleRequest("GET /v1/namespaces", "/v1/namespaces"),
    SampleRequest("GET /v1/namespaces/{namespace}", "/v1/namespaces/plan"),
    SampleRequest("GET /v1/roles", "/v1/roles"),
    SampleRequest("GET /v1/roles/{role}", "/v1/roles/reader"),
    SampleRequest("GET /v1/users/{id}/grants", f"{_OF_ADA}/grants"),
    SampleRequest("GET /v1/users/{id}/grants/{grant}", f"{_OF_ADA}/grants/{{grant}}"),
    SampleRequest("GET /v1/grants", "/v1/grants"),
    SampleRequest("POST /v1/decisions/explain", "/v1/decisions/explain", QUESTION),
    SampleRequest("POST /access/v1/evaluation", "/access/v1/evaluation", QUESTION),
    SampleRequest(
        "POST /access/v1/evaluations",
        "/access/v1/evaluations",
        {"evaluations": [QUESTION, QUESTION]},
    ),
    SampleRequest("POST /access/v1/search/subject", "/access/v1/search/subject", QUESTION),
    SampleRequest("POST /access/v1/search/resource", "/access/v1/search/resource", QUESTION),
    SampleRequest("POST /access/v1/search/action", "/access/v1/search/action", QUESTION),
]


def prepare(service: Service) -> None:
    """Store users, roles, a namespace and grants.

    Ada holds `reader`, may read a document, and has a plan. Nobody holds `spare`.
    """
    for uid in (ADA, BOB):
        service.new_user(uid)
    user_table.transact([admins.joining(ADMIN)])
    for role in ("reader", "spare"):
        assert service.ask("PUT", f"/v1/roles/{role}", ROLE, **NEW).status == 201
    assert service.ask("PUT", "/v1/namespaces/plan", NAMESPACE, **NEW).status == 201
    value = {"attributes": {"plan": {"level": "silver"}}}
    assert service.ask("PATCH", f"{_OF_ADA}/attributes", value, **ANY).status == 200
    service.grants["reader"] = service.grant(ADA, role="reader")
    service.grants["right"] = service.grant(ADA, "document:7", action="read")
