"""The IAM actions, resources and condition keys of an AWS call.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import Any

from local_aws.aws_call import AwsCall
from local_aws.iam import cognito_access, dynamodb_access, kms_access, lambda_access, s3_access
from local_aws.iam.access import Access, arn, parameters, text
from local_aws.settings import ACCOUNT_ID


def accesses(call: AwsCall) -> list[Access]:
    """Return everything that must be allowed for `call`; empty for a call that needs no permission.

    A call is decided on resource "*" if its service is not mapped or its body cannot be read. Only
    a policy on "*" allows it.
    """
    mapped = SERVICES.get(call.service, _unmapped)
    try:
        return mapped(call)
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ):  # the body has a wrong type somewhere, such as a number instead of a string
        return _unmapped(call)


def _unmapped(call: AwsCall) -> list[Access]:
    prefix = {"monitoring": "cloudwatch", "email": "ses"}.get(call.service, call.service)
    return [Access(f"{prefix}:{call.action or f'{call.method} {call.path}'}")]


def _secretsmanager(call: AwsCall) -> list[Access]:
    content = parameters(call)
    named = content.get("SecretIdList") or [text(content, "SecretId") or text(content, "Name")]
    context = _stages(call.action or "", content)
    if call.action in ("ListSecrets", "GetRandomPassword") or named == [""]:
        return [Access(f"secretsmanager:{call.action}")]
    return [
        Access(f"secretsmanager:{call.action}", found, context | {"secretsmanager:SecretId": found})
        for found in (_secret_arn(call, str(each)) for each in named)
    ]


def _stages(action: str, content: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the secret's version stages where AWS documents that it sends them.

    They are unknown for a version that is named by its id alone, and for other actions.
    """
    named = content.get("VersionStages") or text(content, "VersionStage")
    if action == "GetSecretValue" and not content.get("VersionId"):
        named = named or "AWSCURRENT"
    return {"secretsmanager:VersionStage": named} if named else {}


def _secret_arn(call: AwsCall, secret_id: str) -> str:
    """Return the secret's full ARN, with the suffix of six characters that AWS adds.

    The suffix is missing if there is no such secret.
    """
    from moto.secretsmanager.models import secretsmanager_backends

    found = secretsmanager_backends[ACCOUNT_ID][call.region].secrets.get(secret_id)
    if found is not None:
        return str(found.arn)
    return secret_id if secret_id.startswith("arn:") else arn(call, f"secret:{secret_id}")


def _ssm(call: AwsCall) -> list[Access]:
    content = parameters(call)
    names = content.get("Names") or [text(content, "Name") or text(content, "Path")]
    if names == [""] or call.action not in _SSM_PARAMETER_ACTIONS:
        return [Access(f"ssm:{call.action}")]
    return [Access(f"ssm:{call.action}", _parameter_arn(call, str(name))) for name in names]


_SSM_PARAMETER_ACTIONS = frozenset(
    [
        "GetParameter",
        "GetParameters",
        "GetParametersByPath",
        "GetParameterHistory",
        "PutParameter",
        "DeleteParameter",
        "DeleteParameters",
        "LabelParameterVersion",
        "UnlabelParameterVersion",
    ]
)


def _parameter_arn(call: AwsCall, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return arn(
        call, "parameter/" + name.partition(":")[0].removeprefix("/")
    )  # ":3" or ":label" selects a version


# A batch call needs the permission of the corresponding single call.
_SQS_BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


def _sqs(call: AwsCall) -> list[Access]:
    content = parameters(call)
    queue = text(content, "QueueUrl").rsplit("/", 1)[-1] or text(content, "QueueName")
    action = _SQS_BATCHES.get(call.action or "", call.action)
    return [Access(f"sqs:{action}", arn(call, queue) if queue else "*")]


def _sns(call: AwsCall) -> list[Access]:
    content = parameters(call)
    return [
        Access(f"sns:{call.action}", text(content, "TopicArn") or text(content, "TargetArn") or "*")
    ]


def _events(call: AwsCall) -> list[Access]:
    """Return the bus of each entry of PutEvents, which is given as a name or an ARN."""
    if call.action != "PutEvents":
        return _unmapped(call)
    names = [text(entry, "EventBusName") or "default" for entry in parameters(call)["Entries"]]
    buses = {name if name.startswith("arn:") else arn(call, f"event-bus/{name}") for name in names}
    return [Access("events:PutEvents", bus) for bus in sorted(buses)]


def _ses(call: AwsCall) -> list[Access]:
    """Return the sender's identity for SendEmail: the address, or its domain if only that is one."""
    from moto.ses.models import ses_backends

    from local_aws.request_model.operation_name import operation_name

    action = f"ses:{operation_name(call)}"
    sender = parseaddr(text(parameters(call), "FromEmailAddress"))[1]
    if action != "ses:SendEmail" or not sender:
        return [Access(action)]
    known = sender in ses_backends[ACCOUNT_ID][call.region].email_identities
    identity = sender if known else sender.rpartition("@")[2]
    return [Access(action, arn(call, f"identity/{identity}"), {"ses:FromAddress": sender})]


def _sts(call: AwsCall) -> list[Access]:
    if call.action in ("GetCallerIdentity", "GetSessionToken"):
        return []
    content = parameters(call)
    names = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}
    keys = {key: text(content, name) for key, name in names.items() if name in content}
    return [Access(f"sts:{call.action}", text(content, "RoleArn") or "*", keys)]


def _logs(call: AwsCall) -> list[Access]:
    content = parameters(call)
    group = text(content, "logGroupName")
    identifier = text(content, "logGroupIdentifier")
    if identifier.startswith("arn:"):
        group = identifier.split(":log-group:")[-1].removesuffix(":*")
    group = group or identifier
    if not group:
        return [Access(f"logs:{call.action}")]
    # The ARN of a log group has a part for the stream, even if none is meant, so policies end in
    # ":*".
    return [
        Access(
            f"logs:{call.action}",
            arn(call, f"log-group:{group}:log-stream:{text(content, 'logStreamName')}"),
        )
    ]


SERVICES: dict[str, Callable[[AwsCall], list[Access]]] = {
    "cognito-idp": cognito_access.accesses,
    "dynamodb": dynamodb_access.accesses,
    "events": _events,
    "kms": kms_access.accesses,
    "lambda": lambda_access.accesses,
    "logs": _logs,
    "s3": s3_access.accesses,
    "secretsmanager": _secretsmanager,
    "ses": _ses,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
