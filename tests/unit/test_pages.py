"""Lists through a route: pages, links and cursors, with the keys in moto's DynamoDB."""

import base64
import re
import time
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from atrium.http.request import Request
from atrium.http.response import Response
from atrium.paging import cursor, pages
from atrium.runtime import clock
from atrium.stores import dynamodb, signing_keys, user_table
from atrium.stores.user_table import Meta
from migrate import signing_keys as making
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer

OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
ROUTE = "GET /v1/numbers"


class Number(msgspec.Struct):
    value: int


class NumberFilter(pages.Parameters):
    sort: Literal["value", "-value"] = "value"


def numbers(request: Request) -> Response:
    """Return the numbers from 0 to 249."""
    filter = request.parameters(NumberFilter)
    page = pages.requested(request, filter)
    step = 1 if filter.sort == "value" else -1
    [after] = page.after or ((-1,) if step == 1 else (250,))
    rows = [Number(value) for value in range(after + step, 250 if step == 1 else -1, step)][
        : page.limit + 1
    ]
    return pages.answer(request, page, rows, key=lambda number: (number.value,))


def one(request: Request) -> Response:
    return pages.answer(
        request, pages.requested(request), [1, 2, 3][:2], key=lambda number: (number,)
    )


OPEN = "GET /v1/open"
handler = service({ROUTE: numbers, OPEN: one}, {ROUTE: SELF})


@pytest.fixture(autouse=True)
def keys(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    making.make(rotate=False)
    monkeypatch.setattr(user_table, "meta", lambda uid: Meta("active", 1, 1))


def get(uid: str = UID, route: str = ROUTE, **query: Any) -> Answer:
    sent = {name: [value] if isinstance(value, str) else value for name, value in query.items()}
    return answer(handler(api_event(route, query=sent or None, token=claims(uid=uid)), Context()))


def values(got: Answer) -> list[int]:
    assert got.status == 200, got.text
    return [item["value"] for item in got.json["items"]]


def test_the_pages_contain_everything_once_and_end() -> None:
    got, seen = get(limit="100"), []
    while True:
        seen += values(got)
        if got.json["next_cursor"] is None:
            break
        got = get(limit="100", cursor=got.json["next_cursor"])
    assert seen == list(range(250))
    assert "link" not in got.headers


def test_the_link_leads_to_the_next_page_with_the_same_parameters() -> None:
    got = get(limit="2", sort="-value")
    found = re.fullmatch(r'<(.+)>; rel="next"', got.headers["link"])
    assert found
    target = urlsplit(found[1])
    assert target.path == "/dev/v1/numbers"
    query: dict[str, Any] = dict(parse_qs(target.query))
    assert query == {"limit": ["2"], "sort": ["-value"], "cursor": [got.json["next_cursor"]]}
    assert values(get(**query)) == [247, 246]


def test_the_default_limit_is_twenty() -> None:
    assert values(get()) == list(range(20))


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "x", "", "1.5", "1e2", "9" * 5000, "٣", "null"]
)
def test_a_limit_is_a_number_from_1_to_100(limit: str) -> None:
    refused = get(limit=limit)
    assert (refused.status, refused.json["code"]) == (400, "parameters_invalid")
    assert [error["parameter"] for error in refused.json["errors"]] == ["limit"]


def test_every_invalid_parameter_is_named_at_once() -> None:
    refused = get(limit="0", sort="name", ascending="yes", cursor=["a", "b"])
    assert [error["parameter"] for error in refused.json["errors"]] == [
        "ascending",
        "cursor",
        "limit",
        "sort",
    ]


def invalid(refused: Answer) -> bool:
    assert (refused.status, refused.json["code"]) == (400, "cursor_invalid"), refused.text
    assert [error["parameter"] for error in refused.json["errors"]] == ["cursor"]
    return True


def test_only_the_limit_may_change_between_pages() -> None:
    given = get(limit="2", sort="-value").json["next_cursor"]
    assert values(get(limit="3", sort="-value", cursor=given)) == [247, 246, 245]
    assert invalid(get(cursor=given))
    assert invalid(get(sort="-value", cursor=given, uid=OTHER))
    assert invalid(get(cursor=given, route=OPEN))


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "",
        "1",
        "1.",
        "1..",
        "..",
        "1.W10.",
        "-1.W10.x",
        "2.W10.x",
        "9" * 400 + ".W10.x",
        "\u0661.W10.x",
        "1.é.é",
        "a.b.c.d",
    ],
)
def test_an_invalid_cursor_is_refused(garbage: str) -> None:
    assert invalid(get(cursor=garbage))


def test_a_cursor_with_any_changed_character_is_refused() -> None:
    given = get().json["next_cursor"]
    for place in range(len(given)):
        assert invalid(
            get(cursor=given[:place] + ("A" if given[place] != "A" else "B") + given[place + 1 :])
        )
    assert values(get(cursor=given))[0] == 20


def test_a_cursor_is_valid_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    given = get().json["next_cursor"]
    now = time.time()
    monkeypatch.setattr(cursor, "time", SimpleNamespace(time=lambda: now + 23.9 * 3600))
    assert values(get(cursor=given))
    monkeypatch.setattr(cursor, "time", SimpleNamespace(time=lambda: now + 24 * 3600))
    assert invalid(get(cursor=given))


def test_after_a_rotation_the_newest_key_signs_and_all_verify(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = get().json["next_cursor"]
    assert making.make(rotate=False) == {"made": {}}
    for _ in range(10):
        making.make(rotate=True)
    assert get().json["next_cursor"].startswith("1.")  # the container has not read the new key yet
    later = SimpleNamespace(monotonic=lambda: signing_keys.CACHE_SECONDS + 1e9, time=time.time)
    monkeypatch.setattr(clock, "time", later)
    newest = get().json["next_cursor"]
    assert newest.startswith("11.")
    assert values(get(cursor=first)) == values(get(cursor=newest))


def test_a_cursor_of_an_unknown_key_reloads_the_keys() -> None:
    given = get().json["next_cursor"]
    old = dict(signing_keys.cache)
    making.make(rotate=True)
    signing_keys.cache.clear()
    newer = get().json["next_cursor"]
    signing_keys.cache.update(old)
    assert values(get(cursor=newer)) == values(get(cursor=given))


def test_a_list_of_one_page_needs_no_key() -> None:
    get(route=OPEN)
    before = dynamodb.calls
    got = get(route=OPEN)
    assert (got.json, dynamodb.calls) == ({"items": [1, 2], "next_cursor": None}, before)


def test_a_key_is_random_and_long(table: Any) -> None:
    [first] = user_table.signing_keys("cursor").values()
    making.make(rotate=True)
    secrets = user_table.signing_keys("cursor")
    assert secrets.keys() == {1, 2}
    assert secrets[1] == first != secrets[2]
    assert {len(secret) for secret in secrets.values()} == {32}
    assert base64.b64encode(first) not in get().text.encode()


def test_a_list_without_a_key_fails_with_the_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_table, "signing_keys", lambda purpose: {})
    assert get().status == 500
    assert "make_signing_keys" in capsys.readouterr().out
