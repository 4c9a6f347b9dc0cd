"""Times as the table stores them: RFC 3339 in UTC, with milliseconds and `Z`."""

from datetime import UTC, datetime


def now() -> str:
    return text(datetime.now(UTC))


def text(moment: datetime) -> str:
    """Return the text of an aware datetime."""
    in_utc = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return in_utc.replace("+00:00", "Z")
