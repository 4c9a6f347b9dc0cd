"""The journal of changes since the last snapshot, in the SQLite file of DynamoDB's items.

An entry is written before its call is answered.
"""

import hashlib
import json
import logging
import pickle
from collections.abc import Iterable

from local_aws.cognito.changes import Change, StateChanges, put_back
from local_aws.cognito.state import State
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import Store
from local_aws.moto_state.parts import Part

log = logging.getLogger("local.persistence")

_STATE = "cognito-state"  # the prefix of entries of Cognito's own state

type Row = tuple[str, bytes | None]


class Journal:
    """The parts that are newer than the snapshot; `position` is the rising number of the newest."""

    def __init__(self, store: Store, moto: Moto, state: State) -> None:
        self._store = store
        self._moto = moto
        self._state = state
        self._state_changes = StateChanges(state)
        self._digests: dict[str, bytes] = {}
        self._unwritten: list[Row] = []  # not written yet, for example because the disk was full
        self.position = store.blocking(lambda data: data.last_change())

    async def keep(self, parts: Iterable[Part]) -> None:
        """Write the changed parts and the changes of Cognito's own state."""
        new = self._moto.exclusively(
            lambda: [*self._rows(parts), *map(_row, self._state_changes.since(self._state))]
        )
        rows, self._unwritten = self._unwritten + new, []
        if not rows:
            return
        try:
            position = await self._store.write(lambda data: data.keep_changes(rows))
        except BaseException:
            self._unwritten = rows + self._unwritten
            raise
        self.position = max(self.position, position)

    def _rows(self, parts: Iterable[Part]) -> list[Row]:
        rows = [(part.name, part.pickled()) for part in parts]
        return [(name, content) for name, content in rows if self._is_new(name, content)]

    def _is_new(self, name: str, content: bytes | None) -> bool:
        digest = hashlib.sha256(content).digest() if content is not None else b""
        is_new = self._digests.get(name) != digest
        self._digests[name] = digest
        return is_new

    async def forget(self, until: int) -> None:
        """Delete the entries that a snapshot has."""
        await self._store.write(lambda data: data.forget_changes(until))


def restore(store: Store, after: int, state: State) -> int:
    """Restore every part that is newer than the snapshot, and return their count.

    A part whose owner is gone is left out.
    """
    rows = store.blocking(lambda data: data.changes_after(after))
    for name, content in rows:
        try:
            if json.loads(name)[0] == _STATE:
                put_back(state, pickle.loads(content or b""))  # noqa: S301 - our own, from the stack's folder
            else:
                Part.named(name).put_back(content)
        except (LookupError, AttributeError) as error:
            log.info("not restored from the journal: %s (%s)", name, error)
    return len(rows)


def _row(change: Change) -> Row:
    field, key, _ = change
    return json.dumps([_STATE, field, repr(key)]), pickle.dumps(change)
