"""The templates: `templates/<language>/<name>.html`, a line `Subject: …`, an empty line, then HTML.

A language is the first part of a language tag. `$code` stands for the code or the temporary
password, `$username` for the address to sign in with, `$name` for a space and the given name (or
nothing), and `$product` for the setting `MAIL_PRODUCT`. The subject may contain only `$product`.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import NamedTuple

from atrium.runtime import config

FOLDER = Path(__file__).parent / "templates"
MAX_SUBJECT, MAX_BODY = 140, 20_000
"""Cognito's limits, in characters."""
NAMES: Mapping[str, frozenset[str]] = {
    "confirm": frozenset({"code"}),
    "reset": frozenset({"code"}),
    "verify": frozenset({"code"}),
    "invite": frozenset({"code", "username"}),
}
"""The templates of each language, and the placeholders without which Cognito sends its own text."""
_MAY_HAVE = frozenset({"code", "name", "product"})


class TemplateError(Exception):
    """A template or the setting of the default language is faulty."""


class Mail(NamedTuple):
    subject: Template
    body: Template


def find(language: str, name: str) -> Mail:
    return _all()[language][name]


def language_of(tag: str | None) -> str | None:
    """Return the language of a tag such as `pt-BR`, or None if it has no templates."""
    language = (tag or "").replace("_", "-").partition("-")[0].lower()
    return language if language in _all() else None


def default_language() -> str:
    return config.optional("MAIL_LANGUAGE", "en")


def check() -> None:
    """Raise TemplateError for a template that is missing or faulty, or an unknown default language."""
    for language, mails in _all().items():
        if missing := sorted(NAMES.keys() - mails.keys()):
            raise TemplateError(f"templates/{language} lacks {', '.join(missing)}.")
        for name, mail in mails.items():
            _check(f"templates/{language}/{name}.html", name, mail)
    if default_language() not in _all():
        raise TemplateError(
            f"MAIL_LANGUAGE: {default_language()} has no templates. Known: {', '.join(_all())}."
        )


def _check(file: str, name: str, mail: Mail) -> None:
    needed, found = NAMES[name], set(mail.body.get_identifiers())
    if not mail.body.is_valid() or not mail.subject.is_valid():
        raise TemplateError(f"{file}: write a dollar sign as `$$`.")
    if missing := sorted(needed - found):
        raise TemplateError(f"{file} lacks ${', $'.join(missing)}.")
    if unknown := sorted(
        (found - needed - _MAY_HAVE) | ({*mail.subject.get_identifiers()} - {"product"})
    ):
        raise TemplateError(f"{file}: ${', $'.join(unknown)} has no value there.")
    if len(mail.subject.template) > MAX_SUBJECT or len(mail.body.template) > MAX_BODY:
        raise TemplateError(
            f"{file}: the subject has at most {MAX_SUBJECT} characters, the text {MAX_BODY}."
        )


@functools.cache
def _all() -> dict[str, dict[str, Mail]]:
    return {
        folder.name: {file.stem: _read(file) for file in sorted(folder.glob("*.html"))}
        for folder in sorted(FOLDER.iterdir())
    }


def _read(file: Path) -> Mail:
    subject, _, body = file.read_text().partition("\n\n")
    if not subject.startswith("Subject: ") or "\n" in subject:
        raise TemplateError(f"{file.name} must begin with `Subject: …` and an empty line.")
    return Mail(Template(subject.removeprefix("Subject: ")), Template(body))
