"""Retries, keys, entity tags, pages and errors."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from atrium_client import ApiError, Atrium, errors

from tests.unit.python_client.api import Answer, Api, answer, problem, signed_in

ORDER: dict[str, object] = {"id": "7", "status": "placed"}
ME: Any = {"email": "ada@example.org"}


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("the connection broke", request=request)


def at(date: str, now: str) -> httpx.Response:
    return answer(503, Retry_After=date, Date=now)


@pytest.mark.parametrize(
    ("failed", "least", "most"),
    [
        (answer(503), 0.1, 0.2),
        (answer(429, Retry_After="7"), 7, 7),
        (at("Fri, 27 Nov 2026 10:00:09 GMT", "Fri, 27 Nov 2026 10:00:00 GMT"), 9, 9),
        (at("Fri, 27 Nov 2026 10:00:00 GMT", "Fri, 27 Nov 2026 10:00:09 GMT"), 0.1, 0.2),
        (answer(503, Retry_After="soon"), 0.1, 0.2),
        (lost, 0.1, 0.2),
    ],
)
def test_a_transient_failure_is_retried_when_the_server_asks(
    failed: httpx.Response | Answer, least: float, most: float, waits: list[float]
) -> None:
    api = Api([failed, answer(200, ME)])
    assert api.client(signed_in()).read_me() == ME
    assert len(waits) == 1
    assert least <= waits[0] <= most


def place(atrium: Atrium) -> object:
    return atrium.place_order({"lines": [{"coffee": "c", "quantity": 1}]})


def patch(atrium: Atrium) -> object:
    return atrium.change_me({"locale": "de"}, if_match="*")


@pytest.mark.parametrize(
    ("failed", "call", "sent"),
    [
        (answer(503), Atrium.read_me, 4),
        (lost, Atrium.read_me, 4),
        (answer(503), place, 4),
        (answer(503), patch, 1),
        (lost, patch, 1),
        (answer(503, Retry_After="21"), Atrium.read_me, 1),
        (answer(500), Atrium.read_me, 1),
    ],
)
def test_the_number_of_retries_is_limited(
    failed: httpx.Response | Answer, call: Callable[[Atrium], object], sent: int, waits: list[float]
) -> None:
    api = Api([failed])
    with pytest.raises((ApiError, httpx.TransportError)):
        call(api.client(signed_in()))
    assert (len(api.sent), len(waits)) == (sent, sent - 1)


def consent(atrium: Atrium) -> object:
    return atrium.give_my_consent({"version": "1"}, if_match="*")


def delete(atrium: Atrium) -> object:
    return atrium.delete_role("reader", if_match="*")


@pytest.mark.parametrize(
    ("call", "first", "refusal", "expected"),
    [
        (consent, lost, 412, "the connection broke"),
        (consent, answer(504), 412, "504"),
        (consent, answer(429), 412, "412"),
        (consent, answer(504), 403, "403"),
        (delete, answer(503), 404, "503"),
    ],
)
def test_a_retry_after_a_lost_answer_does_not_report_a_conflict(
    call: Callable[[Atrium], object],
    first: httpx.Response | Answer,
    refusal: int,
    expected: str,
    waits: list[float],
) -> None:
    api = Api([first, answer(refusal)])
    with pytest.raises((ApiError, httpx.TransportError)) as raised:
        call(api.client(signed_in()))
    assert expected in str(getattr(raised.value, "status", raised.value))


def test_a_repeated_post_keeps_its_idempotency_key_and_the_next_has_another(
    waits: list[float],
) -> None:
    api = Api([lost, answer(201, ORDER), answer(201, ORDER)])
    atrium = api.client(signed_in())
    assert place(atrium) == place(atrium) == ORDER
    first, repeated, next_one = (request.headers["Idempotency-Key"] for request in api.sent)
    assert first == repeated != next_one


def test_a_change_sends_the_tag_of_what_was_read() -> None:
    stale = problem(412, "stale", detail="Read it again.")
    api = Api([answer(200, ME, ETag='"7"'), answer(200, ME, ETag='"8"'), stale])
    atrium = api.client(signed_in())
    me = atrium.read_me()
    changed = atrium.change_me({"locale": "de"}, if_match=me)
    with pytest.raises(errors.StaleError, match=r"Read it again\.") as refused:
        atrium.change_me({"locale": None}, if_match=changed)
    assert isinstance(refused.value, errors.PreconditionFailedError)
    assert [request.headers.get("If-Match") for request in api.sent] == [None, '"7"', '"8"']
    assert api.sent[2].headers["Content-Type"] == "application/merge-patch+json"
    assert api.sent[2].content == b'{"locale":null}'
    with pytest.raises(ValueError, match="no entity tag"):
        atrium.change_me({}, if_match={"email": "made by hand"})


def test_a_page_is_read_when_its_first_item_is_needed() -> None:
    first, second = (
        {"items": [{"id": "a"}, {"id": "b"}], "next_cursor": "n"},
        {"items": [{"id": "c"}], "next_cursor": None},
    )
    api = Api([answer(200, first), answer(200, second)])
    orders = api.client(signed_in()).list_orders(status="placed", limit=2)
    assert not api.sent
    read = iter(orders)
    assert [next(read)["id"], next(read)["id"]] == ["a", "b"]
    assert len(api.sent) == 1
    assert [one["id"] for one in read] == ["c"]
    assert [dict(request.url.params) for request in api.sent] == [
        {"status": "placed", "limit": "2"},
        {"status": "placed", "limit": "2", "cursor": "n"},
    ]


def test_a_name_in_a_path_is_encoded() -> None:
    api = Api([answer(200, {"role": "x"})])
    api.client(signed_in()).read_role("a/../b?c")
    assert api.sent[0].url.raw_path == b"/v1/roles/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_changes_the_path_is_refused(name: str) -> None:
    """Check the names that would end all sessions of a user instead of one."""
    api = Api([answer(204)])
    with pytest.raises(ValueError, match="cannot be part of a path"):
        api.client(signed_in()).end_session("u", name)
    assert api.sent == []


@pytest.mark.parametrize(
    ("refused", "kind", "code", "said"),
    [
        (
            problem(409, "email_taken", detail="It is taken."),
            errors.EmailTakenError,
            "email_taken",
            "It is taken.",
        ),
        (
            problem(409, "newer_than_the_client"),
            errors.ConflictError,
            "newer_than_the_client",
            "No",
        ),
        (problem(418, "newer_than_the_client"), ApiError, "newer_than_the_client", "No"),
        (httpx.Response(400, text="no subject"), errors.BadRequestError, None, "no subject"),
        (answer(502), errors.BadGatewayError, None, "The API answered 502."),
        (problem(404, "not_found"), errors.NotFoundError, "not_found", "No"),
    ],
)
def test_an_error_has_the_class_of_its_code_or_else_of_its_status(
    refused: httpx.Response, kind: type[ApiError], code: str | None, said: str, waits: list[float]
) -> None:
    with pytest.raises(ApiError) as caught:
        Api([refused]).client(signed_in()).read_me()
    assert (type(caught.value), caught.value.code, str(caught.value)) == (kind, code, said)


def test_a_redirect_is_an_error_and_not_followed() -> None:
    moved = httpx.Response(302, text="<html>", headers={"Location": "https://evil.example/v1/me"})
    api = Api([moved])
    with pytest.raises(ApiError) as refused:
        api.client(signed_in()).read_me()
    assert (refused.value.status, len(api.sent)) == (302, 1)
