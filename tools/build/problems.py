"""The catalogue of error codes: `functions/*/problems.yaml`, merged."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tools.build import yaml_file
from tools.build.errors import BuildError

FILE = "problems.yaml"

_Status = Annotated[int, Meta(ge=400, le=599)]
_Text = Annotated[str, Meta(min_length=1)]


class ErrorCode(msgspec.Struct, forbid_unknown_fields=True):
    """An error code: its status or statuses, what it means, and what a client can do (`do`)."""

    status: _Status | list[_Status]
    means: _Text
    do: _Text

    @property
    def statuses(self) -> list[int]:
        return self.status if isinstance(self.status, list) else [self.status]


def files(root: Path) -> list[Path]:
    return sorted((root / "functions").glob(f"*/{FILE}"))


def read(root: Path) -> dict[str, ErrorCode]:
    """Return the codes of all services in alphabetical order.

    Raise BuildError for a code that two files declare: each belongs to one service or to the kernel.
    """
    found: dict[str, ErrorCode] = {}
    owners: dict[str, Path] = {}
    for file in files(root):
        declared = yaml_file.convert(yaml_file.read(file), dict[str, ErrorCode], file)
        for code, entry in declared.items():
            if code in owners:
                why = f"{owners[code].parent.name}/{FILE} declares it too."
                raise BuildError(
                    file, code, why, "Keep it in one file; the kernel's is for all services."
                )
            owners[code], found[code] = file, entry
    return dict(sorted(found.items()))


def list_codes(document: dict[str, Any], root: Path) -> None:
    """Give the contract's schema Problem the codes as an enumeration."""
    codes = list(read(root))
    if codes:
        code = document["components"]["schemas"]["Problem"]["properties"]["code"]
        code.pop("pattern", None)
        code["enum"] = codes
