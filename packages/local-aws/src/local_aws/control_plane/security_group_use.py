"""Dependencies of security groups: EC2 rejects deleting a group that a network interface uses.

moto creates no interfaces for functions, databases and proxies, so their groups are checked here. A
published version keeps the groups that it was published with.

https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html
"""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from moto.awslambda.models import lambda_backends
from moto.rds.models import rds_backends

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.settings import ACCOUNT_ID


async def intercept(call: AwsCall, forward: Forward) -> AwsResponse:
    """Answer for the service `ec2`."""
    if call.action != "DeleteSecurityGroup":
        return await forward(call)
    group = dict(parse_qsl(call.body.decode("latin-1"))).get("GroupId", "")
    users = sorted(set(users_of(call.region, group)))
    return _refused(group, users) if users else await forward(call)


def users_of(region: str, group: str) -> Iterator[str]:
    """Yield the resources with interfaces in the group."""
    for function in list(lambda_backends[ACCOUNT_ID][region].list_functions(func_version="ALL")):
        if group in (function._vpc_config or {}).get("SecurityGroupIds", []):
            yield f"function {function.function_name}"
    databases = rds_backends[ACCOUNT_ID][region]
    for proxy in list(databases.db_proxies.values()):
        if group in proxy.vpc_security_group_ids:
            yield f"proxy {proxy.db_proxy_name}"
    for name, database in list(databases.databases.items()):
        if group in database.vpc_security_group_ids:
            yield f"database {name}"


def _refused(group: str, users: list[str]) -> AwsResponse:
    message = f"resource {group} has a dependent object ({', '.join(users)})"
    error = f"<Error><Code>DependencyViolation</Code><Message>{message}</Message></Error>"
    return AwsResponse(
        400, f"<Response><Errors>{error}</Errors></Response>".encode(), {"content-type": "text/xml"}
    )
