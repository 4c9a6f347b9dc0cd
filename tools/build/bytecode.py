"""Reproducible bytecode: the same source gives the same bytes on every machine, in any order.

Modules and functions have no docstrings, which nothing reads on Lambda. Those of classes stay: a
dataclass without one imports `inspect` to make one. Unlike `python -OO` it keeps `assert`.
"""

import ast
import functools
import importlib.util
import marshal
import sys
import threading
from pathlib import PurePosixPath

# PEP 552: an unchecked hash-based pyc, which Python loads without reading the source
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
_one_at_a_time = threading.Lock()


def cached(path: str) -> str:
    """Return the path of the bytecode: `users/me.py` → `users/__pycache__/me.cpython-313.pyc`."""
    # Not importlib's cache_from_source(), which obeys PYTHONPYCACHEPREFIX.
    source = PurePosixPath(path)
    return str(source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc")


def compile_source(source: bytes, filename: str) -> bytes:
    """Return the pyc of `source`.

    Tracebacks show `filename`, the path in Lambda. Raise SyntaxError.
    """
    # The GIL makes compilation serial anyway, and a second thread often needs the same result.
    with _one_at_a_time:
        return _compiled(source, filename)


@functools.cache  # The layers of three platforms have nearly the same sources.
def _compiled(source: bytes, filename: str) -> bytes:
    tree = _without_docstrings(ast.parse(source, filename))
    code = compile(tree, filename, "exec", dont_inherit=True, optimize=0)
    # Later formats of marshal mark strings that are interned or shared in this process, so the
    # bytes would depend on what else was compiled. Format 2 has no such marks. Code that is loaded
    # from it and written again always gives the same bytes.
    unmarked = marshal.loads(marshal.dumps(code, 2))  # noqa: S302  our own bytes
    return (
        importlib.util.MAGIC_NUMBER
        + _UNCHECKED_HASH
        + importlib.util.source_hash(source)
        + marshal.dumps(unmarked)
    )


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())) as docstring, *rest])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())) as docstring, *rest])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())) as docstring, *rest])
            ):
                node.body = rest or [ast.copy_location(ast.Pass(), docstring)]
    return tree
