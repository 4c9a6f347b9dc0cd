"""Bytecode that is shipped: the same bytes on every machine, in whatever order files are compiled."""

import functools
import importlib.util
import marshal
import sys
import threading
from pathlib import PurePosixPath

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # PEP 552: carries the source's hash, and Python never compares it
_one_at_a_time = threading.Lock()


def cached(path: str) -> str:
    """`users/me.py` → `users/__pycache__/me.cpython-313.pyc`, where Python looks first while the source is there."""
    # Not importlib's cache_from_source(), which obeys PYTHONPYCACHEPREFIX.
    source = PurePosixPath(path)
    return str(source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc")


def compile_source(source: bytes, filename: str) -> bytes:
    """A pyc of `source`; `filename` is what tracebacks show, the path in Lambda. Raises SyntaxError."""
    with _one_at_a_time:  # compiling is never parallel, and a second thread mostly wants what the first has just made
        return _compiled(source, filename)


@functools.cache  # layers for three platforms are made of nearly the same sources
def _compiled(source: bytes, filename: str) -> bytes:
    code = compile(source, filename, "exec", dont_inherit=True, optimize=0)
    # marshal marks strings that happen to be interned, or referred to elsewhere, in *this* process. Format 2 has no
    # such marks; what is loaded from it has them by the code's own shape alone.
    unmarked = marshal.loads(marshal.dumps(code, 2))  # noqa: S302  our own bytes
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(unmarked)
