"""Text that people type. Each class is a field type for a body's Struct: `parse` makes it clean or says why not."""

import re
import unicodedata
from typing import ClassVar, Self

from atrium.http import domain_name


class Line(str):
    """One line: Unicode NFC, no spaces around it, no control or direction characters, 1 to `max_length` code points."""

    max_length: ClassVar[int] = 200

    @classmethod
    def parse(cls, value: object) -> Self:
        """Raises ValueError with a message for the person who typed it."""
        if not isinstance(value, str):
            raise ValueError("Expected text")
        text = unicodedata.normalize("NFC", value).strip()
        if not 1 <= len(text) <= cls.max_length:
            raise ValueError(f"Expected 1 to {cls.max_length} characters, got {len(text)}")
        if not all(map(_is_printable, text)):
            raise ValueError("Control characters are not allowed")
        if not _VISIBLE.search(text):
            raise ValueError("Expected at least one visible character")
        return cls(text)


class PersonName(Line):
    max_length = 100


class Locale(Line):
    """A language tag in the form of BCP 47: `en`, `pt-BR`, `zh-Hant-TW`. It need not be a registered one."""

    max_length = 35
    _TAG: ClassVar = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

    @classmethod
    def parse(cls, value: object) -> Self:
        tag = super().parse(value)
        if not cls._TAG.fullmatch(tag):
            raise ValueError("Expected a language tag such as `en` or `pt-BR`")
        return tag


class Email(Line):
    """An e-mail address in its normal form, so that one mailbox has one spelling: NFC, and the domain as
    atrium.http.domain_name has it (`bücher.example` is `xn--bcher-kva.example`).

    The part before the @ stays as typed; what compares addresses must ignore its case (`citext` does). It may have
    letters, marks and digits of any script (RFC 6531). No quoted local part and no address literal.
    """

    max_length = 254  # RFC 5321 with its erratum 1690, in octets
    _LOCAL_OCTETS: ClassVar = 64
    _EXPECTED: ClassVar = "Must be an e-mail address such as `ada@example.org`"
    _LOCAL: ClassVar = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")

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
    """Return the text without combining marks that follow a letter, which `\\w` does not match."""
    return "".join(
        c for place, c in enumerate(local) if not (place and unicodedata.category(c)[0] == "M")
    )


def _is_printable(character: str) -> bool:
    # Cc: controls. Zl, Zp: line ends. The overrides and isolates of direction can make a name read as another one.
    # Cf as a whole is not refused: Persian and some emoji need its joiners.
    return (
        unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        and character not in _DIRECTION
    )


# What is drawn as nothing: spaces, the BMP's Default_Ignorable_Code_Point, the empty Braille pattern.
_VISIBLE = re.compile(
    "[^\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
