"""Headers of deprecated operations (`x-atrium-deprecation`), through a service's handler."""

import pytest

from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from tests.unit.events import Context, answer, api_event
from tests.unit.service import service

DEPRECATED = {"Deprecation": "@1793491200", "Sunset": "Mon, 01 Nov 2027 00:00:00 GMT"}


def refuse(_: Request) -> Response:
    raise Problem(409, "conflict", "It cannot be done now.")


HANDLER = service(
    {
        "GET /v1/old": lambda _: response.json({}),
        "PUT /v1/old": refuse,
        "GET /v1/new": lambda _: response.json({}),
    },
    headers={"GET /v1/old": DEPRECATED, "PUT /v1/old": DEPRECATED},
)


@pytest.mark.parametrize(("route", "status"), [("GET /v1/old", 200), ("PUT /v1/old", 409)])
def test_each_response_of_a_deprecated_operation_has_the_headers(route: str, status: int) -> None:
    got = answer(HANDLER(api_event(route), Context()))
    assert got.status == status
    assert {name: got.headers[name.lower()] for name in DEPRECATED} == DEPRECATED
    assert set(DEPRECATED) <= set(got.headers["access-control-expose-headers"].split(", "))


def test_other_operations_have_no_deprecation_headers() -> None:
    got = answer(HANDLER(api_event("GET /v1/new"), Context()))
    assert not {"deprecation", "sunset"} & got.headers.keys()
