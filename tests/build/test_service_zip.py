"""The zip of a function as Lambda unpacks it."""

import json
import marshal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.build import bytecode

HEADER = 16  # bytes of a pyc before its code


def test_the_zip_has_the_package_and_no_files_of_the_build(
    unpacked: Callable[[str], Path],
) -> None:
    folder = unpacked("functions/notes.zip")
    assert sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    ) == [
        "notes/__init__.py",
        "notes/__pycache__/__init__.cpython-313.pyc",
        "notes/__pycache__/handler.cpython-313.pyc",
        "notes/__pycache__/note.cpython-313.pyc",
        "notes/handler.py",
        "notes/note.py",
        "notes/rules.json",
    ]


def test_the_rules_have_the_alternatives_of_each_route_with_the_most_general_first(
    unpacked: Callable[[str], Path],
) -> None:
    assert json.loads((unpacked("functions/notes.zip") / "notes/rules.json").read_bytes()) == {
        "GET /v1/health": {
            "allow": [{"kind": "public"}],
            "current_authority": False,
            "recent_sign_in": None,
            "scopes": [],
            "takes_query": False,
        },
        "GET /v1/notes/{id}": {
            "allow": [{"kind": "self"}],
            "current_authority": False,
            "recent_sign_in": None,
            "scopes": ["atrium/me"],
            "takes_query": True,
        },
        "PUT /v1/notes/{id}": {
            "allow": [{"kind": "permission", "of": "users.write"}, {"kind": "self"}],
            "current_authority": True,
            "recent_sign_in": None,
            "scopes": ["atrium/me", "atrium/users.write"],
            "takes_query": False,
        },
    }


def test_the_function_runs_from_its_bytecode(unpacked: Callable[[str], Path]) -> None:
    task, opt = unpacked("functions/notes.zip"), unpacked("layer/local/kernel.zip") / "python"
    # The bytecode is unchecked: Python does not read the source, so even a broken one does no harm.
    (task / "notes/note.py").write_text("not Python")
    call = "from notes.handler import handler, greeting; print(handler('GET /v1/health')(), greeting.GREETING)"
    assert _run(call, task, opt) == "as built hello"


def test_tracebacks_name_the_files_in_lambda(unpacked: Callable[[str], Path]) -> None:
    folder = unpacked("functions/notes.zip")
    code = marshal.loads((folder / "notes/__pycache__/note.cpython-313.pyc").read_bytes()[HEADER:])  # noqa: S302  ours
    assert code.co_filename == "/var/task/notes/note.py"


def test_bytecode_has_no_docstrings_of_functions_but_assertions() -> None:
    source = b"""'''Module'''
class A: '''Class'''
def f():
    '''Function'''
    return 1
assert f.__doc__ is None and A.__doc__ == 'Class'

assert 2 > 3
"""
    code = marshal.loads(bytecode.compile_source(source, "a.py")[HEADER:])  # noqa: S302  ours
    with pytest.raises(AssertionError) as raised:
        exec(code, {"__name__": "a"})  # noqa: S102  the source above
    assert raised.traceback[-1].lineno + 1 == 8


def test_included_files_are_at_the_root(
    built: tuple[Path, Path], unpacked: Callable[[str], Path]
) -> None:
    folder = unpacked("functions/keeper.zip")
    assert (folder / "migrations/0001_notes.sql").read_text() == "select 1;\n"
    assert (folder / "openapi.json").read_bytes() == (built[0] / "build/openapi.json").read_bytes()


def test_vendored_packages_work_with_their_entry_points(unpacked: Callable[[str], Path]) -> None:
    task = unpacked("functions/keeper.zip")
    assert (
        _run("from keeper.handler import handler; print(handler({}, None))", task).count(".") == 2
    )
    backends = "from yoyo.backends.base import get_backend_class; print(get_backend_class('sqlite').__name__)"
    assert _run(backends, task) == "SQLiteBackend"


def _run(code: str, *folders: Path) -> str:
    """Return the output of `code` in an interpreter with only the standard library and `folders`."""
    path = f"import sys; sys.path[:0] = {list(map(str, folders))!r}; "
    command = [sys.executable, "-I", "-S", "-c", path + code]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.fail(ran.stderr)
    return ran.stdout.strip()
