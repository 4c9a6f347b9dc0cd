"""Roles that a call hands to a service.

The caller must be allowed to pass them, and they must trust the service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.access import Access
from local_aws.iam.errors import error_response
from local_aws.iam.trust import trusts_service
from local_aws.request_model.gate import parameters_of
from local_aws.request_model.operation_name import operation_name

Parameters = dict[str, Any]


@dataclass(frozen=True)
class _Use:
    """An operation that takes roles for a service."""

    service: str  # the principal that assumes them
    roles: Callable[[Parameters], Iterable[Any]]
    # The error's code and message if a role does not trust the service; None if AWS reports it only
    # later.
    refusal: Callable[[str], tuple[str, str]] | None = None


def passed(call: AwsCall) -> list[Access]:
    """Return the permissions to pass the roles of a call."""
    use, roles = _use(call)
    keys = {"iam:PassedToService": use.service} if use else {}
    return [Access("iam:PassRole", role, keys) for role in roles]


def refusal_of(call: AwsCall) -> AwsResponse | None:
    """Return the service's error if it cannot assume a role of the call."""
    use, roles = _use(call)
    if use is None or use.refusal is None:
        return None
    untrusting = next((role for role in roles if not trusts_service(role, use.service)), None)
    return error_response(call, *use.refusal(untrusting), 400) if untrusting else None


def _use(call: AwsCall) -> tuple[_Use | None, list[str]]:
    use = _USES.get((call.service, operation_name(call))) if call.service in _SERVICES else None
    named = use.roles(parameters_of(call)) if use else ()
    return use, [each for each in named if isinstance(each, str) and each]


def _at(name: str) -> Callable[[Parameters], Iterable[Any]]:
    return lambda asked: [asked.get(name)]


def _of_targets(asked: Parameters) -> Iterable[Any]:
    return [each.get("RoleArn") for each in asked.get("Targets") or ()]


def _of_the_account(asked: Parameters) -> Iterable[Any]:
    changes = asked.get("patchOperations") or ()
    return [each.get("value") for each in changes if each.get("path") == "/cloudwatchRoleArn"]


_FUNCTION = _Use(
    "lambda.amazonaws.com",
    _at("Role"),
    lambda _: (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
)


def _events(roles: Callable[[Parameters], Iterable[Any]]) -> _Use:
    principal = "events.amazonaws.com"
    return _Use(
        principal,
        roles,
        lambda role: (
            "ValidationException",
            f"Provided role '{role}' cannot be assumed by principal '{principal}'.",
        ),
    )


_MONITORING = _Use(
    "monitoring.rds.amazonaws.com",
    _at("MonitoringRoleArn"),
    lambda _: (
        "InvalidParameterValue",
        "IAM role ARN value is invalid or does not include the required permissions for: "
        "ENHANCED_MONITORING",
    ),
)
_USES: dict[tuple[str, str], _Use] = {
    ("apigateway", "UpdateAccount"): _Use(
        "apigateway.amazonaws.com",
        _of_the_account,
        lambda _: (
            "BadRequestException",
            "The role ARN does not have required permissions configured. Please grant trust "
            "permission for API Gateway and add the required role policy.",
        ),
    ),
    ("apigateway", "PutIntegration"): _Use("apigateway.amazonaws.com", _at("credentials")),
    ("ec2", "CreateFlowLogs"): _Use("vpc-flow-logs.amazonaws.com", _at("DeliverLogsPermissionArn")),
    ("events", "PutRule"): _events(_at("RoleArn")),
    ("events", "PutTargets"): _events(_of_targets),
    ("lambda", "CreateFunction"): _FUNCTION,
    ("lambda", "UpdateFunctionConfiguration"): _FUNCTION,
    ("rds", "CreateDBInstance"): _MONITORING,
    ("rds", "CreateDBProxy"): _Use("rds.amazonaws.com", _at("RoleArn")),
    ("rds", "ModifyDBInstance"): _MONITORING,
    ("rds", "ModifyDBProxy"): _Use("rds.amazonaws.com", _at("RoleArn")),
}
_SERVICES = {service for service, _ in _USES}
