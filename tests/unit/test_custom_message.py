"""The e-mails that Cognito sends, through the trigger's handler: each template for each source."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from custom_message import message, templates
from custom_message.handler import handler
from custom_message.templates import TemplateError
from tests.unit.events import Context, trigger_event

LANGUAGES = ["de", "en"]
SOURCES = [
    "CustomMessage_SignUp",
    "CustomMessage_ResendCode",
    "CustomMessage_ForgotPassword",
    "CustomMessage_UpdateUserAttribute",
    "CustomMessage_VerifyUserAttribute",
    "CustomMessage_AdminCreateUser",
]
"""Trigger sources that send an e-mail.

`CustomMessage_Authentication` is sent for an e-mail factor, which the pool does not have.
"""


def written(
    source: str, metadata: dict[str, str] | None = None, **attributes: str
) -> dict[str, Any]:
    is_invitation = source == "CustomMessage_AdminCreateUser"
    event = trigger_event(
        source,
        {"email": "ada@example.org"} | attributes,
        codeParameter="{####}",
        usernameParameter="{username}" if is_invitation else None,
        linkParameter="{##Click Here##}",
        clientMetadata=metadata,
    )
    event["response"] = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
    response: dict[str, Any] = handler(event, Context())["response"]
    return response


class Tags(HTMLParser):
    """A parser that keeps the open tags and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.text = list[str](), ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", SOURCES)
def test_every_mail_is_accepted_by_cognito(source: str, language: str) -> None:
    mail = written(source, locale=language, given_name="Ada")
    subject, text = mail["emailSubject"], mail["emailMessage"]
    assert 0 < len(subject) <= 140
    assert 0 < len(text) <= 20_000
    assert text.count("{####}") == 1
    assert ("{username}" in text) == (source == "CustomMessage_AdminCreateUser")
    assert "Atrium" in subject
    assert "$" not in subject + text
    assert mail["smsMessage"] is None
    parsed = Tags()
    parsed.feed(text)
    assert not parsed.open
    assert ("Guten Tag" in text) == (language == "de")


def test_the_folders_contain_exactly_these_templates() -> None:
    files = {str(file.relative_to(templates.FOLDER)) for file in templates.FOLDER.glob("*/*")}
    names = set(message.TEMPLATES.values())
    assert files == {f"{language}/{name}.html" for language in LANGUAGES for name in names}


@pytest.mark.parametrize(
    ("account", "app", "language"),
    [
        (None, None, "en"),
        ("de", None, "de"),
        ("de-AT", None, "de"),
        ("DE_ch", None, "de"),
        ("fr", None, "en"),
        ("../de", None, "en"),
        ("en", "de", "de"),
        ("de", "fr", "de"),
        ("", "", "en"),
    ],
)
def test_the_language_is_from_the_app_then_the_account_then_the_default(
    account: str | None, app: str | None, language: str
) -> None:
    attributes = {} if account is None else {"locale": account}
    metadata = None if app is None else {"locale": app}
    text = written("CustomMessage_ForgotPassword", metadata, **attributes)["emailMessage"]
    assert ("Guten Tag" in text) == (language == "de")


def test_the_default_language_is_configurable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_LANGUAGE", "de")
    assert "Guten Tag" in written("CustomMessage_SignUp", locale="fr")["emailMessage"]


@pytest.mark.parametrize("source", sorted(set(SOURCES)))
def test_a_name_is_escaped_and_never_mailed_to_an_unverified_address(source: str) -> None:
    name = '<a href="https://evil.example">{####} {username} & $code</a>'
    text = written(source, given_name=name)["emailMessage"]
    assert "<a" not in text
    assert text.count("{####}") == 1
    proven = ("CustomMessage_ForgotPassword", "CustomMessage_AdminCreateUser")
    assert ("evil.example" in text) == (source in proven)


def test_the_name_of_the_product_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PRODUCT", "Tom & Jerry")
    mail = written("CustomMessage_SignUp")
    assert "Tom & Jerry" in mail["emailSubject"]
    assert "Tom &amp; Jerry" in mail["emailMessage"]


def test_cognito_writes_the_mails_without_a_template() -> None:
    assert written("CustomMessage_Authentication") == {
        "smsMessage": None,
        "emailMessage": None,
        "emailSubject": None,
    }


GOOD = "Subject: Hello\n\n<p>$code $username</p>"
FAULTS = {
    "no subject": ("<p>$code</p>", "must begin with `Subject: …`"),
    "no empty line": ("Subject: Hello\n<p>$code</p>", "must begin with `Subject: …`"),
    "no code": ("Subject: Hello\n\n<p>Hello</p>", r"lacks \$code"),
    "a word without a value": (GOOD + "$cod", r"\$cod has no value there"),
    "a code in the subject": (GOOD.replace("Hello", "$code"), r"\$code has no value there"),
    "a dollar sign": (GOOD + "5 $", "write a dollar sign as"),
    "a long subject": (GOOD.replace("Hello", "x" * 141), "at most 140"),
    "a long text": (GOOD + "x" * 20_000, "the text 20000"),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_template_fails_at_start_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    (tmp_path / "en").mkdir()
    for name in templates.NAMES:
        good = GOOD if name == "invite" else GOOD.replace(" $username", "")
        (tmp_path / "en" / f"{name}.html").write_text(good)
    monkeypatch.setattr(templates, "FOLDER", tmp_path)
    templates._all.cache_clear()
    try:
        templates.check()
        (tmp_path / "en" / "invite.html").write_text(text)
        templates._all.cache_clear()
        with pytest.raises(TemplateError, match=fault):
            templates.check()
        (tmp_path / "en" / "invite.html").unlink()
        templates._all.cache_clear()
        with pytest.raises(TemplateError, match=re.escape("templates/en lacks invite.")):
            templates.check()
    finally:
        templates._all.cache_clear()


def test_an_unknown_default_language_fails_at_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_LANGUAGE", "fr")
    with pytest.raises(TemplateError, match=r"fr has no templates\. Known: de, en"):
        templates.check()
