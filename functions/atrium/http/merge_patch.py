"""JSON Merge Patch (RFC 7396): a field left out stays, null clears it."""

from collections.abc import Collection

import msgspec

from atrium.http.request import Request

MEDIA_TYPES = ("application/merge-patch+json", "application/json")


def decode[Patch: msgspec.Struct](
    request: Request, model: type[Patch], read_only: Collection[str] = ()
) -> Patch:
    """`model` gives every field the default `UNSET`, and allows None for those that can be cleared."""
    return request.decode(model, media_types=MEDIA_TYPES, read_only=read_only)


def changes(patch: msgspec.Struct) -> dict[str, object]:
    """What the patch names, in the model's order, None where it clears; texts as plain `str`, which every store takes."""
    named = {
        field: value
        for field, value in msgspec.structs.asdict(patch).items()
        if value is not msgspec.UNSET
    }
    return {
        field: str(value) if isinstance(value, str) else value for field, value in named.items()
    }
