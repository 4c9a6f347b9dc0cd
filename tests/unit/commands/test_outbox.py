"""The outbox: commands that could not be sent, and the relay that sends them later.

Postgres is real, and the table is moto's.
"""

from concurrent.futures import ThreadPoolExecutor

import pg8000.native
import pytest

from atrium.identity import commands, outbox
from atrium.stores import user_table
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


def test_the_relay_sends_an_invitation_accepted_while_the_table_was_down(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        accepted = invite()
        make_due(office)
        assert relay.send_due() == 0  # the table is still down, so the row stays
    operation = accepted.json["id"]
    assert (accepted.status, user_table.item(*commands.key(operation))) == (202, None)
    assert relay.send_due() == 0  # the row is not due yet
    make_due(office)
    assert relay.send_due() == 1
    assert (item(operation)["outcome"], item(operation)["command"]) == ("pending", "create_user")
    make_due(office)
    assert relay.send_due() == 1
    assert item(operation)["attempts"] == 1  # the second send does not create a second command


def test_the_relay_sends_an_invitation_whose_request_died_before_sending(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """A kill that no handler in the function catches."""

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


def test_the_relay_disables_a_user_in_the_pool_after_an_outage_of_the_table(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("active", 1)
    for _ in range(2):
        make_due(office)
        assert relay.send_due() == 1
        assert meta_of(OTHER) == ("disabled", 2)  # once only
    refused = set_status(OTHER, "active")
    assert (refused.status, refused.json["code"]) == (409, "operation_pending")


def test_an_outbox_row_without_a_status_is_of_an_active_user(
    office: pg8000.native.Connection,
) -> None:
    """Check a row that an older release has written."""
    assert set_status(OTHER, "disabled").status == 202
    office.run("UPDATE outbox SET arguments = arguments - 'previous_status'")
    [row] = office.run("SELECT id, command, arguments, actor FROM outbox")
    outbox.take_back(outbox.command(tuple(row)), "Nobody else is an administrator.")
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["active"]]


def test_the_relay_sends_a_command_that_was_authorised_when_written(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail the first send, and revoke the caller before the second."""
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    set_meta(UID, "disabled", 2)
    make_due(office)
    assert relay.send_due() == 1
    assert meta_of(OTHER) == ("disabled", 2)


@pytest.mark.usefixtures("revoked_meanwhile")
def test_a_command_that_the_relay_sent_first_is_not_taken_back(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the relay send before a slow request whose caller is revoked: nothing may be undone."""
    send = commands.send

    def be_late(command: commands.Command, access_epoch: int | None) -> None:
        # the thread keeps the relay's context apart from the request's
        with ThreadPoolExecutor(1) as relays:
            relays.submit(send, command).result()
        send(command, access_epoch)

    monkeypatch.setattr(commands, "send", be_late)
    assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("disabled", 2)
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["disabled"]]
    assert office.run("SELECT state FROM operations") == [["pending"]]


def test_one_relay_takes_an_outbox_row_and_backs_off_longer_each_time(
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
