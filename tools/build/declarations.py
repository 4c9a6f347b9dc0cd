"""`functions/<name>/function.yaml`: a function's settings and rights.

Terraform reads the same files.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tools.build import yaml_file
from tools.build.errors import BuildError

KERNEL = "atrium"
KERNEL_LAYER, SDK_LAYER = "kernel", "sdk"
# Files of a function's folder that the build reads and that are not packaged.
FOR_THE_BUILD = ("function.yaml", "openapi.yaml", "personal-data.yaml", "problems.yaml")
API_TIMEOUT = 29  # seconds: the limit of API Gateway for a REST API
LONGEST_NAME = 30  # characters: `<project>-<stage>-<folder>` must fit into Lambda's limit of 64
# Roles have the names of functions. These names are in use by modules/bastion and
# modules/rds_proxy.
TAKEN_NAMES = ("bastion", "proxy")


class Partition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Partitions of the table or of an index: those whose key matches `key`."""

    key: str
    index: Literal["GSI1", "GSI2"] | None = None


# Terraform reads the same file and derives the policies from it.
PARTITIONS_FILE = Path(__file__).parents[2] / "modules/api_lambda/partitions.json"
PARTITIONS = msgspec.json.decode(PARTITIONS_FILE.read_bytes(), type=dict[str, Partition])

PostgresUser = Literal["app", "readonly", "migrator", "postgres"]
Trigger = Literal[
    "api",
    "cognito.CustomMessage",
    "cognito.PreSignUp",
    "cognito.PostConfirmation",
    "cognito.PreTokenGeneration",
    "none",
    "schedule",
    "user_attributes.stream",
]
STREAM: Trigger = "user_attributes.stream"
STREAM_READERS = 2  # limit for one shard; a third reader would cause throttling for all
# EventBridge's syntax:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
SCHEDULE = r"^(rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)|cron\([^ ()]+( [^ ()]+){5}\))$"
# Cognito's API calls a user pool's actions AdminGetUser, ListUsers, …; a wildcard would not be
# least privilege.
CognitoAction = Annotated[str, Meta(pattern="^[A-Z][A-Za-z]+$")]


class TableRights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The partitions' names for each kind of access; `read` stands for several actions of DynamoDB."""

    read: list[str] = []
    put: list[str] = []
    update: list[str] = []
    delete: list[str] = []


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data that the function may access; everything else is denied."""

    postgres: PostgresUser | Annotated[list[PostgresUser], Meta(min_length=1)] | None = None
    user_attributes: TableRights = TableRights()
    cognito: list[CognitoAction] = []
    parameters: list[Literal["user_pool_id"]] = []
    database_secrets: Literal["write"] | None = None
    mails: Literal["send"] | None = None
    event_bus: Literal["put"] | None = None
    invoke: list[str] = []


class Async(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The retries of asynchronous invocations.

    An event that still fails goes to the dead-letter queue. `max_age` is how many seconds an
    event may wait. Limits and defaults are Lambda's own.
    """

    retries: Annotated[int, Meta(ge=0, le=2)] = 2
    max_age: Annotated[int, Meta(ge=60, le=21600)] = 21600


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A filter pattern for records of the table's stream. Each leaf is a list of accepted values.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
    """

    event_name: (
        Annotated[list[Literal["INSERT", "MODIFY", "REMOVE"]], Meta(min_length=1)] | None
    ) = None
    dynamodb: dict[Literal["Keys", "NewImage", "OldImage"], dict[str, Any]] = {}
    user_identity: dict[Literal["principalId", "type"], list[Any]] = {}


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The additional content of the zip; `include` names paths of the repository."""

    include: list[str] = []
    requirements: str | None = None


class Declaration(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"asynchronous": "async"}
):
    """The content of a `function.yaml`, with memory in MB and timeout in seconds."""

    description: Annotated[str, Meta(min_length=1, max_length=256)]
    memory: Annotated[int, Meta(ge=128, le=10240)] = 256
    timeout: Annotated[int, Meta(ge=1, le=900)] = 10
    trigger: Trigger = "none"
    schedule: Annotated[str, Meta(pattern=SCHEDULE)] | None = None
    filters: Annotated[list[Filter], Meta(min_length=1, max_length=5)] | None = None
    vpc: bool = True
    asynchronous: Async | None = None
    data: Data = Data()
    package: Package = Package()


@dataclass(frozen=True)
class Function:
    """A service's folder and its declaration."""

    folder: Path
    declaration: Declaration

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def layers(self) -> list[str]:
        """Return the function's layers: `kernel`, and `sdk` if it accesses more than Postgres.

        Terraform reads them from build/layers.json. With SnapStart every function gets `sdk`.
        """
        touched = self.declaration.data
        return (
            [KERNEL_LAYER]
            if touched == Data(postgres=touched.postgres)
            else [KERNEL_LAYER, SDK_LAYER]
        )

    @property
    def file(self) -> Path:
        return self.folder / "function.yaml"

    @property
    def contract(self) -> Path:
        return self.folder / "openapi.yaml"


def read_functions(root: Path) -> list[Function]:
    """Return every service below `root`/functions, by name.

    Raise BuildError for the first fault.
    """
    folders = sorted(folder for folder in (root / "functions").iterdir() if _is_service(folder))
    functions = [Function(folder, _declaration(folder)) for folder in folders]
    names = {function.name for function in functions}
    for function in functions:
        _check(function, names, root)
    _check_readers(functions)
    return functions


def _is_service(folder: Path) -> bool:
    # A change of branch can leave a folder behind that has only bytecode.
    return folder.is_dir() and folder.name != KERNEL and any(folder.glob("[!_.]*"))


def _declaration(folder: Path) -> Declaration:
    file = folder / "function.yaml"
    content = yaml_file.read(file)
    data = content.get("data")
    if isinstance(data, dict) and isinstance(data.get("user_attributes"), list):
        why = "A list of rights to the whole table is the form of an earlier version."
        what_to_do = (
            f"Name the partitions: `{{read: [users], update: [users]}}`. {_known_partitions()}"
        )
        raise BuildError(file, "data.user_attributes", why, what_to_do)
    return yaml_file.convert(content, Declaration, file)


def _check(function: Function, names: set[str], root: Path) -> None:
    rules = (_folder, _trigger, _stream, _reach, _partitions)
    found = [refusal for rule in rules for refusal in rule(function)] + list(
        _names(function, names, root)
    )
    for field, why, what_to_do in found:
        raise BuildError(function.file, field, why, what_to_do)


def _check_readers(functions: list[Function]) -> None:
    readers = [function for function in functions if function.declaration.trigger == STREAM]
    for refused in readers[STREAM_READERS:]:
        already = " and ".join(function.name for function in readers[:STREAM_READERS])
        raise BuildError(
            refused.file,
            "trigger",
            f"{already} read the stream already, and a shard serves {STREAM_READERS} readers.",
            "Do this work in one of them, with an additional filter.",
        )


# Rules about several fields or the folder: (field, why, what to do).
Refusals = Iterator[tuple[str | None, str, str]]


def _folder(function: Function) -> Refusals:
    name = function.name
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in sys.stdlib_module_names:
        yield (
            None,
            f"{name!r} is not a valid package name, or is the name of a standard module.",
            "Rename the folder to an unused snake_case name.",
        )
    if len(name) > LONGEST_NAME:
        yield (
            None,
            f"{name!r} has {len(name)} letters.",
            f"Rename the folder: AWS accepts at most {LONGEST_NAME} letters.",
        )
    if name in TAKEN_NAMES:
        yield None, f"Another role of the environment has the name {name}.", "Rename the folder."
    if not (function.folder / "handler.py").is_file():
        yield (
            None,
            "handler.py is missing in the folder.",
            f"Add it; Lambda calls `{name}.handler.handler`.",
        )


def _trigger(function: Function) -> Refusals:
    declaration = function.declaration
    trigger = declaration.trigger
    if trigger == "api" and not function.contract.is_file():
        yield (
            "trigger",
            "`api` needs routes.",
            f"Add functions/{function.name}/openapi.yaml, or set another trigger.",
        )
    if trigger != "api" and function.contract.is_file():
        yield (
            "trigger",
            "The folder has an openapi.yaml, which needs the trigger `api`.",
            "Set `trigger: api`, or remove openapi.yaml.",
        )
    if trigger == "api" and declaration.timeout > API_TIMEOUT:
        yield (
            "timeout",
            f"API Gateway's timeout is {API_TIMEOUT} seconds.",
            f"Set {API_TIMEOUT} or less.",
        )
    if declaration.asynchronous and trigger not in ("none", "schedule"):
        yield (
            "async",
            f"`{trigger}` invokes the function synchronously.",
            "Remove `async`, or the trigger.",
        )
    if trigger == "schedule" and declaration.schedule is None:
        yield (
            "schedule",
            "The trigger needs a schedule.",
            "Add it, e.g. `schedule: rate(5 minutes)`.",
        )
    if trigger != "schedule" and declaration.schedule is not None:
        yield "schedule", f"`{trigger}` has no schedule.", "Set `trigger: schedule`, or remove it."


def _stream(function: Function) -> Refusals:
    trigger, filters = function.declaration.trigger, function.declaration.filters
    if trigger == STREAM and filters is None:
        yield (
            "filters",
            "The trigger needs filters.",
            "Add it, e.g. `filters: [{eventName: [INSERT]}]`.",
        )
    if trigger != STREAM and filters is not None:
        yield (
            "filters",
            f"`{trigger}` delivers no records.",
            f"Set `trigger: {STREAM}`, or remove it.",
        )
    for pattern in filters or []:
        for leaf in _leaves_that_match_nothing(msgspec.to_builtins(pattern.dynamodb), "dynamodb"):
            yield (
                "filters",
                f"{leaf} is not a list of accepted values.",
                "Write e.g. `[active]` or `[{prefix: C#}]`.",
            )


def _leaves_that_match_nothing(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves_that_match_nothing(value, f"{path}.{key}")
    elif not isinstance(node, list) or not node:
        yield path


def _reach(function: Function) -> Refusals:
    """Yield faults of `vpc`.

    A function in the VPC reaches only the proxy and DynamoDB. A function outside reaches everything
    but the proxy.
    """
    declaration = function.declaration
    if declaration.data.postgres and not declaration.vpc:
        yield (
            "vpc",
            "Postgres is reachable from inside the VPC only.",
            "Remove `vpc: false` or `data.postgres`.",
        )
    for field in ("cognito", "event_bus", "mails", "parameters"):
        if getattr(declaration.data, field) and declaration.vpc:
            yield (
                f"data.{field}",
                "This API is reachable only from outside the VPC.",
                f"Add `vpc: false`, or remove `data.{field}`.",
            )


def _partitions(function: Function) -> Refusals:
    """Yield what is wrong with the declared partitions.

    A name is unknown or redundant, or names an index in a right to write.
    """
    rights = function.declaration.data.user_attributes
    for right, names in msgspec.structs.asdict(rights).items():
        field = f"data.user_attributes.{right}"
        for name in names:
            if name not in PARTITIONS:
                yield field, f"The table has no partition {name!r}.", _known_partitions()
            elif PARTITIONS[name].index and right != "read":
                yield (
                    field,
                    f"{name!r} is a partition of an index.",
                    "Write to the partition of the table itself.",
                )
            elif names.count(name) > 1:
                yield field, f"{name!r} is duplicated.", "Remove one of the two."


def _known_partitions() -> str:
    return f"The partitions are {', '.join(PARTITIONS)}."


def _names(function: Function, names: set[str], root: Path) -> Refusals:
    for invoked in function.declaration.data.invoke:
        if invoked not in names:
            yield (
                "data.invoke",
                f"There is no function {invoked!r}.",
                f"Use one of: {', '.join(sorted(names))}.",
            )
    for path in function.declaration.package.include:
        if not (root / path).resolve().is_relative_to(root.resolve()):
            yield (
                "package.include",
                f"{path!r} lies outside the repository.",
                "Name a path inside it.",
            )
