"""Types for text that people enter. Each has a `parse` that normalises or rejects the text."""

import unicodedata
from typing import ClassVar, Self

from atrium.http import domain_name
from atrium.runtime import lean_import


class Line(str):
    """A line of text in Unicode NFC, with 1 to `max_length` code points.

    Surrounding spaces are removed. Control and direction characters are rejected.
    """

    max_length: ClassVar[int] = 200

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the normalised text. Raise ValueError with a message for the person."""
        if not isinstance(value, str):
            raise ValueError("Must be text")
        text = unicodedata.normalize("NFC", value).strip()
        if not 1 <= len(text) <= cls.max_length:
            raise ValueError(f"Must have 1 to {cls.max_length} characters; it has {len(text)}")
        if not all(map(_is_printable, text)):
            raise ValueError("Control characters are not allowed")
        if not _VISIBLE.search(text):
            raise ValueError("Must have at least one visible character")
        return cls(text)


class PersonName(Line):
    max_length = 100


class Locale(Line):
    """A language tag in the form of BCP 47: `en`, `pt-BR`, `zh-Hant-TW`.

    It need not be registered.
    """

    max_length = 35
    _TAG: ClassVar = lean_import.pattern(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

    @classmethod
    def parse(cls, value: object) -> Self:
        tag = super().parse(value)
        if not cls._TAG.fullmatch(tag):
            raise ValueError("Must be a language tag such as `en` or `pt-BR`")
        return tag


class Email(Line):
    """An e-mail address in its normal form, so that each mailbox has one spelling.

    The form is NFC, with the domain as in atrium.http.domain_name (`bücher.example` is
    `xn--bcher-kva.example`). The local part keeps its case; comparisons must ignore case
    (`citext` does). It may have letters, marks and digits of any script (RFC 6531). Quoted
    local parts and address literals are rejected.
    """

    max_length = 254  # octets, by RFC 5321 with its erratum 1690
    _LOCAL_OCTETS: ClassVar = 64
    _EXPECTED: ClassVar = "Must be an e-mail address such as `ada@example.org`"
    _LOCAL: ClassVar = lean_import.pattern(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")

    @classmethod
    def parse(cls, value: object) -> Self:
        local, at, domain = super().parse(value).rpartition("@")
        if not at:
            raise ValueError(cls._EXPECTED)
        try:
            address = cls(f"{local}@{domain_name.normal(domain)}")
        except ValueError:
            raise ValueError(
                f"Must have a domain that IDNA 2008 allows after the @, not `{domain}`"
            ) from None
        is_short = (
            len(local.encode()) <= cls._LOCAL_OCTETS and len(address.encode()) <= cls.max_length
        )
        if not (is_short and cls._LOCAL.fullmatch(_without_marks(local))):
            raise ValueError(cls._EXPECTED)
        return address


def _without_marks(local: str) -> str:
    r"""Return the text without combining marks after a letter, which `\w` does not match."""
    return "".join(
        c for place, c in enumerate(local) if not (place and unicodedata.category(c)[0] == "M")
    )


def _is_printable(character: str) -> bool:
    # Cc: controls. Zl, Zp: line ends. Direction overrides and isolates can disguise a name. Other
    # Cf characters are allowed, because Persian and some emoji need joiners.
    return (
        unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        and character not in _DIRECTION
    )


# Invisible characters: spaces, the BMP's Default_Ignorable_Code_Point, the empty Braille pattern.
_VISIBLE = lean_import.pattern(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
