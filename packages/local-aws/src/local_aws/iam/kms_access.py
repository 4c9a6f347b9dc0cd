"""The IAM actions, resources and condition keys of a KMS call.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

import base64

from local_aws.aws_call import AwsCall
from local_aws.iam.access import Access, arn, parameters, text
from local_aws.iam.context import UNKNOWN
from local_aws.settings import ACCOUNT_ID

# Condition keys that the laptop's KMS does not know.
_UNKNOWN = (
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


def accesses(call: AwsCall) -> list[Access]:
    """Return what must be allowed for a call."""
    content = parameters(call)
    key_id = text(content, "KeyId") or _key_of(text(content, "CiphertextBlob"))
    context: dict[str, str | list[str] | None] = dict.fromkeys(_UNKNOWN, UNKNOWN)
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
