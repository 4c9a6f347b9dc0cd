"""Parameters of path and query, and links back to the API, through a service's handler."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Email
from local_aws_tests.support.generated import given
from tests.unit.events import Context, answer, api_event
from tests.unit.service import service
from tools.laptop.answer import Answer

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
FILTER, ONE, NAMED = "GET /v1/orders", "GET /v1/orders/{id}", "GET /v1/roles/{role}"


class Filter(msgspec.Struct, kw_only=True):
    status: Literal["placed", "paid"] | None = None
    email: Email | None = None
    tag: list[str] = []
    since: datetime | None = None
    most: Annotated[int, msgspec.Meta(ge=0)] | None = None
    share: float | None = None
    is_open: bool | None = msgspec.field(default=None, name="open")
    customer: UUID | None = None


def find(request: Request) -> Response:
    return response.json(request.parameters(Filter))


def read(request: Request) -> Response:
    return response.json({"id": request.uuid("id"), "href": request.href("/v1/orders/8")})


def name(request: Request) -> Response:
    return response.json(
        {"role": request.path_parameters["role"], "href": request.href("/v1/orders/8")}
    )


handler = service({FILTER: find, ONE: read, NAMED: name})


def get(route: str, query: Mapping[str, list[str]] | None = None, **event: Any) -> Answer:
    return answer(handler(api_event(route, query=query) | event, Context()))


def wrong(refused: Answer) -> dict[str, str]:
    assert (refused.status, refused.json["code"]) == (400, "parameters_invalid"), refused.text
    return {error["parameter"]: error["detail"] for error in refused.json["errors"]}


def test_a_query_is_decoded_into_the_model() -> None:
    sent = {
        "status": ["paid"],
        "email": ["Ada@EXAMPLE.org"],
        "tag": ["a", "b"],
        "since": ["2026-01-31T12:00:00+01:00"],
        "most": ["5"],
        "share": ["0.5"],
        "open": ["true"],
        "customer": [ID],
    }
    assert get(FILTER, sent).json == {
        "status": "paid",
        "email": "Ada@example.org",
        "tag": ["a", "b"],
        "since": "2026-01-31T11:00:00Z",
        "most": 5,
        "share": 0.5,
        "open": True,
        "customer": ID,
    }


def test_every_invalid_parameter_is_named_at_once() -> None:
    sent = {
        "status": ["lost"],
        "most": ["-1"],
        "is_open": ["true"],
        "since": ["a", "b"],
        "customer": ["7"],
    }
    assert wrong(get(FILTER, sent)) == {
        "customer": "Invalid UUID",
        "is_open": "This parameter is unknown",
        "most": "Expected `int` >= 0",
        "since": "This parameter must not be repeated",
        "status": "Invalid enum value 'lost'",
    }


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("since", "2026-01-31T12:00:00"), ("since", "2026-01-31"), ("since", "1767225600"), ("since", ""), ("since", "9999-12-31T23:59:59-01:00"),
        ("most", "9007199254740992"), ("most", "1e2"), ("most", "5.0"), ("most", "true"), ("most", "05"),
        ("share", "nan"), ("share", "inf"), ("share", "1e300"),
        ("open", "1"), ("open", "True"), ("open", "yes"),
        ("status", "null"), ("email", "null"), ("tag", "a\x00b"), ("tag", "a\nb"), ("tag", "\x9f"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(parameter: str, value: str) -> None:
    assert wrong(get(FILTER, {parameter: [value]})).keys() == {parameter}


@given(st.dictionaries(st.sampled_from(["status", "since", "most", "share", "open", "customer", "email", "x"]), st.lists(st.text(), min_size=1, max_size=2)))  # fmt: skip
def test_no_query_causes_a_500(query: dict[str, list[str]]) -> None:
    assert get(FILTER, query).status in (200, 400)


def test_at_most_100_errors_are_reported() -> None:
    assert len(wrong(get(FILTER, {f"x{number}": ["1"] for number in range(200)}))) == 100


@pytest.mark.parametrize(
    "id", ["7", "", f"{{{ID}}}", ID.replace("-", ""), f"urn:uuid:{ID}", ID[:-1] + "g", ID + "0"]
)
def test_an_id_is_a_uuid_in_its_canonical_form(id: str) -> None:
    assert wrong(get(ONE, pathParameters={"id": id})) == {"id": "Must be a UUID"}


def test_an_id_may_be_in_upper_case() -> None:
    assert get(ONE, pathParameters={"id": ID.upper()}).json["id"] == ID


def test_a_path_parameter_is_decoded_once() -> None:
    """Check this, because a REST API passes the path on without decoding it."""
    assert get(NAMED, pathParameters={"role": "a%20%C3%A9%252F"}).json["role"] == "a é%2F"


@pytest.mark.parametrize("role", ["a%00", "a%0Ab", "%7f", "%C2%85"])
def test_a_path_parameter_has_no_control_characters(role: str) -> None:
    assert wrong(get(NAMED, pathParameters={"role": role})).keys() == {"role"}


@pytest.mark.parametrize(
    ("path", "href"),
    [
        (f"/dev/v1/orders/{ID}", "/dev/v1/orders/8"),
        (f"/v1/orders/{ID}", "/v1/orders/8"),
        (f"/v1/v1/orders/{ID}", "/v1/v1/orders/8"),
        (f"/shop/v1/orders/{ID}/", "/shop/v1/orders/8"),
        (f"//v1/orders/{ID}", "/v1/orders/8"),  # not `//v1/…`, which would be the host v1
        (f"/dev//v1/orders/{ID}", "/dev/v1/orders/8"),
    ],
)
def test_a_link_keeps_the_prefix_of_the_request(path: str, href: str) -> None:
    event = api_event(ONE)
    context = event["requestContext"] | {"path": path}
    assert get(ONE, pathParameters={"id": ID}, requestContext=context).json["href"] == href
