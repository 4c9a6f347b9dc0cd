"""A read-only view of deployed functions in moto: code, layers, settings, versions and aliases."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from local_aws.lambda_service import version_numbers  # noqa: F401 - corrects moto
from local_aws.lambda_service.errors import access_denied, function_not_found, layer_not_found
from local_aws.lambda_service.function_settings import Logging, dead_letter_arn, logging
from local_aws.lambda_service.permission import may_invoke
from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

LATEST = "$LATEST"

# A name, a partial ARN (account:function:name) or a full ARN, each with or without a qualifier.
_REFERENCE = re.compile(
    r"^(?:arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[$A-Za-z0-9_-]+))?$"
)


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a function's role; without `expiration` they do not expire."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime | None = None


@dataclass(frozen=True)
class Archive:
    """A zip file and the SHA-256 (hex) of its bytes."""

    digest: str
    content: bytes


@dataclass(frozen=True)
class DeployedFunction:
    """A version of a function, resolved from a reference.

    `invoked_arn` contains the requested qualifier.
    """

    name: str
    region: str
    version: str
    invoked_arn: str
    # changes with every setting that a running worker has already read
    fingerprint: tuple[object, ...]
    resource: Any  # moto's LambdaFunction
    # True if an alias with weights has chosen this version at random, for this call only
    is_drawn: bool = False

    @property
    def qualifier(self) -> str | None:
        """Return the requested version or alias."""
        return self.invoked_arn.split(":", 7)[7] if self.invoked_arn.count(":") == 7 else None

    @property
    def qualified_arn(self) -> str:
        return self.invoked_arn if self.qualifier else f"{self.invoked_arn}:{LATEST}"

    @property
    def dead_letter_arn(self) -> str | None:
        return dead_letter_arn(self.resource)

    @cached_property
    def logging(self) -> Logging:
        return logging(self.resource)

    @property
    def handler(self) -> str:
        return str(self.resource.handler)

    @property
    def role(self) -> str:
        return str(self.resource.role)

    @property
    def timeout(self) -> float:
        """Return the timeout in seconds."""
        return float(self.resource.timeout)

    @property
    def memory(self) -> int:
        """Return the memory in MB."""
        return int(self.resource.memory_size)

    @property
    def runtime(self) -> str:
        return str(self.resource.run_time)

    @property
    def is_traced(self) -> bool:
        return bool((self.resource.tracing_config or {}).get("Mode") == "Active")

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.resource.environment_vars)

    @cached_property
    def reserved_concurrency(self) -> int | None:
        reserved = _latest(self.resource).reserved_concurrency
        return None if reserved is None else int(reserved)

    @property
    def code(self) -> Archive:
        return Archive(self.resource.code_digest, self.resource.code_bytes)

    @property
    def layers(self) -> list[Archive]:
        backend = lambda_backends[ACCOUNT_ID][self.region]
        deleted = additions.of_lambda(self.region).deleted_layers
        versions: list[Any] = [
            backend.layers_versions_by_arn(layer["Arn"]) or deleted.get(layer["Arn"])
            for layer in self.resource.layers
        ]
        if None in versions:
            raise layer_not_found(f"{self.name}:{self.version}")
        return [Archive(version.code_digest, version.code_bytes) for version in versions]

    def allow(self, principal: str, source_arn: str) -> None:
        """Raise `InvokeError` unless the function's policy admits the service."""
        if not may_invoke(
            list(_latest(self.resource).policy.statements), principal, source_arn, self.invoked_arn
        ):
            raise access_denied(principal, self.invoked_arn)


def find(
    reference: str, qualifier: str | None = None, region: str | None = None
) -> DeployedFunction:
    """Resolve a name or ARN; without `region`, a bare name is looked up in every region."""
    match = _REFERENCE.match(reference)
    if match is None:
        raise function_not_found(reference)
    name, qualifier = match["name"], match["qualifier"] or qualifier
    known = match["region"] or region
    regions: list[str] = [known] if known else list(lambda_backends[ACCOUNT_ID])
    for candidate in regions:
        found = _resolve(name, qualifier, candidate)
        if found is not None:
            return found
    raise function_not_found(_arn(name, qualifier, regions[0] if regions else "unknown"))


def is_superseded(name: str, version: str, region: str) -> bool:
    """Return True for a published version that is superseded.

    No alias names it, and an alias names a newer version. Nothing in this package calls it again.
    """
    named = _named_by_aliases(lambda_backends[ACCOUNT_ID][region], name)
    return (
        version != LATEST
        and version not in named
        and int(version) < max((int(each) for each in named if each.isdigit()), default=0)
    )


def keep_layer(region: str, name: str, version: str) -> None:
    """Keep a layer version that moto is about to delete.

    On AWS, functions that use a layer continue to work after its deletion.
    """
    backend = lambda_backends[ACCOUNT_ID][region]
    layer = backend.layers_versions_by_arn(
        f"arn:aws:lambda:{region}:{ACCOUNT_ID}:layer:{name}:{version}"
    )
    if layer is not None:
        additions.of_lambda(region).deleted_layers[layer.arn] = layer


def forget_layers(region: str) -> None:
    """Drop deleted layers that only superseded versions use, except those of the version before.

    Each takes megabytes in memory and in every snapshot. A rollback needs the version before.
    """
    backend = lambda_backends[ACCOUNT_ID][region]
    deleted = additions.of_lambda(region).deleted_layers
    used = (
        {layer["Arn"] for function in _restorable_versions(backend) for layer in function.layers}
        if deleted
        else set()
    )
    for arn in deleted.keys() - used:
        del deleted[arn]


def _resolve(name: str, qualifier: str | None, region: str) -> DeployedFunction | None:
    backend = lambda_backends[ACCOUNT_ID][region]
    try:
        version, is_drawn = _chosen_version(backend, name, qualifier)
        resource = backend.get_function(name, version)
    except JsonRESTError:
        return None
    version = LATEST if resource is backend.get_function(name) else str(resource.version)
    return DeployedFunction(
        name, region, version, _arn(name, qualifier, region), _fingerprint(resource), resource, is_drawn
    )  # fmt: skip


def _restorable_versions(backend: Any) -> Iterator[Any]:
    """Yield the versions of every function that are not superseded, and the newest one that is."""
    # The names are copied in one step, because moto's own thread may be adding a function.
    for name in list(backend._lambdas._functions):
        superseded = []
        for function in backend.list_versions_by_function(name):
            if is_superseded(name, str(function.version), function.region):
                superseded.append(function)
            else:
                yield function
        if superseded:
            yield max(superseded, key=lambda function: int(function.version))


def _named_by_aliases(backend: Any, name: str) -> set[str]:
    named: set[str] = set()
    for alias in backend.list_aliases(name):
        named |= {
            str(alias.function_version),
            *((alias.routing_config or {}).get("AdditionalVersionWeights") or {}),
        }
    return named


def _chosen_version(backend: Any, name: str, qualifier: str | None) -> tuple[str | None, bool]:
    """Return the version of a qualifier, and True if it was chosen at random.

    An alias points to a version. With weights (a canary), each call chooses one at random.
    """
    if qualifier is None or qualifier == LATEST or qualifier.isdigit():
        return qualifier, False
    alias = backend.get_alias(qualifier, name)
    weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
    draw = random.random()  # noqa: S311 - a share of traffic, not a secret
    for version, weight in weights.items():
        draw -= float(weight)
        if draw < 0:
            return str(version), True
    return str(alias.function_version), bool(weights)


def _fingerprint(resource: Any) -> tuple[object, ...]:
    return (
        resource.code_sha_256, resource.handler, resource.role, resource.run_time, resource.memory_size,
        resource.timeout, tuple(layer["Arn"] for layer in resource.layers), tuple(resource.environment_vars.items()),
        logging(resource),
    )  # fmt: skip


def _latest(resource: Any) -> Any:
    """Return the $LATEST version, which holds what all versions share.

    This is the reserved concurrency and the policy.
    """
    return lambda_backends[ACCOUNT_ID][resource.region].get_function(resource.function_name)


def _arn(name: str, qualifier: str | None, region: str) -> str:
    arn = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn
