"""Changes of a Cognito call, so that only these are saved before the call is answered."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from typing import Any

from local_aws.cognito import pools
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.state import Message, State
from local_aws.moto_state.parts import Part

# a field of State, its key and its value; ABSENT for a deleted entry
type Change = tuple[str, Any, Any]

ABSENT = "local-aws-absent"  # differs from every value of State, also in the next process
_LISTS, _FIXED = "inbox", "secret"


def touched_users(body: bytes) -> list[Part]:
    """Return the user of this call's request and the users that it looked up since `note_users`."""
    with suppress(CognitoError, ValueError, TypeError, KeyError):
        request = json.loads(body)
        pools.find_user(pools.find_pool(request["UserPoolId"]), request["Username"])
    return [Part("user", place) for place in pools.touched.get() or ()]


def note_users() -> None:
    """Begin to record the users that this call looks up."""
    pools.touched.set(set())


class StateChanges:
    """The entries of `State` as they were last saved."""

    def __init__(self, state: State) -> None:
        self._known: dict[str, dict[Any, Any]] = {}
        self._newest: Message | None = None
        for _ in self.since(state):
            pass

    def since(self, state: State) -> Iterator[Change]:
        """Yield the entries that changed since the last call."""
        for field in fields(State):
            if field.name not in (_LISTS, _FIXED):
                yield from self._of(field.name, getattr(state, field.name))
        yield from self._messages(state.inbox)

    def _of(self, name: str, entries: dict[Any, Any]) -> Iterator[Change]:
        known = self._known.setdefault(name, {})
        for key, value in entries.items():
            form = dict(vars(value)) if hasattr(value, "__dict__") else value
            if known.get(key, ABSENT) != form:
                known[key] = form
                yield name, key, value
        for key in known.keys() - entries.keys():
            del known[key]
            yield name, key, ABSENT

    def _messages(self, inbox: list[Message]) -> Iterator[Change]:
        new: list[Message] = []
        for message in reversed(inbox):
            if message is self._newest:
                break
            new.append(message)
        for message in reversed(new):
            self._newest = message
            yield _LISTS, (message.sent_at, message.to, message.subject, message.code), message


def put_back(state: State, change: Change) -> None:
    """Restore an entry."""
    name, key, value = change
    if name == _LISTS:
        state.inbox.append(value)
    elif value == ABSENT:
        getattr(state, name).pop(key, None)
    else:
        getattr(state, name)[key] = value
