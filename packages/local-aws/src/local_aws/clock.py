"""A clock that can be moved forward, so that a test covers days within a minute.

`install` makes a process read the time of day from here: `time.time`, `datetime.now` and their
relatives, for every caller. The supervisor and each worker map the same eight bytes, so all of them
move at the same moment.

The following do not move: monotonic clocks, by which programs wait; Postgres; TLS, because OpenSSL
reads the machine's clock.

Only the standard library may be imported, because a worker loads this file by its path.
"""

import ctypes
import gc
import mmap
import struct
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

_SECONDS = struct.Struct("d")
_real_time_ns = time.time_ns


class Clock:
    """The offset in seconds, in a file that other processes map too."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SECONDS.size)

    @classmethod
    def create(cls, path: Path) -> "Clock":
        """Create a clock that shows the machine's time."""
        path.write_bytes(_SECONDS.pack(0.0))
        return cls(path)

    @property
    def offset(self) -> float:
        seconds: float = _SECONDS.unpack(self._map[:])[0]
        return seconds

    def forward(self, seconds: float) -> None:
        """Move the clock forward, in every process that reads it.

        Raises:
            ValueError: the clock would go back, which no code here supports.
        """
        if seconds < 0:
            raise ValueError("The clock can only move forward.")
        self._map[:] = _SECONDS.pack(self.offset + seconds)


_clock: Clock | None = None


def install(clock: Clock) -> None:
    """Make this process read the clock.

    Call it before any module keeps `time.time` under another name.
    """
    global _clock
    is_first, _clock = _clock is None, clock
    if is_first:
        _replace_time()
        _replace(date, today=lambda cls: cls.fromtimestamp(time.time()))
        _replace(datetime, now=_now, utcnow=_utcnow, today=_now)


def _time_ns() -> int:
    return _real_time_ns() + int((_clock.offset if _clock else 0.0) * 1_000_000_000)


def _time() -> float:
    return _time_ns() / 1_000_000_000


def _now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    return cls.fromtimestamp(_time(), tz)


def _utcnow(cls: type[datetime]) -> datetime:
    return cls.fromtimestamp(_time(), UTC).replace(tzinfo=None)


def _replace_time() -> None:
    gmtime, localtime, ctime, strftime = time.gmtime, time.localtime, time.ctime, time.strftime
    given: dict[str, Any] = {
        "time": _time,
        "time_ns": _time_ns,
        "gmtime": lambda seconds=None: gmtime(_time() if seconds is None else seconds),
        "localtime": lambda seconds=None: localtime(_time() if seconds is None else seconds),
        "ctime": lambda seconds=None: ctime(_time() if seconds is None else seconds),
        "strftime": lambda form, moment=None: strftime(
            form, localtime(_time()) if moment is None else moment
        ),
    }
    for name, function in given.items():
        setattr(time, name, function)


def _replace(kind: type, **methods: Callable[..., Any]) -> None:
    """Replace class methods of a C type, which rejects assignments.

    Modules that already imported the type see the replacement too.
    """
    [content] = gc.get_referents(kind.__dict__)
    content.update({name: classmethod(method) for name, method in methods.items()})
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
