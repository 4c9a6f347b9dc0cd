"""Grants of the earlier layout: the API while both layouts are used, and the migration.

The migration is also killed and repeated.
"""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from atrium.identity import admins, grant_items, grants, legacy_grants
from atrium.identity.grant_items import GrantRecord, rfc3339
from atrium.runtime import clock
from atrium.stores import user_table
from migrate import items as migration
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tools.deploy import items as moving
from tools.laptop.answer import Answer

NOW = int(time.time())
LATER, MUCH_LATER, PAST = NOW + 1000, NOW + 9000, NOW - 5
USERS = sorted([ADMIN, ADA, BOB, EVE])


class KilledError(BaseException):
    """A kill of the process, possible at any line."""


def old_grant(
    service: Service, uid: str, scope: str = "*", end: int | None = None, **what: Any
) -> str:
    """Store the grant as the previous release did."""
    id = str(uuid.UUID(int=next(_numbers)))
    names = {
        "role": None,
        "action": None,
        "reason": "Why",
        "granted_by": ADMIN,
        "granted_at": "then",
    } | what
    record = GrantRecord(
        id=id, uid=uid, scope=scope, expires_at=rfc3339(end) if end else None, **names
    )
    for item in legacy_grants.items(record):
        service.table.put_item(TableName="atrium-test-UserAttributes", Item=item)
    return id


_numbers = itertools.count()


@pytest.fixture
def old(service: Service) -> Service:
    """Prepare a table of the previous release."""
    service.table.delete_item(
        TableName="atrium-test-UserAttributes", Key=grant_items.at(legacy_grants.STATE)
    )
    legacy_grants.cache.clear()
    for uid in (ADA, BOB):
        service.new_user(uid)
    service.new_role("reader", "document.read")
    service.delete("GRANT#")
    service.table.delete_item(
        TableName="atrium-test-UserAttributes", Key=grant_items.at((f"G#{ADMIN}", "*#ROLE#admin"))
    )
    old_grant(service, ADMIN, role="admin")
    user_table.transact([admins.joining(ADMIN)])
    return service


@pytest.fixture
def filled(old: Service) -> Service:
    """Store each kind of grant, and several grants of one right."""
    for end in (LATER, None, PAST):
        old_grant(old, ADA, end=end, role="reader")
    for end in (MUCH_LATER, LATER):
        old_grant(old, ADA, "document:7#1", end, action="read")
    old_grant(old, BOB, "document:*", role="reader")
    old_grant(old, BOB, "document:7", PAST, role="reader")
    return old


EXPECTED = {
    (ADMIN, "*#ROLE#admin", None),
    (ADA, "*#ROLE#reader", None),
    (ADA, "document:7#1#ACTION#read", MUCH_LATER),
    (BOB, "document:*#ROLE#reader", None),
}


def users(after: str, limit: int) -> Sequence[str]:
    return [uid for uid in USERS if uid > after][:limit]


def run(event: Mapping[str, Any]) -> dict[str, Any]:
    return migration.migrate(
        users, **{name: value for name, value in event.items() if name != "action"}
    )


def finish(sleeps: Callable[[float], None]) -> dict[str, Any]:
    return moving.finish(run, report=lambda _: None, sleep=sleeps)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Replace `time.sleep` by a change of the clock."""
    started = time.time()
    passed = 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    fake = SimpleNamespace(time=lambda: started + passed, sleep=lambda _: None)
    monkeypatch.setattr(migration, "time", fake)
    return sleep


def found(service: Service) -> set[tuple[str, str, int | None]]:
    return {
        (item["pk"][2:], item["sk"], item.get("expires_at"))
        for item in service.items("G#")
        if item["pk"] != "G#"
    }


def check_everything_moved(service: Service) -> None:
    assert found(service) == EXPECTED
    assert [item for item in service.items("U#") if item["sk"].startswith(("ROLE#", "PERM#"))] == []
    assert {(item["pk"], item["sk"]) for item in service.items("ON#")} == {
        ("ON#document#7#1", f"U#{ADA}#ACTION#read"),
        ("ON#document#*", f"U#{BOB}#ROLE#reader"),
    }
    for item in service.items("G#")[1:]:
        held = grants.find(grant_items.uid_of(item), item["id"])
        assert held == item, "its pointer does not lead to it"


def test_a_migration_moves_merges_and_deletes_grants(
    filled: Service, sleeps: Callable[[float], None]
) -> None:
    dry = moving.count(run, report=lambda _: None)
    assert dry == {
        "layout": "before",
        "dry_run": True,
        "users": 4,
        "moved": 4,
        "merged": 2,
        "expired": 2,
    }
    assert found(filled) == set()
    epochs = [filled.epoch(uid) for uid in USERS]
    assert finish(sleeps) == {"layout": "keyed", "users": 8, "moved": 4, "merged": 2, "expired": 2}
    check_everything_moved(filled)
    assert [filled.epoch(uid) for uid in USERS] == epochs, "nobody's rights have changed"
    again = finish(sleeps)
    assert (again["users"], again["moved"], again["merged"], again["expired"]) == (4, 0, 0, 0)


def test_a_killed_migration_continues_where_it_stopped(
    filled: Service, sleeps: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill each run at its third write, before or after it, until a run ends by itself."""
    transact, lives = user_table.transact, itertools.count()
    monkeypatch.setattr(migration, "USERS_AT_ONCE", 1)
    for life in lives:
        writes = itertools.count()

        def mortal(items: Any, life: int = life, writes: Iterator[int] = writes) -> None:
            write = next(writes)
            if write == 2 and life % 2:
                raise KilledError
            transact(items)
            if write == 2:
                raise KilledError

        monkeypatch.setattr(user_table, "transact", mortal)
        try:
            finish(sleeps)
            break
        except KilledError:
            continue
    assert life > 3
    monkeypatch.setattr(user_table, "transact", transact)
    finish(sleeps)
    check_everything_moved(filled)


def test_no_grant_is_invisible_during_the_migration(
    filled: Service, sleeps: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare the rights before and after each write of the migration."""
    transact = user_table.transact

    def watched(items: Any) -> None:
        transact(items)
        if any("Put" in item and item["Put"]["Item"]["pk"]["S"] == "G#" for item in items):
            legacy_grants.cache.clear()
        assert {grant.role for grant in grants.everywhere(ADA)} == {"reader"}
        assert [admins.is_permanent(grant) for grant in grants.everywhere(ADMIN)] == [True]
        assert {
            grant.action
            for grant in grants.covering([(ADA, "document", "7#1")])[ADA, "document", "7#1"]
        } >= {"read"}

    monkeypatch.setattr(user_table, "transact", watched)
    finish(sleeps)
    check_everything_moved(filled)


def make(service: Service, uid: str, **body: Any) -> Answer:
    return service.post(f"/v1/users/{uid}/grants", body)


@pytest.mark.parametrize("layout", ["before", "moving", "keyed"])
def test_the_api_works_in_each_layout(
    old: Service, layout: legacy_grants.Layout, sleeps: Callable[[float], None]
) -> None:
    earlier = old_grant(old, ADA, "document:1", role="reader") if layout != "keyed" else None
    if layout == "keyed":
        finish(sleeps)
    old.set_layout(layout)
    grant = make(old, ADA, role="reader", scope="document:7").json["id"]
    assert make(old, ADA, role="reader", scope="document:7").json["code"] == "grant_exists"
    path = f"/v1/users/{ADA}/grants"
    listed = [
        old.ask("GET", path, query={"limit": "1"}).json["items"]
        + old.ask("GET", path, query={"limit": "1", "cursor": cursor}).json["items"]
        for cursor in [old.ask("GET", path, query={"limit": "1"}).json["next_cursor"]]
        if cursor
    ]
    assert [sorted(each["id"] for each in page) for page in listed] == (
        [sorted([earlier, grant])] if earlier else []
    )
    if earlier:
        assert make(old, ADA, role="reader", scope="document:1").json["code"] == "grant_exists"
    for name in filter(None, (earlier, grant)):
        assert old.ask("GET", f"{path}/{name}").status == 200
        assert old.ask("DELETE", f"{path}/{name}", If_Match="*").status == 204
        assert old.ask("GET", f"{path}/{name}").status == 404
    assert old.items("ON#") == old.items(f"G#{ADA}") == []
    assert [item["sk"] for item in old.items(f"U#{ADA}")] == ["META"]


def test_the_previous_release_reads_grants_made_before_the_migration(old: Service) -> None:
    grant = make(old, ADA, role="reader", scope="document:7").json["id"]
    assert {(item["pk"], item["sk"]) for item in old.items("") if grant in item["sk"]} == {
        (f"U#{ADA}", f"ROLE#document:7#reader#{grant}"),
        ("ON#document#7", f"U#{ADA}#{grant}"),
    }


def test_a_container_stops_writing_the_earlier_layout_before_the_migration_moves_grants(
    old: Service, sleeps: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make(old, ADA, role="reader").status == 201  # the layout is cached now
    first = run({"action": "migrate_items"})
    assert first["seconds"] > legacy_grants.CACHE_SECONDS
    asked_at = clock.now()
    monkeypatch.setattr(
        clock, "now", lambda: asked_at[:1] + tuple(each + first["seconds"] for each in asked_at[1:])
    )
    monkeypatch.setattr(clock, "since", lambda moment: first["seconds"])
    make(old, BOB, role="reader")
    assert [item["sk"] for item in old.items(f"U#{BOB}")] == ["META"]


def test_a_new_environment_begins_in_the_newest_layout(old: Service) -> None:
    assert migration.prepare() == {"layout": "before"}, (
        "somebody is an administrator, so there are grants to move"
    )
    old.table.delete_item(TableName="atrium-test-UserAttributes", Key=grant_items.at(admins.KEY))
    assert migration.prepare() == {"layout": "keyed"}
    legacy_grants.cache.clear()
    assert legacy_grants.layout() == "keyed"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_grant_that_moves_during_a_request_is_changed_at_its_new_place(
    old: Service, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Move the grant after the request has read it and before it writes."""
    name, transact = old_grant(old, ADA, role="reader"), user_table.transact
    old.set_layout("moving")

    def be_late(items: Any) -> None:
        monkeypatch.setattr(user_table, "transact", transact)
        migration._move_user(ADA)
        transact(items)

    monkeypatch.setattr(user_table, "transact", be_late)
    body = {"expires_at": rfc3339(LATER)} if method == "PUT" else None
    path = f"/v1/users/{ADA}/grants/{name}"
    assert old.ask(method, path, body, If_Match="*").status in (200, 204)
    left = [] if method == "DELETE" else [(name, LATER)]
    assert [(grant.id, grant.expires_at) for grant in grants.whole(ADA)] == left


@pytest.mark.parametrize("earlier_is_dead", [True, False])
def test_a_grant_of_a_deleted_role_is_not_merged_into_one_of_its_new_namesake(
    old: Service, earlier_is_dead: bool
) -> None:
    """Check the end: that of the deleted role's grant must not be inherited."""
    dead, living = {"role": "reader"}, {"role": "reader", "role_generation": 3}
    earlier, moved = (dead, living) if earlier_is_dead else (living, dead)
    ends = (None, LATER) if earlier_is_dead else (LATER, None)
    ids = [old_grant(old, ADA, end=ends[0], **earlier)]
    ids.append(old.grant(ADA, expires_at=ends[1], **moved))
    migration._move_user(ADA)
    [left] = grants.whole(ADA)
    assert (left.id, left.generation, left.expires_at) == (ids[earlier_is_dead], 3, LATER)
    assert grants.find(ADA, left.id)


@pytest.mark.parametrize("moved_is_conditional", [True, False])
def test_a_merged_grant_neither_loses_its_condition_nor_inherits_a_later_end(
    old: Service, moved_is_conditional: bool
) -> None:
    """Merge an unconditional grant that ends soon and a conditional one that never ends."""
    conditional, plain = {"condition": '{"==":[1,1]}'}, {"end": LATER}
    first, second = (conditional, plain) if moved_is_conditional else (plain, conditional)
    old_grant(old, ADA, "document:7", role="reader", **first)
    migration._move_user(ADA)
    old_grant(old, ADA, "document:7", role="reader", **second)
    migration._move_user(ADA)
    [left] = grants.whole(ADA)
    assert (left.condition, left.expires_at) == (None, LATER)


def test_an_unreadable_grant_does_not_prevent_another_one(old: Service) -> None:
    old.put(pk=f"U#{ADA}", sk="ROLE#document:7#reader#x", role="reader", granted_by=ADMIN)
    assert make(old, ADA, role="reader", scope="document:7").status == 201
