"""Which AWS services may invoke a function: its resource-based policy, decided as IAM does.

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
    """`statements` as AddPermission made them. Those of an alias say nothing of the function, and the other way round."""
    return _may_invoke(json.dumps(list(statements)), principal, source_arn, function_arn)


@lru_cache(maxsize=4096)  # asked at every request, and the same each time
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
