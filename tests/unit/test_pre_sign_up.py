"""Rules of sign-up, through the trigger's handler."""

from typing import Any

import pytest

from atrium.identity.address_rules import SettingError
from atrium.identity.cognito_trigger import RefusalError
from atrium.runtime import config
from pre_sign_up.admission import check_settings
from pre_sign_up.handler import handler
from tests.unit.conftest import Logs
from tests.unit.events import Context, trigger_event


def sign_up(
    email: str = "ada@example.org", source: str = "PreSignUp_SignUp", **request: Any
) -> dict[str, Any]:
    event = trigger_event(source, {"email": email}, **({"validationData": None} | request))
    event["response"] = {
        "autoConfirmUser": False,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }
    return handler(event, Context())


def test_without_rules_everybody_can_sign_up_and_nobody_is_auto_confirmed() -> None:
    assert sign_up()["response"] == {
        "autoConfirmUser": False,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }


@pytest.mark.parametrize(
    "email", ["a@mailinator.com", "a@MAILINATOR.com", "a@eu.mailinator.com", '"a@b"@bad.example']
)
def test_a_denied_domain_is_refused_and_named(
    email: str, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", "bad.example, mailinator.com")
    with pytest.raises(RefusalError, match=email.rpartition("@")[2].lower()):
        sign_up(email)
    line = logs.line()
    assert (line["level"], line["outcome"], line["source"]) == (
        "WARN",
        "refused",
        "PreSignUp_SignUp",
    )
    assert email not in str(line)


@pytest.mark.parametrize(
    ("email", "admitted"),
    [
        ("a@corp.example", True),
        ("a@hr.corp.example", True),
        ("a@notcorp.example", False),
        ("a@corp.example.evil", False),
        ("corp.example@evil.example", False),
        ("a@out.corp.example", False),
    ],
)
def test_only_allowed_domains_pass_and_a_denied_one_never_does(
    email: str, admitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_DOMAINS_ALLOWED", "Corp.example")
    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", "out.corp.example")
    if admitted:
        sign_up(email)
    else:
        with pytest.raises(RefusalError):
            sign_up(email)


@pytest.mark.parametrize("email", ["", "ada", "@example.org", "ada@"])
def test_an_email_is_required(email: str) -> None:
    with pytest.raises(RefusalError, match="e-mail address is required"):
        sign_up(email)


@pytest.mark.parametrize("where", ["validationData", "clientMetadata"])
def test_a_required_consent_is_read_from_either_place(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRED_CONSENT_VERSION", "2026-01")
    given: dict[str, Any] = {where: {"consent_version": "2026-01"}}
    sign_up(**given)
    given[where]["consent_version"] = "2025-07"
    with pytest.raises(RefusalError, match="accept version 2026-01"):
        sign_up(**given)
    with pytest.raises(RefusalError, match="accept version 2026-01"):
        sign_up()


def test_an_invited_person_consents_later_but_needs_an_accepted_domain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUIRED_CONSENT_VERSION", "2026-01")
    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", "bad.example")
    sign_up(source="PreSignUp_AdminCreateUser")
    with pytest.raises(RefusalError):
        sign_up("a@bad.example", source="PreSignUp_AdminCreateUser")


@pytest.mark.parametrize(
    ("setting", "refused", "admitted", "words"),
    [
        ("EMAIL_PLUS_ADDRESSES=refuse", "ada+shop@example.org", "ada@example.org", "plus sign"),
        ("EMAIL_LOCAL_PARTS=ascii", "\u0430da@example.org", "ada@b\u00fccher.example", "a to z"),
    ],
)
@pytest.mark.parametrize("source", ["PreSignUp_SignUp", "PreSignUp_AdminCreateUser"])
def test_plus_addresses_and_look_alikes_are_refused_if_configured(
    setting: str,
    refused: str,
    admitted: str,
    words: str,
    source: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_up(refused, source)
    monkeypatch.setenv(*setting.split("="))
    config.optional.cache_clear()
    with pytest.raises(RefusalError, match=words):
        sign_up(refused, source)
    sign_up(admitted, source)


def test_sign_up_without_an_invitation_is_refused_if_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INVITE_ONLY", "true")
    sign_up(source="PreSignUp_AdminCreateUser")
    for source in ("PreSignUp_SignUp", "PreSignUp_ExternalProvider"):
        with pytest.raises(RefusalError, match="by invitation only"):
            sign_up(source=source)


@pytest.mark.parametrize(
    "setting", ["INVITE_ONLY=yes", "EMAIL_PLUS_ADDRESSES=no", "EMAIL_LOCAL_PARTS=latin"]
)
def test_an_unknown_setting_stops_the_function(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value = setting.split("=")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"{name}: must be .* or .*, not {value}"):
        check_settings()


def test_a_malformed_event_fails_without_details_for_the_person(logs: Logs) -> None:
    with pytest.raises(RefusalError, match="An internal error occurred"):
        handler({"triggerSource": "PreSignUp_SignUp"}, Context())
    assert logs.line()["error"]["type"] == "ValidationError"
