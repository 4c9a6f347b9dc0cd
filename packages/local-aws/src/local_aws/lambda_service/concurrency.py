"""Calls of PutFunctionConcurrency that Lambda rejects.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import lambda_backends

from local_aws.lambda_service.errors import function_not_found, invalid
from local_aws.lambda_service.references import Reference
from local_aws.settings import ACCOUNT_ID

CONCURRENT_EXECUTIONS = 1000  # of an account, by default
UNRESERVED_MINIMUM = 100


def check_reservation(asked: Mapping[str, Any], function: Reference) -> None:
    """Raise `InvokeError` if the reservation leaves other functions too little."""
    if function.qualifier:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN."
        )
    functions = lambda_backends[ACCOUNT_ID][function.region]._lambdas._functions
    if function.name not in functions:
        raise function_not_found(f"{function.arn}:$LATEST")
    others = sum(
        int(each["latest"].reserved_concurrency or 0)
        for name, each in list(functions.items())
        if name != function.name
    )
    reserved = int(asked.get("ReservedConcurrentExecutions") or 0)
    if others + reserved > CONCURRENT_EXECUTIONS - UNRESERVED_MINIMUM:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MINIMUM}]."
        )
