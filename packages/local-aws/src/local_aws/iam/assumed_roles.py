"""AssumeRole by the operator: the trust policy must let the account assume the role.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from moto.iam.models import iam_backends

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.access import parameters
from local_aws.iam.context import Context
from local_aws.iam.errors import error_response
from local_aws.iam.principal import Caller
from local_aws.iam.trust import ASSUME, trusts
from local_aws.settings import ACCOUNT_ID

_OPERATOR = "moto"  # the user that moto's GetCallerIdentity names
_FEDERATED = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
_NO_FEDERATION = "tokens of identity providers are not emulated. Use AssumeRole"


def refusal_of(call: AwsCall) -> AwsResponse | None:
    """Return AWS's error if the operator may not assume the role of this call."""
    if call.service != "sts":
        return None
    if call.action in _FEDERATED:
        return error_response(call, "NotEmulated", f"sts:{call.action}: {_NO_FEDERATION}.", 501)
    if call.action != "AssumeRole":
        return None
    asked = parameters(call)
    role, caller = str(asked.get("RoleArn", "")), _caller(call.access_key or "")
    if trusts(role, caller, _context(caller, asked)).allowed:
        return None
    message = f"User: {caller.arn} is not authorized to perform: {ASSUME} on resource: {role}"
    return error_response(call, "AccessDeniedException", message, 403)


def _caller(access_key: str) -> Caller:
    for user in list(iam_backends[ACCOUNT_ID]["aws"].users.values()):
        if any(key.access_key_id == access_key for key in user.access_keys):
            return Caller(ACCOUNT_ID, user.arn)
    return Caller(ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:user/{_OPERATOR}")


def _context(caller: Caller, asked: dict[str, str]) -> Context:
    keys = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}
    return {
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": ACCOUNT_ID,
        "aws:PrincipalType": "User",
        **{key: asked[name] for key, name in keys.items() if name in asked},
    }
