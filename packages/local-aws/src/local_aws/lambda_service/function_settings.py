"""Function settings that moto does not keep: dead letters, logging and revision ids.

Importing this module patches moto.

https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html
https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaAlias, LambdaFunction, lambda_backends

from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

_init, _update, _update_code, _configuration, _update_alias = (
    LambdaFunction.__init__,
    LambdaFunction.update_configuration,
    LambdaFunction.update_function_code,
    LambdaFunction.get_configuration,
    LambdaAlias.update,
)


@dataclass(frozen=True)
class Logging:
    """The group, format and levels of a function's log."""

    group: str
    is_json: bool = False
    application_level: str = "INFO"  # level of the function's own lines
    system_level: str = "INFO"  # level of the platform's lines

    def shown(self) -> dict[str, str]:
        """Return the settings in the form of the API."""
        levels = {
            "ApplicationLogLevel": self.application_level,
            "SystemLogLevel": self.system_level,
        }
        return {
            "LogFormat": "JSON" if self.is_json else "Text",
            "LogGroup": self.group,
            **(levels if self.is_json else {}),
        }


def dead_letter_arn(function: Any) -> str | None:
    return additions.of_function(function).dead_letter_arn or None


def logging(function: Any) -> Logging:
    asked = additions.of_function(function).logging
    return Logging(
        asked.get("LogGroup") or f"/aws/lambda/{function.function_name}",
        asked.get("LogFormat") == "JSON",
        asked.get("ApplicationLogLevel") or Logging.application_level,
        asked.get("SystemLogLevel") or Logging.system_level,
    )


def revision(function: Any) -> str:
    """Return the revision id, which changes with every update of the function."""
    if not additions.of_function(function).revision:
        additions.change_function(function, revision=str(uuid4()))
    return additions.of_function(function).revision


def _keep(function: Any, asked: dict[str, Any]) -> None:
    changes: dict[str, Any] = {"revision": str(uuid4())}
    if "DeadLetterConfig" in asked:
        changes["dead_letter_arn"] = (asked["DeadLetterConfig"] or {}).get("TargetArn")
    if "Environment" in asked:
        changes["has_environment"] = True
    if "LoggingConfig" in asked:
        changes["logging"] = asked["LoggingConfig"] or {}
    additions.change_function(function, **changes)


def _made(function: Any, account_id: str, spec: dict[str, Any], *others: Any, **named: Any) -> None:
    _init(function, account_id, spec, *others, **named)
    _keep(function, spec)


def _updated(function: Any, asked: dict[str, Any]) -> Any:
    _keep(function, asked)
    return _update(function, asked)


def _updated_code(function: Any, asked: dict[str, Any]) -> Any:
    _keep(function, {})
    return _update_code(function, asked)


def _shown(function: Any, on_create: bool = False) -> dict[str, Any]:
    shown = _configuration(function, on_create)
    target = dead_letter_arn(function)
    shown |= {"LoggingConfig": logging(function).shown(), "RevisionId": revision(function)}
    if additions.of_function(function).has_environment:
        shown.setdefault("Environment", {"Variables": {}})
    return shown | ({"DeadLetterConfig": {"TargetArn": target}} if target else {})


def _updated_alias(alias: Any, *others: Any, **named: Any) -> None:
    _update_alias(alias, *others, **named)
    alias.revision_id = str(uuid4())


def renew_revision(region: str, name: str) -> None:
    """Give $LATEST another revision, as when it becomes Active after a change."""
    latest = lambda_backends[ACCOUNT_ID][region].get_function(name)
    additions.change_function(latest, revision=str(uuid4()))


LambdaFunction.__init__ = _made  # type: ignore[method-assign, assignment]
LambdaFunction.update_configuration = _updated  # type: ignore[method-assign, assignment]
LambdaFunction.update_function_code = _updated_code  # type: ignore[method-assign, assignment]
LambdaFunction.get_configuration = _shown  # type: ignore[method-assign, assignment]
LambdaAlias.update = _updated_alias  # type: ignore[method-assign, assignment]
