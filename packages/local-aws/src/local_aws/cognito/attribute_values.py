"""The formats of attribute values: types, lengths, ranges, dates, addresses and telephone numbers.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
"""

import re
from datetime import date, datetime
from typing import Any

from local_aws.cognito.errors import CognitoError, invalid_parameter

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")  # E.164
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
MAX_LENGTH = 2048
# Cognito's own flags are Boolean in every pool, also where the schema does not list them.
VERIFIED_FLAGS = frozenset({"email_verified", "phone_number_verified"})
BOOLEANS = {"true": "true", "false": "false"}  # accepted in any letter case

Attribute = Any  # moto's CognitoIdpUserPoolAttribute


def format_error(name: str, value: str) -> CognitoError | None:
    """Return the error of an e-mail or telephone number that is malformed."""
    if not value:
        return None
    if name == "email" and not EMAIL.fullmatch(value):
        return invalid_parameter("Invalid email address format.")
    if name == "phone_number" and not PHONE_NUMBER.fullmatch(value):
        return invalid_parameter("Invalid phone number format.")
    return None


def schema_error(name: str, attribute: Attribute | None, value: str) -> str | None:
    """Return AWS's message for a value that does not fit the schema; None if it fits.

    An empty value erases an attribute, so it fits every type but a string with a minimum length.
    """
    kind = attribute.data_type if attribute else "String"
    if name in VERIFIED_FLAGS:
        kind = "Boolean"
    if kind == "String":
        return _length_error(attribute, value) or _date_error(name, value)
    if not value:
        return None
    if kind == "Number":
        return _number_error(attribute, value)
    if kind == "Boolean" and value.lower() not in BOOLEANS:
        return "Attribute value must be a boolean"
    if kind == "DateTime" and not _is_date_time(value):
        return "Attribute value must be a date and time in the ISO 8601 format"
    return None


def stored(name: str, attribute: Attribute | None, value: str) -> str:
    """Return the form in which Cognito keeps a value: `True` is kept as `true`."""
    is_boolean = name in VERIFIED_FLAGS or (attribute and attribute.data_type == "Boolean")
    return BOOLEANS.get(value.lower(), value) if is_boolean else value


def _length_error(attribute: Attribute | None, value: str) -> str | None:
    limits = (attribute.string_constraints if attribute else None) or {}
    least, most = int(limits.get("MinLength") or 0), int(limits.get("MaxLength") or MAX_LENGTH)
    if len(value) < least:
        return f"String must have at least {least} characters"
    return f"String must have at most {most} characters" if len(value) > most else None


def _date_error(name: str, value: str) -> str | None:
    if name != "birthdate" or not value:
        return None
    try:
        date.fromisoformat(value)
    except ValueError:
        return "Attribute value must be a date in the format YYYY-MM-DD"
    return None


def _number_error(attribute: Attribute, value: str) -> str | None:
    if not WHOLE_NUMBER.fullmatch(value):
        return "Attribute value must be a number"
    limits = attribute.number_constraints or {}
    least, most = limits.get("MinValue"), limits.get("MaxValue")
    if least not in (None, "") and int(value) < int(least):
        return f"Number must be at least {least}"
    if most not in (None, "") and int(value) > int(most):
        return f"Number must be at most {most}"
    return None


def _is_date_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
