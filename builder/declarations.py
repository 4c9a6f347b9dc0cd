"""`functions/<name>/function.yaml`: what a function is and what it may touch. Terraform reads the same files."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from builder import yaml_file
from builder.errors import BuildError

KERNEL = "atrium"
API_TIMEOUT = 29  # seconds, API Gateway's own for a REST API

PostgresUser = Literal["app", "readonly", "migrator", "postgres"]
Trigger = Literal["api", "cognito.PreSignUp", "cognito.PostConfirmation", "cognito.PreTokenGeneration", "none"]
# Cognito's API calls a user pool's actions AdminGetUser, ListUsers, …; a wildcard would not be least privilege.
CognitoAction = Annotated[str, Meta(pattern="^[A-Z][A-Za-z]+$")]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the function may touch. Everything else is denied."""

    postgres: PostgresUser | Annotated[list[PostgresUser], Meta(min_length=1)] | None = None
    user_attributes: list[Literal["read", "write"]] = []
    cognito: list[CognitoAction] = []
    database_secrets: Literal["write"] | None = None
    invoke: list[str] = []


class Async(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an invocation that nobody waits for ends: what still fails goes to the function's dead-letter queue.

    `max_age` is how many seconds an event may wait for its turn. Bounds and defaults are Lambda's own.
    """

    retries: Annotated[int, Meta(ge=0, le=2)] = 2
    max_age: Annotated[int, Meta(ge=60, le=21600)] = 21600


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies in the zip beside the code. `include` names paths of the repository."""

    include: list[str] = []
    requirements: str | None = None


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"asynchronous": "async"}):
    """One `function.yaml`. Memory in MB and timeout in seconds, within Lambda's own bounds."""

    description: Annotated[str, Meta(min_length=1, max_length=256)]
    memory: Annotated[int, Meta(ge=128, le=10240)] = 256
    timeout: Annotated[int, Meta(ge=1, le=900)] = 10
    trigger: Trigger = "none"
    vpc: bool = True
    asynchronous: Async | None = None
    data: Data = Data()
    package: Package = Package()


@dataclass(frozen=True)
class Function:
    """One service's folder and its declaration."""

    folder: Path
    declaration: Declaration

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "function.yaml"

    @property
    def contract(self) -> Path:
        return self.folder / "openapi.yaml"


def read_functions(root: Path) -> list[Function]:
    """Every service below `root`/functions, by name. Raises BuildError for the first declaration that is wrong."""
    folders = sorted(folder for folder in (root / "functions").iterdir() if _is_service(folder))
    functions = [Function(folder, _declaration(folder)) for folder in folders]
    names = {function.name for function in functions}
    for function in functions:
        _check(function, names, root)
    return functions


def _is_service(folder: Path) -> bool:
    # A folder that holds bytecode only is what a change of branch leaves behind.
    return folder.is_dir() and folder.name != KERNEL and any(folder.glob("[!_.]*"))


def _declaration(folder: Path) -> Declaration:
    file = folder / "function.yaml"
    return yaml_file.convert(yaml_file.read(file), Declaration, file)


def _check(function: Function, names: set[str], root: Path) -> None:
    for field, why, what_to_do in _refusals(function, names, root):
        raise BuildError(function.file, field, why, what_to_do)


def _refusals(function: Function, names: set[str], root: Path) -> Iterator[tuple[str | None, str, str]]:
    """Rules between fields, and between them and the folder: (field, why, what to do)."""
    name, declaration = function.name, function.declaration
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in sys.stdlib_module_names:
        yield None, f"{name!r} cannot be a package of its own.", "Rename the folder to a snake_case name that is free."
    if not (function.folder / "handler.py").is_file():
        yield None, "There is no handler.py beside it.", f"Add it; Lambda calls `{name}.handler.handler`."
    if declaration.data.postgres and not declaration.vpc:
        yield "vpc", "Postgres is reachable from inside the VPC only.", "Remove `vpc: false` or `data.postgres`."
    if declaration.trigger == "api" and not function.contract.is_file():
        yield "trigger", "`api` needs routes.", f"Add functions/{name}/openapi.yaml, or set another trigger."
    if declaration.trigger != "api" and function.contract.is_file():
        yield "trigger", "There is an openapi.yaml, so the API calls it.", "Set `trigger: api`, or remove openapi.yaml."
    if declaration.trigger == "api" and declaration.timeout > API_TIMEOUT:
        yield "timeout", f"API Gateway gives up after {API_TIMEOUT} seconds.", f"Set {API_TIMEOUT} or less."
    if declaration.asynchronous and declaration.trigger != "none":
        yield "async", f"`{declaration.trigger}` waits for the answer.", "Remove `async`, or the trigger."
    for invoked in declaration.data.invoke:
        if invoked not in names:
            yield "data.invoke", f"There is no function {invoked!r}.", f"Use one of: {', '.join(sorted(names))}."
    for path in declaration.package.include:
        if not (root / path).resolve().is_relative_to(root.resolve()):
            yield "package.include", f"{path!r} lies outside the repository.", "Name a path inside it."
