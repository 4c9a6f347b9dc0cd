"""Resource-based policies of functions: decides which AWS services may invoke them, as IAM does.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from local_aws.iam.context import UNKNOWN
from local_aws.iam.decision import decide
from local_aws.iam.policy import Policy, parse
from local_aws.settings import ACCOUNT_ID


def may_invoke(
    statements: Iterable[Mapping[str, Any]], principal: str, source_arn: str, function_arn: str
) -> bool:
    """Return True if a statement admits the service.

    `statements` come from AddPermission. Statements of an alias do not apply to the function, and
    vice versa.
    """
    return _may_invoke(json.dumps(list(statements)), principal, source_arn, function_arn)


@lru_cache(maxsize=4096)  # cached: every request asks with the same arguments
def _may_invoke(statements: str, principal: str, source_arn: str, function_arn: str) -> bool:
    about = [each for each in json.loads(statements) if _is_for(each.get("Principal"), principal)]
    context = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": ACCOUNT_ID,
        "aws:PrincipalOrgID": UNKNOWN,
        "aws:PrincipalIsAWSService": "true",
    }
    return decide(
        [_policy(each) for each in about], "lambda:InvokeFunction", function_arn, context
    ).allowed


def _is_for(who: Any, principal: str) -> bool:
    return who == "*" or (
        isinstance(who, Mapping) and principal in (who.get("Service"), who.get("AWS"))
    )


def _policy(statement: Mapping[str, Any]) -> Policy:
    content = {name: value for name, value in statement.items() if name != "Principal"}
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [content]}))
