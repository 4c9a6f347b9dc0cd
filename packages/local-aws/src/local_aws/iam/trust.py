"""Trust policies: who may assume a role, and which service may use it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
"""

from dataclasses import replace

from local_aws.iam import resource_policies
from local_aws.iam.context import Context
from local_aws.iam.decision import RESOURCE, Decision, decide
from local_aws.iam.policy import Policy
from local_aws.iam.principal import Caller
from local_aws.settings import ACCOUNT_ID

ASSUME = "sts:AssumeRole"
# A service sends the resource for which it assumes a role as a condition key. Its value is unknown
# here, so a condition on it counts as met.
_SOURCE = "aws:sourcearn"


def trusts_service(role_arn: str, service: str) -> bool:
    """Return whether an AWS service, such as lambda.amazonaws.com, may assume the role."""
    context = {"aws:SourceAccount": ACCOUNT_ID, "aws:PrincipalIsAWSService": "true"}
    caller = Caller(service=service)
    policies = [_without_source(policy) for policy in _policies(role_arn)]
    return decide(policies, ASSUME, role_arn, context, RESOURCE, caller).allowed


def trusts(role_arn: str, caller: Caller, context: Context) -> Decision:
    """Decide whether the trust policy lets a principal assume the role.

    The principal's own policies are not asked.
    """
    return decide(_policies(role_arn), ASSUME, role_arn, context, RESOURCE, caller)


def _policies(role_arn: str) -> list[Policy]:
    found = resource_policies.parsed(resource_policies.attached_to(ASSUME, role_arn))
    return [found.policy] if found else []


def _without_source(policy: Policy) -> Policy:
    statements = tuple(
        replace(
            each, conditions=tuple(one for one in each.conditions if one.key.lower() != _SOURCE)
        )
        for each in policy.statements
    )
    return replace(policy, statements=statements)
