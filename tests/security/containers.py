"""Execution environments of functions in one process: each has its own caches, and each thread is
in one.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from atrium.identity import namespaces, permissions, session

CACHING = (session, permissions, namespaces)


@dataclass
class Container:
    caches: dict[str, dict[Any, Any]] = field(
        default_factory=lambda: {module.__name__: {} for module in CACHING}
    )

    @contextmanager
    def here(self) -> Iterator[None]:
        """Let this thread run in the container."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[Container] = ContextVar("container", default=Container())  # noqa: B039  for what no test has placed


class Cache(MutableMapping[Any, Any]):
    """A module's cache, separate for each container."""

    def __init__(self, module: ModuleType) -> None:
        self._name = module.__name__

    @property
    def _own(self) -> dict[Any, Any]:
        return _current.get().caches[self._name]

    def __getitem__(self, key: Any) -> Any:
        return self._own[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._own[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._own[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def separate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the caching modules a cache for each container."""
    for module in CACHING:
        monkeypatch.setattr(module, "cache", Cache(module))
