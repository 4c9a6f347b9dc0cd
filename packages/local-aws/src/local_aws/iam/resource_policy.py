"""Resource-based policies: decides which AWS services they admit, as IAM does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from local_aws.iam.context import UNKNOWN
from local_aws.iam.decision import decide
from local_aws.iam.policy import Policy, parse
from local_aws.settings import ACCOUNT_ID


def admits(
    statements: Iterable[Mapping[str, Any]],
    principal: str,
    source_arn: str,
    action: str,
    resource: str,
) -> bool:
    """Return True if the statements allow the service `principal`, acting for `source_arn`."""
    return _admits(json.dumps(list(statements)), principal, source_arn, action, resource)


@lru_cache(maxsize=4096)  # cached: every request of an API asks with the same arguments
def _admits(statements: str, principal: str, source_arn: str, action: str, resource: str) -> bool:
    about = [each for each in json.loads(statements) if _is_for(each.get("Principal"), principal)]
    context = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": ACCOUNT_ID,
        "aws:SourceOwner": ACCOUNT_ID,  # SNS's own name of the same
        "aws:PrincipalOrgID": UNKNOWN,
        "aws:PrincipalIsAWSService": "true",
    }
    return decide([_policy(each) for each in about], action, resource, context).allowed


def _is_for(who: Any, principal: str) -> bool:
    named = who if isinstance(who, Mapping) else {"AWS": who}
    services, accounts = (_listed(named.get(kind, [])) for kind in ("Service", "AWS"))
    return principal in services or principal in accounts or "*" in accounts


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _policy(statement: Mapping[str, Any]) -> Policy:
    content = {name: value for name, value in statement.items() if name != "Principal"}
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [content]}))
