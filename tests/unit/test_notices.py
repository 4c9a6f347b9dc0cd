"""Mails about a change of the account: the command that the change writes, and the mail."""

import json
from typing import Any

import pg8000.native
import pytest
from botocore.exceptions import ClientError

from atrium.identity import commands
from atrium.stores import dynamodb, user_table
from identity_commands import cognito, notices
from identity_commands.handler import handler as identity_commands
from post_confirmation.handler import handler as post_confirmation
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin, new_user
from tests.unit import test_mfa
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import OTHER, POOL, SUB, UID, Context, trigger_event

pytestmark = pytest.mark.usefixtures("contract")
DONE: dict[str, Any] = {"batchItemFailures": []}


class Services:
    """Cognito with Ada's account, and SES, which keeps the mails."""

    def __init__(self) -> None:
        self.account = {"email": "ada@example.org", "email_verified": "true", "locale": "de-AT"}
        self.mails = list[dict[str, Any]]()
        self.fault: str | None = None

    def call(self, operation: str, **asked: Any) -> Any:
        listed = [{"Name": name, "Value": value} for name, value in self.account.items()]
        return {"UserAttributes": listed} if operation == "admin_get_user" else None

    def client(self, service: str) -> Any:
        assert service == "sesv2"
        return self

    def send_email(self, **mail: Any) -> None:
        if self.fault:
            fault: Any = {"Error": {"Code": self.fault, "Message": "no"}}
            raise ClientError(fault, "SendEmail")
        self.mails.append(mail)

    @property
    def subjects(self) -> list[str]:
        return [mail["Content"]["Simple"]["Subject"]["Data"] for mail in self.mails]


@pytest.fixture
def services(
    database: pg8000.native.Connection, table: Any, monkeypatch: pytest.MonkeyPatch
) -> Services:
    made = Services()
    monkeypatch.setattr(cognito, "provider", lambda: f"cognito:{POOL}")
    monkeypatch.setattr(cognito, "call", made.call)
    monkeypatch.setattr(cognito, "client", made.client)
    monkeypatch.setenv("MAIL_FROM", "Atrium <no-reply@example.org>")
    new_admin(database, UID, "ada@example.org")
    database.run("UPDATE identities SET subject = :sub", sub=SUB)
    return made


def pending() -> list[dict[str, Any]]:
    items = dynamodb.client().scan(TableName=TABLE)["Items"]
    return [each for each in items if each.get("outcome", {}).get("S") == "pending"]


def perform() -> dict[str, Any]:
    """Execute the pending commands, as the stream does."""
    images = [{"pk": each["pk"], "sk": each["sk"]} for each in pending()]
    records = [{"dynamodb": {"NewImage": each, "SequenceNumber": "1"}} for each in images]
    got: dict[str, Any] = identity_commands({"Records": records}, Context())
    return got


def reset() -> None:
    attributes = {"sub": SUB, "email": "ada@example.org"}
    post_confirmation(
        trigger_event("PostConfirmation_ConfirmForgotPassword", attributes), Context()
    )


def test_one_mail_is_sent_after_a_password_reset(services: Services) -> None:
    reset()
    [command] = pending()
    assert "example.org" not in json.dumps(command)
    for _ in range(2):
        image = {"pk": command["pk"], "sk": command["sk"]}
        record = {"dynamodb": {"NewImage": image, "SequenceNumber": "1"}}
        assert identity_commands({"Records": [record]}, Context()) == DONE
    [mail] = services.mails
    assert mail["FromEmailAddress"] == "Atrium <no-reply@example.org>"
    assert mail["Destination"] == {"ToAddresses": ["ada@example.org"]}
    assert services.subjects == ["Ihr Passwort für Atrium wurde ersetzt"]


def test_a_reset_succeeds_while_a_store_is_unavailable(
    services: Services, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def throttled(*_: Any) -> None:
        raise user_table.TableUnavailableError("throttled")

    with monkeypatch.context() as outage:
        outage.setattr(user_table, "transact", throttled)
        reset()
    [line] = [line for line in logs.lines() if line["level"] == "ERROR"]
    assert line["message"] == "mail about a reset password lost"
    assert pending() == []


def test_a_mail_is_sent_after_a_change_of_mfa(services: Services) -> None:
    services.account["locale"] = "fr"
    for route in ("PUT /v1/me/mfa", "DELETE /v1/me/mfa"):
        assert test_mfa.call(route).status == 202
        assert services.mails == services.mails[:1]
        perform()  # the change
        assert perform() == DONE  # the mail
    assert services.subjects == [
        "Your account at Atrium asks for your authenticator app",
        "Your account at Atrium no longer asks for a second factor",
    ]


def sign_in(email: str) -> None:
    attributes = {"sub": SUB, "email": email, "email_verified": "true"}
    pre_token_generation(trigger_event("TokenGeneration_RefreshTokens", attributes), Context())


def recipients(services: Services) -> list[str]:
    return [mail["Destination"]["ToAddresses"][0] for mail in services.mails]


def test_each_address_receives_one_mail_about_a_change(services: Services) -> None:
    services.account["email"] = "ada@example.com"
    for _ in range(2):
        sign_in("ada@example.com")
        assert perform() == DONE
    assert recipients(services) == ["ada@example.org", "ada@example.com"]
    assert set(services.subjects) == {"Die E-Mail-Adresse Ihres Kontos bei Atrium wurde geändert"}
    assert "example.org" not in json.dumps(dynamodb.client().scan(TableName=TABLE)["Items"])


def test_each_change_of_the_address_is_mailed(services: Services) -> None:
    for address in ("ada@example.com", "ada@example.org", "ada@example.com"):
        services.account["email"] = address
        sign_in(address)
        perform()
    assert len(services.mails) == 6


def test_no_mail_is_sent_for_an_address_of_another_user(
    services: Services, database: pg8000.native.Connection
) -> None:
    new_user(database, OTHER, "grace@example.org")
    sign_in("grace@example.org")
    assert pending() == []


def test_an_address_is_stored_only_with_the_command_of_its_mails(
    services: Services, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(items: Any) -> None:
        raise user_table.TableUnavailableError("throttled")

    with monkeypatch.context() as outage:
        outage.setattr(user_table, "transact", throttled)
        sign_in("ada@example.com")
    assert database.run("SELECT email::text FROM users") == [["ada@example.org"]]
    sign_in("ada@example.com")
    assert len(pending()) == 1


def test_the_former_address_receives_its_mail_after_the_account_is_deleted(
    services: Services,
) -> None:
    services.account["email"] = "ada@example.com"
    sign_in("ada@example.com")
    services.account.clear()
    assert perform() == DONE
    assert (recipients(services), pending()) == (["ada@example.org"], [])


def test_the_new_address_receives_its_mail_if_ses_rejects_the_former_one(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.account["email"] = "ada@example.com"
    sent = services.send_email

    def send_email(**mail: Any) -> None:
        services.fault = (
            "MessageRejected" if "ada@example.org" in mail["Destination"]["ToAddresses"] else None
        )
        sent(**mail)

    monkeypatch.setattr(services, "send_email", send_email)
    sign_in("ada@example.com")
    assert perform() == DONE
    assert (recipients(services), pending()) == (["ada@example.com"], [])


@pytest.mark.parametrize("locale", ["x" * 2048, "../de", "de/", "\0", ""])
def test_a_locale_without_a_text_does_not_stop_the_stream(services: Services, locale: str) -> None:
    services.account["locale"] = locale
    reset()
    assert perform() == DONE
    assert services.subjects == ["Your password for Atrium was reset"]


@pytest.mark.parametrize(("verified", "sender"), [("false", "a@example.org"), ("true", "")])
def test_without_a_sender_or_a_verified_address_no_mail_is_sent(
    services: Services, monkeypatch: pytest.MonkeyPatch, verified: str, sender: str
) -> None:
    services.account["email_verified"] = verified
    monkeypatch.setenv("MAIL_FROM", sender)
    reset()
    assert perform() == DONE
    assert (pending(), services.mails) == ([], [])


@pytest.mark.parametrize("fault", ["TooManyRequestsException", "MessageRejected"])
def test_a_transient_error_is_retried_and_a_permanent_one_is_not(
    services: Services, fault: str
) -> None:
    services.fault = fault
    reset()
    is_permanent = fault in notices.PERMANENT
    assert (perform() == DONE, pending() == []) == (is_permanent, is_permanent)
    services.fault = None
    assert perform() == DONE
    assert len(services.mails) == (0 if is_permanent else 1)


def test_each_language_has_a_text_for_each_change() -> None:
    languages = sorted(folder.name for folder in notices.FOLDER.iterdir())
    assert languages == ["de", "en"]
    for folder in notices.FOLDER.iterdir():
        assert {file.stem for file in folder.iterdir()} == {*commands.TELLS}
        for file in folder.iterdir():
            assert file.read_text().startswith("Subject: ")
            assert "$" not in file.read_text().partition("\n\n")[2]
