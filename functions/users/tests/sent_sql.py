"""Users read and change their record; an administrator lists, invites, disables, enables and
deletes others.
"""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from atrium.http.problem import Problem
from atrium.http.text import Email
from atrium.identity import outbox, users
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from users import (
    directory,
    invitation_changes,
    invitation_list,
    invitations,
    operations,
    profile,
    queries,
    sessions,
    status,
)
from users.directory import UserFilter, Words
from users.invitations import Invitation

PERSON = {"given_name": "Ada", "family_name": "Lovelace", "locale": "en-GB"}
NOBODY = "01920000-0000-7000-8000-00000000ffff"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def run() -> None:
    ada = users.find_or_create("cognito:pool", "ada", "ada@example.com", PERSON).uid
    changes_records(ada)
    lists_users(ada)
    invites(ada)
    changes_invitations(ada)
    changes_status(ada)
    assert sessions.identities(ada) == [["cognito:pool", "ada"]]
    links(ada)
    consents(users.find_or_create("cognito:pool", "rosa", "rosa@example.com", {}).uid)


def changes_records(ada: str) -> None:
    assert profile.find(ada)
    assert profile.change(ada, {"given_name": None, "locale": "de-DE"}, [1], ada, "request-1")
    assert profile.change(ada, {"family_name": "King"}, None, ada, "request-2")
    with suppress(Problem):
        profile.change(ada, {"locale": "fr"}, [1], ada, "request-3")  # 412: the version has changed
    assert profile.change(NOBODY, {"locale": "fr"}, None, ada, "request-4") is None


def links(ada: str) -> None:
    """Link a new account to a user; then try to link an account that another user has."""
    leo = users.find_or_create("cognito:pool", "leo", "leo@example.com", {}).uid
    asked = {"provider": "cognito:pool", "subject": "lea", "reason": "account_recreated"}
    given = {"uid": leo, "versions": None, "actor": ada, "request_id": "request-15"}
    find = {name: asked[name] for name in ("provider", "subject")}
    assert postgres.query(queries.FIND_LINK, uid=leo, **find) == [(1, False)]
    assert postgres.query(queries.FIND_UNUSED_INVITATIONS, uid=leo) == []
    assert postgres.query(queries.LINK, **asked, **given, event=uuid7()) == [(["leo"],)]
    lou = users.find_or_create("cognito:pool", "lou", "lou@example.com", {}).uid
    assert postgres.query(queries.FIND_LINK, uid=lou, **find) == [(1, True)]
    with suppress(postgres.UniqueViolationError):
        postgres.query(queries.LINK, **asked, **given | {"uid": lou}, event=uuid7())


def consents(rosa: str) -> None:
    assert profile.consent(rosa, "2026-01", None, "request-5")
    assert profile.consent(rosa, "2026-01", [1], "request-6")
    with suppress(Problem):
        profile.consent(rosa, "2026-02", [1], "request-7")  # 412


def lists_users(ada: str) -> None:
    assert (
        len(
            directory.find(
                UserFilter(q=Words("kin"), email=Email("ada@example.com"), status="active"), None, 2
            )
        )
        == 1
    )
    assert (
        len(
            directory.find(UserFilter(created_from=LONG_AGO, sort="created_at"), (LONG_AGO, ada), 2)
        )
        == 1
    )
    assert directory.find(UserFilter(created_before=LONG_AGO, sort="-created_at"), None, 2) == []
    assert len(directory.find(UserFilter(sort="email"), ("aaa",), 2)) == 1
    assert directory.find(UserFilter(sort="-email", q=Words("50% off")), None, 2) == []


def invites(ada: str) -> None:
    for email in (
        "grace@example.com",
        "GRACE@example.com",
        "ada@example.com",
    ):  # the address is already being invited
        command = invitations.invitation_command(Invitation(Email(email), locale=None), ada)
        with suppress(postgres.UniqueViolationError):
            postgres.batch(
                invitations.insert_invitation(command, "request-5"),
                operations.select_operation(UUID(command.id)),
            )


def changes_invitations(ada: str) -> None:
    assert postgres.query(queries.CHECK_ADDRESS, email="ada@example.com") == [(True, False)]
    [sent] = invitation_list.select("pending", None, 2)
    assert invitation_list.select("expired", str(sent.id), 2) == []
    new = users.find_or_create("cognito:pool", "grace", str(sent.email), {}, uid(sent.operation))
    outbox.succeed(str(sent.operation), new.uid)
    opened = invitation_list.find(sent.id)
    again = uuid7()
    postgres.batch(invitation_changes.resend_invitation(sent.id, again, ada, "request-12"))
    command = outbox.find(again)
    assert command
    outbox.take_back(command, "The requester's access changed.")
    resent = invitation_list.find(sent.id)
    assert resent.state == "open"
    with suppress(Problem):  # 412: the mail was sent again
        invitation_changes.write_cancel(opened, ada, "request-13")
    row, _ = invitation_changes.write_cancel(resent, ada, "request-14")
    assert invitation_list.find(sent.id).state == "cancelled"
    outbox.succeed(outbox.command(row).id)


def uid(operation: UUID) -> UUID:
    """Return the id of the invitation's future user."""
    [[found]] = postgres.query("SELECT uid FROM operations WHERE id = :id::uuid", id=operation)
    return UUID(str(found))


def changes_status(ada: str) -> None:
    row, disabling = status.write(UUID(ada), status.CHANGES["disabled"], [3], ada, "request-6")
    with suppress(Problem):
        status.write(
            UUID(ada), status.CHANGES["active"], None, ada, "request-7"
        )  # 409: another change is pending
    outbox.take_back(outbox.command(row), "Nobody else is an administrator.")
    assert operations.find(disabling.id, ada)
    with suppress(Problem):
        status.write(UUID(ada), status.CHANGES["active"], [3], ada, "request-8")  # 412
    row, _ = status.write(UUID(ada), status.DELETE_OWN, None, ada, "request-10", grace_days=14)
    assert outbox.find(UUID(outbox.command(row).id))
    outbox.succeed(outbox.command(row).id)
    status.write(UUID(ada), status.ERASE, None, ada, "request-11")
    with suppress(Problem):
        status.write(UUID(NOBODY), status.CHANGES["deleted"], None, ada, "request-9")  # 404
