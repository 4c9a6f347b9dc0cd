"""Keys that sign values for clients, such as cursors: items `KEY#<purpose>` of the table.

The newest signs and all verify, so a rotation does not invalidate values in use.
"""

import os
from typing import Any

from atrium.stores import user_table

PURPOSES = ("cursor",)
_SECRET_BYTES = 32


def make(rotate: bool) -> dict[str, Any]:
    """Create a first key for each purpose without one; with `rotate` a new key for all.

    Of two concurrent runs, one creates the key and the other finds it. Raises
    user_table.TableUnavailableError.
    """
    made = {}
    for purpose in PURPOSES:
        newest = max(user_table.signing_keys(purpose), default=0)
        if rotate or not newest:
            user_table.create_signing_key(purpose, newest + 1, os.urandom(_SECRET_BYTES))
            made[purpose] = newest + 1
    return {"made": made}
