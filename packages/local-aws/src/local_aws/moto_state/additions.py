"""The state that we add to moto's objects, as one typed object on each of them.

A snapshot stores it with moto's object, and it is deleted with that object. The journal stores only
a field of `LambdaAdditions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends

from local_aws.settings import ACCOUNT_ID

_NAME = "local_aws"  # the attribute of moto's object

type Plain = dict[str, Any]  # in the form of the API


@dataclass
class LambdaAdditions:
    """The data of Lambda per region, apart from functions."""

    event_source_mappings: dict[str, Plain] = field(default_factory=dict)  # by UUID
    event_invoke_configs: dict[str, Plain] = field(default_factory=dict)  # by function:qualifier
    accepted_events: dict[str, Plain] = field(default_factory=dict)  # by request id
    deleted_layers: dict[str, Any] = field(default_factory=dict)  # by ARN: moto's layer version


@dataclass
class EventsAdditions:
    """The data of EventBridge per region, apart from rules."""

    # rule ARN -> its expression, and the epoch seconds of its next time
    due: dict[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionAdditions:
    """Settings of a function's version. Frozen, since a version is a shallow copy of $LATEST."""

    revision: str = ""
    dead_letter_arn: str | None = None
    logging: Mapping[str, Any] = field(default_factory=dict)  # LoggingConfig
    has_environment: bool = False  # Environment was given, perhaps without variables
    last_version: int = 0  # the newest number that was published
    # of $LATEST: ARN with qualifier -> the revision of its policy
    policy_revisions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetAdditions:
    """The data of RDS Proxy per target."""

    registered_at: float = 0.0


def of_lambda(region: str) -> LambdaAdditions:
    return _added(lambda_backends[ACCOUNT_ID][region], LambdaAdditions)


def of_events(region: str) -> EventsAdditions:
    return _added(events_backends[ACCOUNT_ID][region], EventsAdditions)


def of_function(function: Any) -> FunctionAdditions:
    """Return what we add to moto's `LambdaFunction`."""
    return _added(function, FunctionAdditions)


def of_target(target: Any) -> TargetAdditions:
    """Return what we add to moto's `DBProxyTarget`."""
    return _added(target, TargetAdditions)


def change_function(function: Any, **changes: Any) -> None:
    """Replace fields of the data that we add to moto's `LambdaFunction`."""
    setattr(function, _NAME, replace(of_function(function), **changes))


def change_target(target: Any, **changes: Any) -> None:
    """Replace fields of the data that we add to moto's `DBProxyTarget`."""
    setattr(target, _NAME, replace(of_target(target), **changes))


def _added[T](owner: Any, kind: type[T]) -> T:
    found = vars(owner).get(_NAME)
    if found is None:
        found = vars(owner)[_NAME] = kind()
    assert isinstance(found, kind)
    return found
