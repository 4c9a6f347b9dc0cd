"""The resource-based policies of queues, topics, secrets, keys, buckets, functions and roles.

They are read from moto, where Terraform and boto3 put them. Policies of other kinds of resources
are not evaluated. The record of calls shows each call that is decided without one.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from local_aws.iam.context import UNKNOWN
from local_aws.iam.decision import RESOURCE, Attached, decide
from local_aws.iam.policy import parse
from local_aws.iam.principal import Caller
from local_aws.settings import ACCOUNT_ID

PARTITION = "aws"
# For these, identity policies count only if the resource's own policy allows that.
_REQUIRED = {"kms", "sts"}
_NO_CONSENT = '{"Version": "2012-10-17", "Statement": []}'


def attached_to(action: str, resource: str) -> tuple[str, bool] | None:
    """Return a resource's policy, and True if every call needs that policy's consent.

    Return None for a resource without a policy. A role's trust policy counts only for
    actions that assume the role, not for actions that change or pass it.
    """
    service = action.partition(":")[0].lower()
    if resource == "*":
        return None
    read = _READERS.get(service)
    document = read(resource) if read else None
    if service in _REQUIRED and ":alias/" not in resource:  # an alias has no policy of its own
        return document or _NO_CONSENT, True
    return (document, False) if document else None


def parsed(found: tuple[str, bool] | None) -> Attached | None:
    if found is None:
        return None
    document, required = found
    return Attached(parse(document, RESOURCE, attached=True), required)


def admits(
    statements: Iterable[Mapping[str, Any]],
    service: str,
    source_arn: str,
    action: str,
    resource: str,
) -> bool:
    """Return True if the statements allow an AWS service, acting for `source_arn`."""
    return _admits(_document(statements), service, source_arn, action, resource)


@lru_cache(maxsize=4096)  # cached: every request of an API asks with the same arguments
def _admits(document: str, service: str, source_arn: str, action: str, resource: str) -> bool:
    context = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": ACCOUNT_ID,
        "aws:SourceOwner": ACCOUNT_ID,  # SNS's own name of aws:SourceAccount
        "aws:PrincipalOrgID": UNKNOWN,
        "aws:PrincipalIsAWSService": "true",
    }
    policies = [parse(document, RESOURCE, attached=True)]
    return decide(policies, action, resource, context, RESOURCE, Caller(service=service)).allowed


def _document(statements: Iterable[Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _parts(arn: str) -> tuple[str, str]:
    """Return the region and the name of an ARN's resource."""
    parts = arn.split(":", 5)
    return (parts[3], parts[5]) if len(parts) == 6 else ("", "")


def _policy_of(resource: Any) -> str | None:
    found: str | None = resource.policy if resource else None
    return found


def _queue(arn: str) -> str | None:
    from moto.sqs.models import sqs_backends

    region, name = _parts(arn)
    backend = sqs_backends[ACCOUNT_ID].get(region)
    return _policy_of(backend and backend.queues.get(name))


def _topic(arn: str) -> str | None:
    from moto.sns.models import sns_backends

    backend = sns_backends[ACCOUNT_ID].get(_parts(arn)[0])
    return _policy_of(backend and backend.topics.get(arn))


def _secret(arn: str) -> str | None:
    from moto.secretsmanager.models import secretsmanager_backends

    backend = secretsmanager_backends[ACCOUNT_ID].get(_parts(arn)[0])
    return _policy_of(backend and backend.secrets.get(arn))


def _key(arn: str) -> str | None:
    from moto.kms.models import kms_backends

    region, name = _parts(arn)
    backend = kms_backends[ACCOUNT_ID].get(region)
    return _policy_of(backend and backend.keys.get(name.removeprefix("key/")))


def _bucket(arn: str) -> str | None:
    from moto.s3.models import s3_backends

    bucket = s3_backends[ACCOUNT_ID][PARTITION].buckets.get(_parts(arn)[1].partition("/")[0])
    return bucket.policy.decode() if bucket is not None and bucket.policy else None


def _function(arn: str) -> str | None:
    """Return the permissions of the function, its versions and its aliases.

    Each names the ARN that it is for (`lambda_service.function_policy`).
    """
    from moto.awslambda.models import lambda_backends

    region, name = _parts(arn)
    backend = lambda_backends[ACCOUNT_ID].get(region)
    functions = backend._lambdas._functions if backend else {}
    function = functions.get(name.removeprefix("function:").partition(":")[0])
    statements = function["latest"].policy.statements if function else []
    return _document(statements) if statements else None


def _role(arn: str) -> str | None:
    from moto.iam.models import iam_backends

    roles = list(iam_backends[ACCOUNT_ID][PARTITION].roles.values())
    return next((each.assume_role_policy_document for each in roles if each.arn == arn), None)


_READERS: dict[str, Callable[[str], str | None]] = {
    "kms": _key,
    "lambda": _function,
    "s3": _bucket,
    "secretsmanager": _secret,
    "sns": _topic,
    "sqs": _queue,
    "sts": _role,
}
