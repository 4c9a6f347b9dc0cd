"""RDS's service-linked role.

An empty account has none. RDS may reject the first database or proxy while the role is being
created.

https://github.com/terraform-aws-modules/terraform-aws-rds/issues/364,
https://github.com/aws-samples/eks-workshop-v2/issues/1609
"""

from moto.iam import models as iam

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.settings import ACCOUNT_ID

# moto writes the name like the service in its address.
iam.SERVICE_NAME_CONVERSION |= {"rds": "RDS"}
SERVICE = "rds.amazonaws.com"
NEEDED_BY = frozenset(["CreateDBInstance", "CreateDBProxy"])
REFUSAL = (
    "Unable to create the resource. Verify that you have permission to create service linked role. "
    "Otherwise wait and try again later"
)


def refusal(call: AwsCall) -> AwsResponse | None:
    """Return RDS's error if the account has no such role yet; the next call finds the role."""
    if call.action not in NEEDED_BY or _exists():
        return None
    iam.iam_backends[ACCOUNT_ID]["aws"].create_service_linked_role(SERVICE, "", "")
    error = (
        "<Error><Type>Sender</Type><Code>InvalidParameterValue</Code>"
        f"<Message>{REFUSAL}</Message></Error>"
    )
    return AwsResponse(
        400, f"<ErrorResponse>{error}</ErrorResponse>".encode(), {"content-type": "text/xml"}
    )


def _exists() -> bool:
    roles = list(iam.iam_backends[ACCOUNT_ID]["aws"].roles.values())
    return any(role.path == f"/aws-service-role/{SERVICE}/" for role in roles)
