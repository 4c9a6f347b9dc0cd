"""The tokens of the person who is signed in, and their refresh."""

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from atrium_client.flow import Exclusive, Flow

if TYPE_CHECKING:
    from atrium_client.user_pool import UserPool

MARGIN_SECONDS = 30


@dataclass(frozen=True)
class Tokens:
    """The tokens that a sign-in returns; `expires_at` counts seconds since 1970."""

    access: str
    refresh: str | None
    expires_at: float


class TokenStore(Protocol):
    """A place that keeps tokens between two calls, or two runs of a program."""

    def load(self) -> Tokens | None: ...

    def save(self, tokens: Tokens | None) -> None: ...


class InMemory:
    """Keeps tokens for as long as the program runs."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens


@dataclass(frozen=True)
class Credentials:
    """An access token and the sign-in that it belongs to."""

    access: str
    sign_in: int


class Session:
    """A sign-in and its end. A refresh counts only for the sign-in in which it began."""

    def __init__(self, pool: "UserPool", store: TokenStore) -> None:
        self._pool, self._store = pool, store
        self._sign_in = 0
        self._state = threading.Lock()

    @property
    def is_signed_in(self) -> bool:
        return self._store.load() is not None

    def start(self, tokens: Tokens) -> None:
        with self._state:
            self._sign_in += 1
            self._store.save(tokens)

    def end(self) -> Flow[None]:
        """Forget all tokens, and revoke the refresh token."""
        with self._state:
            self._sign_in += 1
            tokens = self._store.load()
            self._store.save(None)
        if tokens and tokens.refresh:
            yield from self._pool.revoke(tokens.refresh)

    def credentials(self) -> Flow[Credentials | None]:
        """Return a token that is valid for a while longer; None without a sign-in."""
        with self._state:
            sign_in, tokens = self._sign_in, self._store.load()
        if tokens is None:
            return None
        found = Credentials(tokens.access, sign_in)
        if tokens.expires_at - MARGIN_SECONDS > time.time():
            return found
        return (yield from self.refreshed(found))

    def refreshed(self, refused: Credentials) -> Flow[Credentials | None]:
        """Replace a refused token, once for all calls that were refused with it."""
        fresh: Credentials | None = yield Exclusive(self._replace(refused))
        return fresh

    def _replace(self, refused: Credentials) -> Flow[Credentials | None]:
        tokens = self._current(refused.sign_in)
        if tokens is None:
            return None
        if tokens.access != refused.access:
            return Credentials(tokens.access, refused.sign_in)
        fresh = (yield from self._pool.refresh(tokens.refresh)) if tokens.refresh else None
        with self._state:
            has_ended = self._sign_in != refused.sign_in
            if not has_ended:
                self._store.save(fresh)
        if has_ended and fresh and fresh.refresh:
            yield from self._pool.revoke(fresh.refresh)
        return Credentials(fresh.access, refused.sign_in) if fresh and not has_ended else None

    def _current(self, sign_in: int) -> Tokens | None:
        with self._state:
            return self._store.load() if self._sign_in == sign_in else None
