"""Commands whose send fails, and the relay of the outbox, on a real Postgres and moto's table."""

from concurrent.futures import ThreadPoolExecutor

import pg8000.native
import pytest

from atrium.stores import commands, outbox, user_table
from outbox_relay import relay
from tests.unit.commands.requests import (
    broken,
    invite,
    item,
    make_due,
    meta_of,
    set_meta,
    set_status,
)
from tests.unit.events import OTHER, UID


def test_an_invitation_is_accepted_while_the_table_is_away_and_the_relay_sends_it(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        accepted = invite()
        make_due(office)
        assert relay.send_due() == 0  # still away: the row stays
    operation = accepted.json["id"]
    assert (accepted.status, user_table.item(*commands.key(operation))) == (202, None)
    assert relay.send_due() == 0  # not its turn yet
    make_due(office)
    assert relay.send_due() == 1
    assert (item(operation)["outcome"], item(operation)["command"]) == ("pending", "create_user")
    make_due(office)
    assert relay.send_due() == 1
    assert item(operation)["attempts"] == 1  # put once, then a reminder


def test_an_invitation_that_died_before_its_command_is_answered_again_and_the_relay_sends_it(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As nothing in the function can catch it."""

    def die(_: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(user_table, "transact", die)
        with pytest.raises(Killed):
            invite(key="k")
    again = invite(key="k")
    operation = again.json["id"]
    assert (again.status, again.headers["idempotency-replayed"]) == (202, "true")
    assert office.run("SELECT id::text, state FROM operations") == [[operation, "pending"]]
    make_due(office)
    assert relay.send_due() == 1
    assert item(operation)["command"] == "create_user"


def test_who_is_disabled_while_the_table_is_away_is_taken_out_by_the_relay(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("active", 1)
    for _ in range(2):
        make_due(office)
        assert relay.send_due() == 1
        assert meta_of(OTHER) == ("disabled", 2)  # once
    refused = set_status(OTHER, "active")
    assert (refused.status, refused.json["code"]) == (409, "operation_pending")


def test_a_row_that_recorded_no_status_is_of_somebody_who_was_active(
    office: pg8000.native.Connection,
) -> None:
    """An older release has written it."""
    assert set_status(OTHER, "disabled").status == 202
    office.run("UPDATE outbox SET arguments = arguments - 'previous_status'")
    [row] = office.run("SELECT id, command, arguments, actor FROM outbox")
    outbox.take_back(outbox.command(tuple(row)), "Nobody else is an administrator.")
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["active"]]


def test_the_relay_sends_what_was_authorised_when_it_was_written(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table was away for the first send, and the caller is revoked before the second."""
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    set_meta(UID, "disabled", 2)
    make_due(office)
    assert relay.send_due() == 1
    assert meta_of(OTHER) == ("disabled", 2)


@pytest.mark.usefixtures("revoked_meanwhile")
def test_what_the_relay_has_sent_before_the_request_could_stays(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was slow, and its caller revoked. The relay was first, so nothing may be taken back."""
    send = commands.send

    def be_late(command: commands.Command, access_epoch: int | None) -> None:
        with ThreadPoolExecutor(1) as relays:  # no request is served there
            relays.submit(send, command).result()
        send(command, access_epoch)

    monkeypatch.setattr(commands, "send", be_late)
    assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("disabled", 2)
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["disabled"]]
    assert office.run("SELECT state FROM operations") == [["pending"]]


def test_a_row_of_the_outbox_is_taken_by_one_relay_and_waits_longer_each_time(
    office: pg8000.native.Connection,
) -> None:
    invite()
    waits = []
    for _ in range(9):
        make_due(office)
        assert (len(outbox.take_due(10)), outbox.take_due(10)) == (1, [])
        [[minutes]] = office.run(
            "SELECT extract(epoch FROM due_at - now())::float / 60 FROM outbox"
        )
        waits.append(round(minutes))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
