"""Every operation by every kind of actor, compared with x-atrium-allow and `security` of the
contract.

No service or status is written down here: a new service is tested as soon as it is in
build/openapi.json.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest

from tests.contract.actors import ACTORS, Actors, complaint, expected
from tests.contract.caller import Caller, problem
from tests.contract.operations import FILE, METHODS, Operation, of, read
from tools.laptop.client import Client

OPERATIONS = of(read())
CELLS = list(product(OPERATIONS, ACTORS))
FUNCTIONS = FILE.parent / "functions"


@pytest.fixture(scope="session")
def actors(client: Client, admin: Caller) -> Actors:
    return Actors(client, admin, read())


@pytest.mark.parametrize(
    ("operation", "kind"),
    CELLS,
    ids=[
        f"{number} of {len(CELLS)}: {cell[0]} by {cell[1]}" for number, cell in enumerate(CELLS, 1)
    ],
)
def test_each_operation_admits_exactly_the_declared_callers(
    operation: Operation, kind: str, actors: Actors
) -> None:
    actor = ACTORS[kind](actors, operation)
    answer = actor.ask(operation)
    assert complaint(operation, actor, answer) is None
    if (
        expected(operation, actor) is not None and not operation.is_authzen
    ):  # its errors have its own form
        problem(answer, answer.status)


@pytest.mark.parametrize("kind", ["role with it", "admin"])
def test_the_gateway_admits_every_caller_whom_the_rules_admit(kind: str, actors: Actors) -> None:
    """Check this: a scope in `security` without a permission in x-atrium-allow would exclude
    everybody.
    """
    for operation in OPERATIONS:
        allowed = operation.declared["x-atrium-allow"]
        if any(isinstance(one, dict) and "permission" in one for one in allowed):
            assert expected(operation, ACTORS[kind](actors, operation)) is None, operation


def test_every_route_of_gateway_and_services_is_in_the_contract() -> None:
    """Compare the gateway's routes and the services' rules with the contract."""
    listed = {str(operation) for operation in OPERATIONS}
    template = (FILE.parent / "gateway.json").read_text()
    gateway = json.loads(re.sub(r"\$\{[^}]*\}", "", template))["paths"]
    assert {
        f"{way.upper()} {path}"
        for path in gateway
        for way in gateway[path]
        if way.upper() in METHODS
    } == listed
    assert {
        route for file in FUNCTIONS.glob("*.zip") for route in rules(file.read_bytes(), file.stem)
    } == listed


def test_the_stack_runs_this_contract(admin: Caller) -> None:
    """Compare the documents without the addresses, which are this stack's: tests/unit/test_meta.py."""
    served, packaged = admin.send("GET", "/v1/openapi.json").json, dict(read())
    assert served.pop("servers") == [{"url": admin.api_url}]
    del packaged["servers"]
    for document in (served, packaged):
        flows = document["components"]["securitySchemes"]["cognito"]["flows"]
        del flows["authorizationCode"]["authorizationUrl"], flows["authorizationCode"]["tokenUrl"]
    assert served == packaged


def test_a_rule_looser_than_the_contract_is_detected(actors: Actors) -> None:
    """Deploy a service that admits every signed-in user where its contract demands a permission."""
    operation = next(
        one
        for one in OPERATIONS
        if not one.is_public and expected(one, actors.other_user(one)) == 403
    )
    actor = actors.other_user(operation)
    assert complaint(operation, actor, actor.ask(operation)) is None
    with loosened(actors.client, operation):
        told = complaint(operation, actor, actor.ask(operation))
    assert told is not None
    assert "the contract demands 403" in told
    assert complaint(operation, actor, actor.ask(operation)) is None


@contextmanager
def loosened(client: Client, operation: Operation) -> Iterator[None]:
    """Point `live` to a version of the service with looser rules, and restore it at the end."""
    service = next(
        one.stem
        for one in FUNCTIONS.glob("*.zip")
        if str(operation) in rules(one.read_bytes(), one.stem)
    )
    function, functions = client.outputs.functions[service], client.aws("lambda")
    built = (FUNCTIONS / f"{service}.zip").read_bytes()
    was = functions.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    changed = with_rule(
        built,
        service,
        str(operation),
        {
            "allow": [{"kind": "self"}],
            "current_authority": True,
            "recent_sign_in": None,
            "scopes": ["atrium/me"],
            "takes_query": False,
        },
    )
    mutant = functions.update_function_code(FunctionName=function, ZipFile=changed, Publish=True)[
        "Version"
    ]
    try:
        functions.update_alias(FunctionName=function, Name="live", FunctionVersion=mutant)
        yield
    finally:
        functions.update_alias(FunctionName=function, Name="live", FunctionVersion=was)
        functions.update_function_code(FunctionName=function, ZipFile=built)
        functions.delete_function(FunctionName=function, Qualifier=mutant)


def rules(zipped: bytes, service: str) -> dict[str, Any]:
    """Return the rules in a service's zip; none if it serves no route."""
    with zipfile.ZipFile(io.BytesIO(zipped)) as opened:
        name = f"{service}/rules.json"
        return dict(json.loads(opened.read(name))) if name in opened.namelist() else {}


def with_rule(zipped: bytes, service: str, route: str, rule: Any) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == f"{service}/rules.json":
                content = json.dumps(json.loads(content) | {route: rule}).encode()
            new.writestr(entry, content)
    return changed.getvalue()
