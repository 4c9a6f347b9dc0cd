"""The keys of `ROUTES` in a service's `handler.py`, read without running it."""

import ast
from collections.abc import Mapping, Set
from pathlib import Path

from tools.build.errors import BuildError

_EXAMPLE = 'Write it as `ROUTES = {"GET /v1/me": me.read, …}`.'


def check(handler: Path, contract: Path, described: Set[str]) -> None:
    """Raise BuildError unless ROUTES in `handler` has the contract's routes, `described`."""
    handled = read(handler)
    for route in sorted(described - handled.keys()):
        why = f"{route} has no handler."
        raise BuildError(
            handler, "ROUTES", why, f"Add the route to ROUTES, or remove it from {contract.name}."
        )
    for route in sorted(handled.keys() - described):
        why = f"{route} is not in {contract.name}."
        raise BuildError(
            handler,
            f"line {handled[route]}",
            why,
            "Describe the route there, or remove it from ROUTES.",
        )


def read(handler: Path) -> Mapping[str, int]:
    """Return the line of each route."""
    try:
        module = ast.parse(handler.read_bytes())
    except SyntaxError as error:
        raise BuildError(handler, f"line {error.lineno}", f"{error.msg}.", "Correct it.") from None
    for statement in module.body:
        if isinstance(value := _assigned(statement), ast.Dict):
            return _keys(handler, value)
    raise BuildError(
        handler, "ROUTES", "There is no such dictionary at the top of the module.", _EXAMPLE
    )


def _assigned(statement: ast.stmt) -> ast.expr | None:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id="ROUTES")], value=value)
            | ast.AnnAssign(target=ast.Name(id="ROUTES"), value=value)
        ):
            return value
    return None


def _keys(handler: Path, routes: ast.Dict) -> dict[str, int]:
    lines: dict[str, int] = {}
    for key in routes.keys:
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            line = (key or routes).lineno
            raise BuildError(
                handler, f"line {line}", "A key of ROUTES is not a plain string.", _EXAMPLE
            )
        if key.value in lines:
            raise BuildError(
                handler, f"line {key.lineno}", f"{key.value} is given twice.", "Remove one."
            )
        lines[key.value] = key.lineno
    return lines
