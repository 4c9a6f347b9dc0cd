"""The contract: the kernel's shared part merged with every service's `openapi.yaml`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tools.build import access_rules, contract_rules, deprecation, problems, routes, yaml_file
from tools.build.contract_rules import Owners
from tools.build.declarations import KERNEL, Function
from tools.build.errors import BuildError

METHODS = ("delete", "get", "patch", "post", "put")  # The gateway answers HEAD and OPTIONS.
SCHEME = "cognito"
API_KEY = "api_key"
API_KEY_SCHEME = {"type": "apiKey", "name": "x-api-key", "in": "header"}
# Extensions of ours; Terraform reads both from build/openapi.json.
API_KEY_EXTENSION = "x-atrium-api-key"
THROTTLE_EXTENSION = "x-atrium-throttle"

_Text = Annotated[str, Meta(min_length=1)]


@dataclass(frozen=True)
class Operation:
    """An operation of the contract.

    A token with any of `scopes` may call it; without scopes it is public. `function` is the folder
    of its service. With `api_key` it also requires the `x-api-key` of a usage plan.
    """

    method: str
    path: str
    function: str
    scopes: tuple[str, ...]
    api_key: bool = False

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Contract:
    document: dict[str, Any]
    operations: tuple[Operation, ...]

    def to_json(self) -> bytes:
        return json.dumps(self.document, indent=1, ensure_ascii=False).encode() + b"\n"


class _SharedPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    openapi: str
    info: dict[str, Any]
    servers: list[Any] = []
    tags: list[Any] = []
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, dict[str, Any]]


class _ServicePart(msgspec.Struct, forbid_unknown_fields=True):
    paths: Annotated[dict[str, dict[str, Any]], Meta(min_length=1)]
    components: dict[str, dict[str, Any]] = {}
    tags: list[Any] = []


class _Throttle(msgspec.Struct, forbid_unknown_fields=True):
    """The rate and burst limits of one operation; other operations share the stage's limits."""

    rate: Annotated[float, Meta(gt=0)]
    burst: Annotated[int, Meta(ge=1)]


class _DescribedOperation(msgspec.Struct, rename="camel"):
    """An operation's required fields and our extensions."""

    operation_id: _Text
    summary: _Text
    security: list[dict[str, list[str]]]
    api_key: bool = msgspec.field(default=False, name=API_KEY_EXTENSION)
    throttle: _Throttle | None = msgspec.field(default=None, name=THROTTLE_EXTENSION)
    rules: Literal["authzen"] | None = msgspec.field(
        default=None, name=access_rules.RULES_EXTENSION
    )
    authority: Literal["current"] | None = msgspec.field(
        default=None, name=access_rules.AUTHORITY_EXTENSION
    )
    recent_sign_in: Annotated[int, Meta(ge=1)] | None = msgspec.field(
        default=None, name=access_rules.RECENT_SIGN_IN_EXTENSION
    )


def files(root: Path, functions: list[Function]) -> list[Path]:
    """Return the files that the contract depends on."""
    services = _services(functions)
    return [
        _shared_file(root),
        *problems.files(root),
        *(
            file
            for service in services
            for file in (service.file, service.contract, service.folder / "handler.py")
        ),
    ]


def read(root: Path, functions: list[Function], noted: Path | None = None) -> Contract:
    """Return the merged contract. Raise BuildError if it is inconsistent or not OpenAPI 3.0."""
    shared = yaml_file.convert(yaml_file.read(_shared_file(root)), _SharedPart, _shared_file(root))
    scopes = _declared_scopes(_shared_file(root), shared)
    owners = Owners(_shared_file(root))
    operations: list[Operation] = []
    for service in _services(functions):
        part = yaml_file.convert(yaml_file.read(service.contract), _ServicePart, service.contract)
        _merge(shared, part, service.contract, owners)
        described = list(_operations(service, part, scopes))
        _require_partitions(service, described, part)
        routes.check(
            service.folder / "handler.py",
            service.contract,
            {operation.route for operation in described},
        )
        operations += described
    document = msgspec.to_builtins(shared)
    if any(operation.api_key for operation in operations):
        document["components"]["securitySchemes"][API_KEY] = API_KEY_SCHEME
    problems.list_codes(document, root)
    contract_rules.check(document, owners, noted)
    return Contract(document, tuple(operations))


def scopes_of(document: Mapping[str, Any]) -> list[str]:
    """Return all scopes of the API, in alphabetical order."""
    return sorted(
        document["components"]["securitySchemes"][SCHEME]["flows"]["authorizationCode"]["scopes"]
    )


def _shared_file(root: Path) -> Path:
    return root / "functions" / KERNEL / "openapi.yaml"


def _services(functions: list[Function]) -> list[Function]:
    return [function for function in functions if function.declaration.trigger == "api"]


def _declared_scopes(file: Path, shared: _SharedPart) -> set[str]:
    try:
        return set(scopes_of({"components": shared.components}))
    except (KeyError, TypeError):
        field = f"components.securitySchemes.{SCHEME}.flows.authorizationCode.scopes"
        raise BuildError(
            file, field, "It is missing.", "Add a mapping of scopes to descriptions."
        ) from None


def _merge(shared: _SharedPart, part: _ServicePart, file: Path, owners: Owners) -> None:
    """Add a service's part. Each path and each component's name may occur in one file only."""
    for path, item in part.paths.items():
        owners.claim(("paths", path), file, is_free=path not in shared.paths)
        shared.paths[path] = item
    for kind, components in part.components.items():
        known = shared.components.setdefault(kind, {})
        for name, component in components.items():
            owners.claim(("components", kind, name), file, is_free=name not in known)
            known[name] = component
    shared.tags += part.tags


def _operations(service: Function, part: _ServicePart, scopes: set[str]) -> Iterator[Operation]:
    for path, item in part.paths.items():
        for method, content in item.items():
            route = f"{method.upper()} {path}"
            if method not in METHODS:
                what_to_do = f"A path holds {', '.join(METHODS)}; move everything else into them."
                raise BuildError(
                    service.contract,
                    f"{path}: {method}",
                    "This method is not supported.",
                    what_to_do,
                )
            described = yaml_file.convert(content, _DescribedOperation, service.contract, route)
            demanded = tuple(
                _scope(service.contract, route, one, scopes) for one in described.security
            )
            access_rules.needs_current_authority(service.contract, route, content)
            access_rules.recent_sign_in(service.contract, route, content)
            deprecation.headers(service.contract, route, content)
            if described.api_key:
                content["security"] = [{**one, API_KEY: []} for one in described.security or [{}]]
            yield Operation(method.upper(), path, service.name, demanded, described.api_key)


def _require_partitions(service: Function, operations: list[Operation], part: _ServicePart) -> None:
    """Raise BuildError if the service lacks a partition that the kernel needs for its routes."""
    signed_in = _signed_in(operations)
    reasons = (
        (
            "read",
            "users",
            signed_in,
            "needs a token, which is compared with the table",
        ),
        (
            "update",
            "sessions",
            signed_in,
            "needs a token, whose session is recorded in the table",
        ),
        (
            "read",
            "roles",
            _by(part, {"permission", "decision"}),
            "needs a permission, and the table lists the roles that hold it",
        ),
        (
            "read",
            "grants",
            _by(part, {"decision"}),
            "needs a decision, and the caller's grants are in the table",
        ),
        (
            "read",
            "namespaces",
            _by(part, {"decision"}),
            "needs a decision, and conditions use attributes of trusted namespaces",
        ),
        (
            "read",
            "signing_keys",
            _paginated(part),
            "accepts a cursor, whose signing key is in the table",
        ),
    )
    for right, partition, route, why in reasons:
        if route and partition not in getattr(service.declaration.data.user_attributes, right):
            what_to_do = f"Add `{partition}` to `user_attributes: {{{right}: […]}}` below `data`."
            raise BuildError(
                service.file, f"data.user_attributes.{right}", f"{route} {why}.", what_to_do
            )


def _signed_in(operations: list[Operation]) -> str | None:
    return next((operation.route for operation in operations if operation.scopes), None)


def _by(part: _ServicePart, kinds: set[str]) -> str | None:
    """Return a route with an alternative of one of the kinds."""
    for route, content in _routes(part):
        declared = content[access_rules.EXTENSION]
        if any(isinstance(one, dict) and one.keys() & kinds for one in declared):
            return route
    return None


def _paginated(part: _ServicePart) -> str | None:
    cursor = {"$ref": "#/components/parameters/Cursor"}
    return next(
        (route for route, content in _routes(part) if cursor in content.get("parameters", ())), None
    )


def _routes(part: _ServicePart) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in part.paths.items():
        for method, content in item.items():
            yield f"{method.upper()} {path}", content


def _scope(file: Path, route: str, alternative: dict[str, list[str]], declared: set[str]) -> str:
    """Return the scope of one security requirement: OpenAPI lists alternative scopes one by one."""
    match list(alternative.items()):
        case [(scheme, [scope])] if scheme == SCHEME and scope in declared:
            return scope
    why = f"{json.dumps(alternative)} is not a supported security requirement."
    what_to_do = f"Write `{{{SCHEME}: [<one scope>]}}` with one of: {', '.join(sorted(declared))}."
    raise BuildError(file, f"{route}.security", why, what_to_do)
