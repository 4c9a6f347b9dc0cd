"""Text that people type. Each class is a field type for a body's Struct: `parse` makes it clean or says why not."""

import re
import unicodedata
from typing import ClassVar, Self


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


def _is_printable(character: str) -> bool:
    # Cc: controls. Zl, Zp: line ends. The overrides and isolates of direction can make a name read as another one.
    # Cf as a whole is not refused: Persian and some emoji need its joiners.
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in _DIRECTION


_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
