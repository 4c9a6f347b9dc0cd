"""The rows of a file of users, and the reasons why a row is refused."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.deploy.errors import RefusedError

COLUMNS = ("email", "given_name", "family_name", "locale", "roles")


@dataclass(frozen=True)
class Row:
    """A user to invite. `line` is the first line of the row in the file."""

    line: int
    body: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Return the row's Idempotency-Key: a digest of its content."""
        content = json.dumps(self.body, sort_keys=True).encode()
        return f"import-{hashlib.sha256(content).hexdigest()[:40]}"


@dataclass(frozen=True)
class Refusal:
    """A row that cannot be imported. It names no value, because values are personal data."""

    line: int
    column: str
    reason: str


def read(file: Path) -> Iterator[Row | Refusal]:
    """Yield each row. Raise RefusedError for a file without a valid header."""
    seen = dict[str, int]()
    for line, values in _lines(file):
        if None in values or None in values.values():
            yield Refusal(line, "", "The row does not have as many fields as the header.")
            continue
        row = Row(line, _body(values))
        address = str(row.body.get("email", "")).casefold()
        if not address:
            yield Refusal(line, "email", "The address is missing.")
        elif address in seen:
            yield Refusal(line, "email", f"The address is also in line {seen[address]}.")
        else:
            seen[address] = line
            yield row


def _lines(file: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            _check_header(file, reader.fieldnames or [])
            before = reader.line_num
            for values in reader:
                yield before + 1, values
                before = reader.line_num
    except FileNotFoundError:
        raise RefusedError(f"{file} does not exist. Name a file: FILE=users.csv") from None
    except UnicodeDecodeError as error:
        raise RefusedError(f"{file} is not UTF-8: byte {error.start}. Save it as UTF-8.") from None
    except csv.Error as error:
        raise RefusedError(f"{file} is not CSV: {error}. Correct it.") from None


def _check_header(file: Path, names: Any) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "email" not in names or len(set(names)) != len(names):
        raise RefusedError(
            f"{file}: the first line must name the columns: email, and any of {', '.join(COLUMNS[1:])}, each once."
        )


def _body(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of the invitation. Empty fields are left out."""
    given: dict[str, Any] = {
        name: value.strip() for name, value in values.items() if value.strip() and name != "roles"
    }
    roles = values.get("roles", "").replace(",", " ").split()
    return given | ({"roles": roles} if roles else {})
