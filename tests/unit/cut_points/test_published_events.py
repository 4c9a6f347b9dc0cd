"""Events for other services: each change of a user is published once, in order per user."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jsonschema
import pytest
import yaml

from atrium.stores import audit, postgres, user_table
from event_pages import event_types, pages
from event_pages.handler import handler as event_pages
from publish_events import publishing
from publish_events.handler import handler as publish_events
from tests.unit.conftest import ROOT
from tests.unit.cut_points.flows import (
    ADMIN,
    MEMBER,
    after,
    delete_own,
    erase,
    people,
    set_status,
    token,
    uid,
)
from tests.unit.cut_points.stores import Stores

FOLDER = ROOT / "functions/publish_events"
SCHEMA = json.loads((FOLDER / "events.schema.json").read_text())


class KilledError(BaseException):
    """The end of a run's process."""


@dataclass
class Bus:
    """A stub of EventBridge and Lambda, as `publish_events` calls them."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)
    """Ids of events that PutEvents rejects once."""
    kill_after_put: bool = False
    failing: str | None = None
    """The call that fails: `put`, or a step of `event_pages`."""

    def put_events(self, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803  boto's names
        assert 1 <= len(Entries) <= 10
        if self.failing == "put":
            raise ConnectionError
        answers = [self._accept(entry) for entry in Entries]
        if self.kill_after_put:
            raise KilledError
        return {"Entries": answers}

    def _accept(self, entry: dict[str, Any]) -> dict[str, str]:
        id = json.loads(entry["Detail"])["id"]
        if id in self.rejected:
            self.rejected.remove(id)
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        assert entry["EventBusName"] == "test-events"
        datetime.fromisoformat(entry["Time"])
        self.entries.append(entry)
        return {"EventId": "of EventBridge"}

    def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803  boto's names
        assert FunctionName == "event_pages"
        if json.loads(Payload)["step"] == self.failing:
            return {"FunctionError": "Unhandled"}
        answer = event_pages(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def details(self, user: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(entry["Detail"]) for entry in self.entries]
        return [each for each in found if user in (None, each["user"])]

    def types(self, user: str) -> list[str]:
        of = zip(self.entries, self.details(), strict=True)
        return [entry["DetailType"] for entry, detail in of if detail["user"] == user]


@pytest.fixture
def bus(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    bus = Bus()
    monkeypatch.setattr(publishing, "client", lambda service: bus)
    monkeypatch.setenv("EVENT_BUS", "test-events")
    monkeypatch.setenv("EVENT_PAGES_FUNCTION", "event_pages")
    stores.database.run("TRUNCATE event_publishing")
    yield bus
    postgres.disconnect()


def rights(*actions: str) -> Any:
    """Return a step that writes audit events of rights, as the service `access` does."""

    def write(stores: Stores) -> None:
        for action in actions:
            item = audit.event("operator", action, {"role": "editor"}, uid(stores, MEMBER))
            user_table.transact([item])
            stores.settle()

    return write


def test_each_change_is_one_event_in_order(stores: Stores, bus: Bus) -> None:
    after(people, set_status("disabled"))(stores)
    stores.notes.clear()  # the client reads the version again
    after(set_status("active"), rights("role.granted", "right.revoked"), delete_own)(stores)
    stores.database.run("UPDATE users SET updated_at = now() - interval '2 hours' WHERE erase_at > now()")  # fmt: skip
    after(token(MEMBER), erase)(stores)
    member = uid(stores, MEMBER)
    publish_events({})
    assert bus.types(member) == [
        *("user.created", "user.disabled", "user.enabled", "rights.changed", "rights.changed"),
        *("user.deleted", "user.enabled", "user.deleted", "user.erased"),
    ]
    assert bus.types(uid(stores, ADMIN)) == ["user.created"]
    positions = [each["sequence"] for each in bus.details(member)]
    assert positions == sorted(positions)
    for entry, detail in zip(bus.entries, bus.details(), strict=True):
        envelope = {"source": entry["Source"], "detail-type": entry["DetailType"]}
        jsonschema.validate(envelope | {"detail": detail}, SCHEMA, format_checker=jsonschema.FormatChecker())  # fmt: skip
    before = len(bus.entries)
    assert publish_events({}) == {"state": "ended", "published": 0}
    assert len(bus.entries) == before


def test_a_restored_status_is_published_as_an_event(stores: Stores, bus: Bus) -> None:
    people(stores)
    stores.database.run(
        "INSERT INTO audit_events (id, uid, actor, action, changes) "
        "VALUES (gen_random_uuid(), :uid, 'outbox', 'user.status_restored', '{}')",
        uid=uid(stores, MEMBER),
    )
    publish_events({})
    assert bus.types(uid(stores, MEMBER)) == ["user.created", "user.enabled"]


def test_a_run_killed_before_the_mark_publishes_the_same_ids_again(
    stores: Stores, bus: Bus
) -> None:
    people(stores)
    bus.kill_after_put = True
    with pytest.raises(KilledError):
        publish_events({})
    [first, second] = bus.details()
    bus.kill_after_put = False
    assert publish_events({})["state"] == "another run is at work"
    stores.database.run("UPDATE event_publishing SET claimed_until = now()")
    assert publish_events({}) == {"state": "ended", "published": 2}
    assert bus.details() == [first, second, first, second]


@pytest.mark.parametrize(
    ("failing", "error"), [("put", ConnectionError), ("next", publishing.PagesFailedError)]
)
def test_a_run_can_begin_directly_after_a_failed_one(
    stores: Stores, bus: Bus, failing: str, error: type[Exception]
) -> None:
    people(stores)
    bus.failing = failing
    with pytest.raises(error):
        publish_events({})
    bus.failing = None
    assert publish_events({}) == {"state": "ended", "published": 2}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_rejected_event_delays_later_events_of_its_user(
    stores: Stores, bus: Bus, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pages, "PAGE", size)
    after(people, rights("role.granted", "role.revoked"))(stores)
    member = uid(stores, MEMBER)
    [[granted]] = stores.database.run(
        "SELECT id::text FROM audit_events WHERE uid = :uid AND action = 'role.granted'", uid=member
    )
    bus.rejected = {granted}
    with pytest.raises(publishing.NotAcceptedError, match="1 users"):
        publish_events({})
    assert bus.types(member) == ["user.created"]
    assert bus.types(uid(stores, ADMIN)) == ["user.created"]
    assert publish_events({})["published"] == 2
    actions = [each["action"] for each in bus.details(member)]
    assert actions == ["user.created", "role.granted", "role.revoked"]


def test_no_batch_has_two_events_of_a_user() -> None:
    events = [{"detail": {"user": user, "id": number}} for number, user in enumerate("aababc" * 9)]
    batches = list(publishing._batches(events))
    assert all(len({each["detail"]["user"] for each in batch}) == len(batch) for batch in batches)
    sent = [each for batch in batches for each in batch]
    for user in "abc":
        assert [each for each in sent if each["detail"]["user"] == user] == [
            each for each in events if each["detail"]["user"] == user
        ]
    many = [{"detail": {"user": number}} for number in range(25)]
    assert [len(batch) for batch in publishing._batches(many)] == [10, 10, 5]


def test_a_run_stops_in_time_and_the_next_continues(stores: Stores, bus: Bus) -> None:
    people(stores)
    assert publishing.run(has_time=lambda: False) == {"state": "time ended", "published": 0}
    assert publish_events({}) == {"state": "ended", "published": 2}


def test_the_migration_notes_exactly_the_actions_with_an_event_type(
    stores: Stores, bus: Bus
) -> None:
    others = ("user.changed", "user.exported", "order.placed", "attributes.changed", "mfa.enabled")
    people(stores)
    for action in (*event_types.ACTIONS, *others):
        stores.database.run(
            "INSERT INTO audit_events (id, uid, actor, action, changes) VALUES (gen_random_uuid(), :uid, 'test', :action, '{}')",
            uid=uid(stores, MEMBER),
            action=action,
        )  # fmt: skip
    publish_events({})
    noted = {each["action"] for each in bus.details(uid(stores, MEMBER))}
    assert noted == set(event_types.ACTIONS)
    allowed = [each["properties"] for each in SCHEMA["oneOf"]]
    assert {each["detail-type"]["const"] for each in allowed} == set(
        SCHEMA["properties"]["detail-type"]["enum"]
    )


def test_a_run_ends_before_its_claim() -> None:
    declared = yaml.safe_load((FOLDER / "function.yaml").read_text())
    assert declared["timeout"] < 60
    assert declared["async"]["retries"] == 0
