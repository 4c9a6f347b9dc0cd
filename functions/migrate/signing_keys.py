"""Keys that sign what the API hands out and gets back, such as cursors: items `KEY#<purpose>` of the table.

The newest signs and all verify, so rotating one refuses nothing that is under way.
"""

import os
from typing import Any

from atrium.stores import user_attributes

PURPOSES = ("cursor",)
_SECRET_BYTES = 32


def make(rotate: bool) -> dict[str, Any]:
    """A first key for each purpose that has none; with `rotate` a newer one for all. Raises user_attributes.Unavailable.

    Of two at once, one makes the key and the other finds it made.
    """
    made = {}
    for purpose in PURPOSES:
        newest = max(user_attributes.signing_keys(purpose), default=0)
        if rotate or not newest:
            user_attributes.create_signing_key(purpose, newest + 1, os.urandom(_SECRET_BYTES))
            made[purpose] = newest + 1
    return {"made": made}
