"""The trust policy of the proxy's role.

RDS Proxy sends no global condition keys, so a trust policy with such a condition rejects it:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html, "Limitations".
"""

import json
from typing import Any

from moto.iam.models import iam_backends

from local_aws.settings import ACCOUNT_ID

PRINCIPAL = "rds.amazonaws.com"


def refusal_of_rds(role_arn: str) -> str | None:
    """Return the reason why RDS cannot assume the role; None if it can."""
    roles = list(iam_backends[ACCOUNT_ID]["aws"].roles.values())
    role = next((role for role in roles if role.arn == role_arn), None)
    if role is None:
        return f"The proxy's role {role_arn} does not exist."
    statements = _listed(json.loads(role.assume_role_policy_document).get("Statement", []))
    named = [statement for statement in statements if PRINCIPAL in _services(statement)]
    if any(
        statement.get("Effect") == "Allow" and not statement.get("Condition") for statement in named
    ):
        return None
    if any(statement.get("Condition") for statement in named):
        return (
            f"RDS Proxy sends no condition keys, but the trust policy of {role_arn} requires some. "
            "Remove its Condition."
        )
    return f"The trust policy of {role_arn} does not allow {PRINCIPAL} to assume it."


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return _listed(principal.get("Service", [])) if isinstance(principal, dict) else []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
