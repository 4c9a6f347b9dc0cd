"""Validity of tokens, through an authenticated route, with a fake of the table's reads."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import session
from atrium.runtime import clock
from atrium.stores import user_table
from atrium.stores.user_table import Meta
from tests.unit.conftest import Logs
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer


def whoami(request: Request) -> Response:
    caller = request.caller
    return response.json(
        {"uid": caller.uid, "sub": caller.sub, "roles": caller.roles, "epoch": caller.access_epoch}
    )


handler = service({"GET /v1/whoami": whoami}, {"GET /v1/whoami": SELF})


def call(**changed: str) -> Answer:
    return answer(handler(api_event("GET /v1/whoami", token=claims(**changed)), Context()))


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in claims().items() if key != name}


@dataclass
class Metas:
    """The META of each user, the number of its reads, and the clock of the cache."""

    items: dict[str, Meta] = field(default_factory=lambda: {UID: Meta("active", 1, 1)})
    reads: int = 0
    now: float = 1000.0  # of both the monotonic and the wall clock
    down: bool = False

    def read(self, uid: str) -> Meta | None:
        self.reads += 1
        if self.down:
            raise user_table.TableUnavailableError("throttled")
        return self.items.get(uid)


@pytest.fixture
def metas(monkeypatch: pytest.MonkeyPatch) -> Metas:
    fake = Metas()
    monkeypatch.setattr(user_table, "meta", fake.read)
    both = SimpleNamespace(monotonic=lambda: fake.now, time=lambda: fake.now)
    monkeypatch.setattr(clock, "time", both)
    monkeypatch.setattr(session, "time", both)
    return fake


def test_a_valid_token_gives_the_operation_its_caller(metas: Metas) -> None:
    assert call(roles="admin editor").json == {
        "uid": UID,
        "sub": claims()["sub"],
        "roles": ["admin", "editor"],
        "epoch": 1,
    }


@pytest.mark.parametrize(
    "meta", [Meta("active", 2, 2), Meta("disabled", 1, 2), None], ids=["epoch", "status", "gone"]
)
def test_a_token_that_differs_from_the_table_is_stale(metas: Metas, meta: Meta | None) -> None:
    metas.items = {UID: meta} if meta else {}
    refused = call()
    assert (refused.status, refused.json["code"]) == (401, "token_stale")


def test_the_table_is_read_once_in_30_seconds(metas: Metas) -> None:
    for _ in range(3):
        assert call().status == 200
    assert metas.reads == 1
    metas.now += 29.9
    metas.items[UID] = Meta("active", 2, 2)
    assert call().status == 200
    metas.now += 0.2
    assert call().status == 401


def test_a_container_that_lambda_froze_reads_the_table_again(
    metas: Metas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop the monotonic clock, as a freeze does. The wall clock may also be set back."""
    assert call().status == 200
    monkeypatch.setattr(
        clock, "time", SimpleNamespace(monotonic=lambda: metas.now, time=lambda: metas.now + 31)
    )
    metas.items[UID] = Meta("active", 2, 2)
    assert call().status == 401
    assert call(access_epoch="2").status == 200
    monkeypatch.setattr(
        clock,
        "time",
        SimpleNamespace(monotonic=lambda: metas.now + 31, time=lambda: metas.now - 3600),
    )
    metas.items[UID] = Meta("active", 3, 3)
    assert call(access_epoch="2").status == 401


def test_a_token_newer_than_the_cached_meta_is_accepted_at_once(metas: Metas) -> None:
    assert call().status == 200
    metas.items[UID] = Meta("active", 2, 2)
    assert call(access_epoch="2").status == 200
    assert call(access_epoch="1").status == 401


def test_a_refused_token_is_accepted_once_the_user_is_active_again(metas: Metas) -> None:
    metas.items[UID] = Meta("disabled", 1, 2)
    assert call().status == 401
    metas.items[UID] = Meta("active", 1, 3)
    assert call().status == 200


def test_a_token_is_stale_once_a_role_in_it_has_expired(metas: Metas) -> None:
    """Check this, because nothing writes to the table then, so epoch and status stay the same."""
    metas.now = 1999.9
    assert call(roles="admin", roles_until="2000").status == 200
    metas.now = 2000.0
    refused = call(roles="admin", roles_until="2000")
    assert (refused.status, refused.json["code"]) == (401, "token_stale")
    assert call(roles="").status == 200


def test_users_do_not_share_a_cache_entry(metas: Metas) -> None:
    assert call().status == 200
    assert call(uid="01890a5d-ac96-774b-bcce-b302099a8058").status == 401


def test_an_unreadable_table_closes_the_route(metas: Metas, logs: Logs) -> None:
    metas.down = True
    refused = call()
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
    assert "retry-after" in refused.headers
    assert "throttled" in logs.line()["error"]["stack"]


def test_an_outage_does_not_prolong_the_cache(metas: Metas) -> None:
    assert call().status == 200
    metas.down = True
    assert call().status == 200
    metas.now += 30
    assert call().status == 503


@pytest.mark.parametrize(
    "token",
    [
        claims(token_use="id"),
        _without("uid"),
        _without("access_epoch"),
        claims(access_epoch="one"),
        claims(roles_until="soon"),
        _without("auth_time"),
        {},
    ],
    ids=["id token", "no uid", "no epoch", "bad epoch", "bad end", "no time", "nothing"],
)
def test_a_token_with_malformed_claims_is_unusable(metas: Metas, token: dict[str, str]) -> None:
    refused = answer(handler(api_event("GET /v1/whoami", token=token), Context()))
    assert (refused.status, refused.json["code"]) == (401, "token_unusable")
    assert metas.reads == 0


def test_the_cache_is_bounded(metas: Metas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_CACHE_ENTRIES", 3)
    for number in range(10):
        metas.items[str(number)] = Meta("active", 1, 1)
        assert call(uid=str(number)).status == 200
    assert len(session.cache) <= 3
