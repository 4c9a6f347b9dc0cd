"""The formats of JSON Schema that are checked."""

import re
from collections.abc import Callable, Mapping
from datetime import date

from atrium.http.text import Email

# RFC 3339, section 5.6.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))",
    re.IGNORECASE,
)
# RFC 3986, appendix A.
_ANY = "[a-z0-9._~!$&'()*+,;=:@-]|%[0-9a-f]{2}"
_NAME = _ANY.replace(":@", "")
_URI = re.compile(
    rf"[a-z][a-z0-9+.-]*:(?://(?:(?:{_NAME}|:)*@)?(?:\[(?P<address>[0-9a-z.:]+)\]|(?:{_NAME})*)(?::[0-9]*)?(?:/(?:{_ANY})*)*"
    rf"|/?(?:(?:{_ANY})(?:{_ANY}|/)*)?)(?:\?(?:{_ANY}|[/?])*)?(?:#(?:{_ANY}|[/?])*)?",
    re.IGNORECASE,
)


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if not found:
        return False
    hour, minute, second, sign, *offset = found.groups()
    if second != "60":
        return True
    # A leap second is the last second of a day in UTC.
    east = (int(offset[0]) * 60 + int(offset[1])) * (-1 if sign == "-" else 1) if sign else 0
    return (int(hour) * 60 + int(minute) - east) % 1440 == 1439


def _is_date_time(text: str) -> bool:
    return _is_date(text[:10]) and text[10:11] in ("T", "t") and _is_time(text[11:])


def _is_email(text: str) -> bool:
    try:
        Email.parse(text)
    except ValueError:
        return False
    return text == text.strip()


def _is_uri(text: str) -> bool:
    found = _URI.fullmatch(text)
    return found is not None and (found["address"] is None or _is_address(found["address"]))


def _is_address(text: str) -> bool:
    from ipaddress import IPv6Address  # imported here: few values have an address

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "email": _is_email,
    "time": _is_time,
    "uri": _is_uri,
}
