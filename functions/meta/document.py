"""The OpenAPI document, which the build merges and packages beside this package."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


@cache
def document() -> dict[str, Any]:
    """Return the packaged document. Raise FileNotFoundError if the build left it out."""
    try:
        found: dict[str, Any] = msgspec.json.decode(DOCUMENT.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{DOCUMENT} is not in the package: run `make build` and deploy again."
        ) from None
    return found
