"""Aliases that Lambda rejects: missing versions and routing between them.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import lambda_backends

from local_aws.lambda_service.errors import InvokeError, function_not_found, invalid, not_found
from local_aws.lambda_service.references import Reference
from local_aws.settings import ACCOUNT_ID

LATEST = "$LATEST"


def check_alias(asked: Mapping[str, Any], function: Reference, name: str | None) -> None:
    """Raise `InvokeError` if CreateAlias (without `name`) or UpdateAlias would."""
    storage = lambda_backends[ACCOUNT_ID][function.region]._lambdas
    kept, aliases = storage._functions.get(function.name), storage._aliases.get(function.arn, {})
    if name is not None and name not in aliases:
        raise not_found(f"Alias not found: {function.arn}:{name}")
    version = asked.get("FunctionVersion") or (aliases[name].function_version if name else None)
    weights = (asked.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if weights and version == LATEST:
        raise invalid(f"{LATEST} is not supported for an alias pointing to more than 1 version")
    if version in weights:
        raise invalid(
            f"Invalid function version {version}. "
            f"Function version {version} is already included in routing configuration."
        )
    published = {str(each.version) for each in kept["versions"]} if kept else set()
    for each in (version, *weights):
        if each is not None and (kept is None or each not in {*published, LATEST}):
            raise function_not_found(f"{function.arn}:{each}")
    if name is None and asked.get("Name") in aliases:
        message = f"Alias already exists: {function.arn}:{asked['Name']}"
        raise InvokeError(409, "ResourceConflictException", message)
