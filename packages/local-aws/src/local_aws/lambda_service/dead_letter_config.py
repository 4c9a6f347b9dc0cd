"""moto forgets a function's `DeadLetterConfig`. Importing this corrects moto.

https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html
"""

from typing import Any

from moto.awslambda.models import LambdaFunction

_ATTRIBUTE = "atrium_dead_letter_arn"
_init, _update, _configuration = (
    LambdaFunction.__init__,
    LambdaFunction.update_configuration,
    LambdaFunction.get_configuration,
)


def dead_letter_arn(function: Any) -> str | None:
    return getattr(function, _ATTRIBUTE, None) or None


def _keep(function: Any, asked: dict[str, Any]) -> None:
    if "DeadLetterConfig" in asked:
        setattr(function, _ATTRIBUTE, (asked["DeadLetterConfig"] or {}).get("TargetArn"))


def _made(function: Any, account_id: str, spec: dict[str, Any], *others: Any, **named: Any) -> None:
    _init(function, account_id, spec, *others, **named)
    _keep(function, spec)


def _updated(function: Any, asked: dict[str, Any]) -> Any:
    _keep(function, asked)
    return _update(function, asked)


def _shown(function: Any, on_create: bool = False) -> dict[str, Any]:
    shown = _configuration(function, on_create)
    target = dead_letter_arn(function)
    return shown | ({"DeadLetterConfig": {"TargetArn": target}} if target else {})


LambdaFunction.__init__ = _made  # type: ignore[method-assign, assignment]
LambdaFunction.update_configuration = _updated  # type: ignore[method-assign, assignment]
LambdaFunction.get_configuration = _shown  # type: ignore[method-assign, assignment]
