"""JSON Merge Patch (RFC 7396): an absent field stays unchanged, null clears it."""

from collections.abc import Collection

import msgspec

from atrium.http.request import Request

MEDIA_TYPES = ("application/merge-patch+json", "application/json")


def decode[Patch: msgspec.Struct](
    request: Request, model: type[Patch], read_only: Collection[str] = ()
) -> Patch:
    """Decode the body as `model`.

    Every field of the model defaults to `UNSET`, and allows None if it can be cleared.
    """
    return request.decode(model, media_types=MEDIA_TYPES, read_only=read_only)


def changes(patch: msgspec.Struct) -> dict[str, object]:
    """Return the fields that the patch sets, in the model's order; None clears a field.

    Text values become plain `str`, which every store accepts.
    """
    named = {
        field: value
        for field, value in msgspec.structs.asdict(patch).items()
        if value is not msgspec.UNSET
    }
    return {
        field: str(value) if isinstance(value, str) else value for field, value in named.items()
    }
