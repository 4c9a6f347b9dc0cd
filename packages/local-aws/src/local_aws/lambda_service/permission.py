"""Resource-based policies of functions: decides which AWS services may invoke them, as IAM does.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from local_aws.iam.resource_policies import admits


def may_invoke(
    statements: Iterable[Mapping[str, Any]], principal: str, source_arn: str, function_arn: str
) -> bool:
    """Return True if a statement admits the service.

    `statements` come from AddPermission. Statements of an alias do not apply to the function, and
    vice versa.
    """
    return admits(statements, principal, source_arn, "lambda:InvokeFunction", function_arn)
