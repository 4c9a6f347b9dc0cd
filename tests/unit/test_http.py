"""The kernel's HTTP rules, through a service's handler."""

from typing import Any

import pytest

import meta
from atrium import api
from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import rules, session
from atrium.runtime import config
from atrium.stores import postgres, user_table
from tests.unit.conftest import Logs
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.build import gateway_responses
from tools.laptop.answer import Answer


def echo(request: Request) -> Response:
    return response.json(
        {
            "path": request.path,
            "query": request.query,
            "parameters": request.path_parameters,
            "header": request.headers.get("x-twice"),
            "body": request.body.decode(),
        }
    )


def fail(_: Request) -> Response:
    raise RuntimeError("secret of the inside")


def database_down(_: Request) -> Response:
    raise postgres.DatabaseUnavailableError("proxy.internal:5432 refused app")


def too_slow(_: Request) -> Response:
    raise postgres.DatabaseBusyError("57014", "canceling statement due to statement timeout")


def table_down(_: Request) -> Response:
    raise user_table.TableUnavailableError("throttled")


def forbid(_: Request) -> Response:
    raise Problem(403, "not_yours", "This is not yours.")


def mine(request: Request) -> Response:
    return response.json({"uid": request.caller.uid, "scopes": sorted(request.caller.scopes)})


ROUTES = {
    "POST /v1/echo": echo,
    "GET /v1/fail": fail,
    "GET /v1/database-down": database_down,
    "GET /v1/table-down": table_down,
    "GET /v1/too-slow": too_slow,
    "GET /v1/forbid": forbid,
    "GET /v1/mine": mine,
    "GET /v1/open-mine": mine,
}
handler = service(ROUTES, {"GET /v1/mine": SELF})


def call(event: dict[str, Any]) -> Answer:
    return answer(handler(event, Context()))


def test_an_operation_sees_the_whole_request() -> None:
    event = api_event(
        "POST /v1/echo", "body", {"X-Once": "1"}, query={"limit": ["5"], "tag": ["a", "b"]}
    )
    event["pathParameters"] = {"id": "7"}
    event["multiValueHeaders"]["X-Twice"] = ["a"]
    event["multiValueHeaders"]["x-twice"] = ["b", "c"]
    seen = call(event)
    assert seen.status == 200
    assert seen.json == {
        "path": "/dev/v1/echo",
        "query": {"limit": ["5"], "tag": ["a", "b"]},
        "parameters": {"id": "7"},
        "header": "a, b, c",
        "body": "body",
    }


def test_a_base64_body_is_decoded() -> None:
    event = api_event("POST /v1/echo", "eMOk") | {"isBase64Encoded": True}
    assert call(event).json["body"] == "xä"


def test_every_response_is_private_and_readable_across_origins() -> None:
    for route in ("GET /v1/forbid", "POST /v1/echo"):
        headers = call(api_event(route)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["access-control-allow-origin"] == "*"
        assert "ETag" in headers["access-control-expose-headers"]
        assert headers["vary"] == "Accept-Encoding"
        for name, value in gateway_responses.SECURITY.items():
            assert headers[name.lower()] == value


def test_an_error_is_a_problem_of_rfc_9457() -> None:
    refused = call(api_event("GET /v1/forbid"))
    assert (refused.status, refused.headers["content-type"]) == (403, "application/problem+json")
    assert refused.json == {
        "type": "/docs/errors.html#not_yours",
        "title": "Forbidden",
        "status": 403,
        "detail": "This is not yours.",
        "code": "not_yours",
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }


def test_the_type_of_a_problem_is_in_the_environments_documentation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config.optional.cache_clear()
    monkeypatch.setenv("PROBLEM_TYPES", "https://docs.example.org/errors.html#")
    refused = call(api_event("GET /v1/forbid"))
    config.optional.cache_clear()
    assert refused.json["type"] == "https://docs.example.org/errors.html#not_yours"


def test_an_unknown_route_is_404() -> None:
    assert (call(api_event("GET /v1/nowhere")).status, call(api_event("GET /v1/echo")).status) == (
        404,
        404,
    )


def test_an_uncaught_exception_is_a_500_and_logged_with_its_traceback(logs: Logs) -> None:
    failed = call(api_event("GET /v1/fail"))
    assert (failed.status, failed.json["code"]) == (500, "internal_error")
    assert "secret" not in failed.text
    line = logs.line()
    assert (line["level"], line["status"]) == ("ERROR", 500)
    assert line["error"]["type"] == "RuntimeError"
    assert "in fail" in line["error"]["stack"]


@pytest.mark.parametrize(
    "route", ["GET /v1/database-down", "GET /v1/table-down", "GET /v1/too-slow"]
)
def test_an_unreachable_store_is_503_with_retry_after(route: str, logs: Logs) -> None:
    down = call(api_event(route))
    assert (down.status, down.json["code"]) == (503, "unavailable")
    assert int(down.headers["retry-after"]) > 0
    assert not {"proxy.internal", "canceling"} & set(down.text.split())
    assert "error" in logs.line()


def test_one_log_line_has_the_outcome_and_the_cost(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    def busy(request: Request) -> Response:
        postgres.round_trips += 2
        return response.json({})

    monkeypatch.setattr(session, "verify", lambda token, current: session.claims_of(token))
    monkeypatch.setenv(
        "_X_AMZN_TRACE_ID",
        "Root=1-58406520-a006649127e371903a2de979;Parent=53995c3f42cd8ad8;Sampled=0",
    )
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    service({"GET /v1/busy": busy}, {"GET /v1/busy": SELF})(
        api_event(
            "GET /v1/busy",
            headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
            token=claims(),
        ),
        Context(),
    )
    line = logs.line()
    assert line.pop("duration_ms") >= 0
    assert isinstance(line.pop("cold"), bool)
    assert line == {
        "level": "INFO",
        "message": "request",
        "service": "service",
        "stage": "test",
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "trace_id": trace,
        "xray_trace_id": "1-58406520-a006649127e371903a2de979",
        "route": "GET /v1/busy",
        "status": 200,
        "uid": UID,
        "sql_round_trips": 2,
        "dynamodb_calls": 0,
    }


def test_a_route_is_closed_unless_declared_public() -> None:
    """Check this even for a request that the gateway let through without an authorizer."""
    assert (
        call(api_event("GET /v1/mine")).status,
        call(api_event("GET /v1/mine")).json["code"],
    ) == (
        401,
        "token_unusable",
    )


def test_a_public_route_has_no_caller_even_with_a_token() -> None:
    assert call(api_event("GET /v1/open-mine", token=claims())).json["code"] == "token_missing"


def test_a_route_without_rules_keeps_a_service_from_starting() -> None:
    with pytest.raises(rules.RulesMissingError, match=r"lacks GET /v1/typo\. Run `make build`"):
        api.api(meta.__name__, {"GET /v1/health": mine, "GET /v1/typo": mine})
