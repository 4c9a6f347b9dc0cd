"""The IAM actions, resources and condition keys of an AWS call.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl

from local_aws.aws_call import AwsCall
from local_aws.iam.context import UNKNOWN, Context
from local_aws.settings import ACCOUNT_ID


@dataclass(frozen=True)
class Access:
    action: str  # "service:Name"
    resource: str = "*"
    context: Context = field(default_factory=dict)


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


def parameters(call: AwsCall) -> dict[str, Any]:
    """Return the JSON body or the form of a query-protocol call; empty if the body is neither."""
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode("utf-8", "replace")))
    try:
        content = json.loads(call.body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def arn(call: AwsCall, resource: str, service: str | None = None) -> str:
    return f"arn:aws:{service or call.service}:{call.region}:{ACCOUNT_ID}:{resource}"


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _lambda(call: AwsCall) -> list[Access]:
    from local_aws.iam import lambda_access

    return lambda_access.accesses(call)


def _s3(call: AwsCall) -> list[Access]:
    from local_aws.iam import s3_access

    return s3_access.accesses(call)


# These calls take a client id or an access token and consult no IAM policy (`authtype: none` in
# botocore's model):
# https://docs.aws.amazon.com/cognito/latest/developerguide/security_iam_service-with-iam.html
_PUBLIC_COGNITO = frozenset(
    [
        "AssociateSoftwareToken",
        "ChangePassword",
        "CompleteWebAuthnRegistration",
        "ConfirmDevice",
        "ConfirmForgotPassword",
        "ConfirmSignUp",
        "DeleteUser",
        "DeleteUserAttributes",
        "DeleteWebAuthnCredential",
        "ForgetDevice",
        "ForgotPassword",
        "GetDevice",
        "GetTokensFromRefreshToken",
        "GetUser",
        "GetUserAttributeVerificationCode",
        "GetUserAuthFactors",
        "GlobalSignOut",
        "InitiateAuth",
        "ListDevices",
        "ListWebAuthnCredentials",
        "ResendConfirmationCode",
        "RespondToAuthChallenge",
        "RevokeToken",
        "SetUserMFAPreference",
        "SetUserSettings",
        "SignUp",
        "StartWebAuthnRegistration",
        "UpdateAuthEventFeedback",
        "UpdateDeviceStatus",
        "UpdateUserAttributes",
        "VerifySoftwareToken",
        "VerifyUserAttribute",
    ]
)


def _cognito_idp(call: AwsCall) -> list[Access]:
    if call.action in _PUBLIC_COGNITO:
        return []
    pool = _text(parameters(call), "UserPoolId")
    return [Access(f"cognito-idp:{call.action}", arn(call, f"userpool/{pool}") if pool else "*")]


def _secretsmanager(call: AwsCall) -> list[Access]:
    content = parameters(call)
    named = content.get("SecretIdList") or [_text(content, "SecretId") or _text(content, "Name")]
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
    named = content.get("VersionStages") or _text(content, "VersionStage")
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
    names = content.get("Names") or [_text(content, "Name") or _text(content, "Path")]
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
    queue = _text(content, "QueueUrl").rsplit("/", 1)[-1] or _text(content, "QueueName")
    action = _SQS_BATCHES.get(call.action or "", call.action)
    return [Access(f"sqs:{action}", arn(call, queue) if queue else "*")]


def _sns(call: AwsCall) -> list[Access]:
    content = parameters(call)
    return [
        Access(
            f"sns:{call.action}", _text(content, "TopicArn") or _text(content, "TargetArn") or "*"
        )
    ]


def _events(call: AwsCall) -> list[Access]:
    """Return the bus of each entry of PutEvents, which is given as a name or an ARN."""
    if call.action != "PutEvents":
        return _unmapped(call)
    names = [_text(entry, "EventBusName") or "default" for entry in parameters(call)["Entries"]]
    buses = {name if name.startswith("arn:") else arn(call, f"event-bus/{name}") for name in names}
    return [Access("events:PutEvents", bus) for bus in sorted(buses)]


def _ses(call: AwsCall) -> list[Access]:
    """Return the sender's identity for SendEmail: the address, or its domain if only that is one."""
    from moto.ses.models import ses_backends

    from local_aws.control_plane.operation_name import operation_name

    action = f"ses:{operation_name(call)}"
    sender = parseaddr(_text(parameters(call), "FromEmailAddress"))[1]
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
    keys = {key: _text(content, name) for key, name in names.items() if name in content}
    return [Access(f"sts:{call.action}", _text(content, "RoleArn") or "*", keys)]


_KMS_UNKNOWN = (
    *("kms:KeySpec", "kms:KeyUsage", "kms:KeyOrigin", "kms:MultiRegion", "kms:ResourceAliases"),
    *(
        "kms:EncryptionAlgorithm",
        "kms:SigningAlgorithm",
        "kms:MessageType",
        "kms:MacAlgorithm",
        "kms:KeyAgreementAlgorithm",
    ),
    *(
        "kms:DataKeyPairSpec",
        "kms:ReEncryptOnSameKey",
        "kms:PrimaryRegion",
        "kms:ReplicaRegion",
        "kms:ValidTo",
    ),
    *(
        "kms:GrantIsForAWSResource",
        "kms:GranteePrincipal",
        "kms:GrantOperations",
        "kms:GrantConstraintType",
    ),
    *(
        "kms:RetiringPrincipal",
        "kms:BypassPolicyLockoutSafetyCheck",
        "kms:ScheduleKeyDeletionPendingWindowInDays",
    ),
    *(
        "kms:ExpirationModel",
        "kms:WrappingAlgorithm",
        "kms:WrappingKeySpec",
        "kms:RotationPeriodInDays",
    ),
    "kms:RecipientAttestation:ImageSha384",
)


def _kms(call: AwsCall) -> list[Access]:
    content = parameters(call)
    key_id = _text(content, "KeyId") or _key_of(_text(content, "CiphertextBlob"))
    context: dict[str, str | list[str] | None] = dict.fromkeys(_KMS_UNKNOWN, UNKNOWN)
    context["kms:CallerAccount"] = ACCOUNT_ID
    encryption = content.get("EncryptionContext")
    if isinstance(encryption, dict):
        context |= {
            f"kms:EncryptionContext:{name}": str(value) for name, value in encryption.items()
        }
        context["kms:EncryptionContextKeys"] = list(encryption)
    if "alias/" in key_id:
        context["kms:RequestAlias"] = key_id[key_id.index("alias/") :]
    return [Access(f"kms:{call.action}", _key_arn(call, key_id) if key_id else "*", context)]


def _key_of(ciphertext: str) -> str:
    """Return the id of the key.

    moto, like KMS, writes it into the ciphertext, so Decrypt needs no KeyId.
    """
    try:
        return base64.b64decode(ciphertext)[:36].decode("ascii")
    except ValueError:
        return ""


def _key_arn(call: AwsCall, key_id: str) -> str:
    from moto.kms.models import kms_backends

    backend = kms_backends[ACCOUNT_ID][call.region]
    alias = key_id[key_id.index("alias/") :] if "alias/" in key_id else ""
    raw = backend.get_key_id_from_alias(alias) if alias else backend.get_key_id(key_id)
    return arn(call, f"key/{raw}") if raw else arn(call, alias)


def _logs(call: AwsCall) -> list[Access]:
    content = parameters(call)
    group = _text(content, "logGroupName")
    identifier = _text(content, "logGroupIdentifier")
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
            arn(call, f"log-group:{group}:log-stream:{_text(content, 'logStreamName')}"),
        )
    ]


def _dynamodb(call: AwsCall) -> list[Access]:
    from local_aws.iam import dynamodb_access

    return dynamodb_access.accesses(call)


SERVICES: dict[str, Callable[[AwsCall], list[Access]]] = {
    "cognito-idp": _cognito_idp,
    "dynamodb": _dynamodb,
    "events": _events,
    "kms": _kms,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "ses": _ses,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
